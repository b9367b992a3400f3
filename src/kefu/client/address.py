"""Where an installation is reached, and how it is not reached."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit


class LostError(ConnectionError):
    """The connection is gone, or was never there; what was not answered may or may not have been done."""


class RefusedError(ConnectionError):
    """The server does not want this client; trying again will not help. The message says what it answered."""


@dataclass(frozen=True)
class Address:
    """Where an installation is reached.

    Attributes:
        url: `http://` or `https://`, with a path if a proxy adds one.
        origin: The Origin header to send; empty sends none, as programs do.
        ssl: How certificates are checked; as this machine does if None.
    """

    url: str
    origin: str = ""
    ssl: ssl.SSLContext | None = None

    def websocket(self, path: str) -> str:
        """The websocket's URL for a path such as `/ws-visitor`."""
        scheme = "wss" if self._parts.scheme == "https" else "ws"
        return f"{scheme}://{self._parts.netloc}{self._prefix}{path}/?EIO=4&transport=websocket"

    def polling(self, path: str, sid: str = "") -> str:
        """The URL of polling requests for the same path; without a sid the one that opens a session."""
        return self.http(f"{path}/?EIO=4&transport=polling" + (f"&sid={sid}" if sid else ""))

    def http(self, path: str) -> str:
        """The URL of a path such as `/chat/health`."""
        return f"{self._parts.scheme}://{self._parts.netloc}{self._prefix}{path}"

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Origin": self.origin} if self.origin else {}

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def _prefix(self) -> str:
        return self._parts.path.rstrip("/")
