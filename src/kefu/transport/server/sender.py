"""What a client needs of the way out, whichever transport it is.

`Outbox` (websocket) and `PollQueue` (polling) are the two ways; `Held` stands in while a CONNECT is decided.
"""

from __future__ import annotations

from typing import Any, Protocol

from kefu.transport.endpoint import EncodedEvent
from kefu.transport.engineio.session import Signal


class Sender(Protocol):
    """The sending half of a channel."""

    def send(self, packet: bytes) -> None:
        """Queues a Socket.IO packet."""

    def send_encoded(self, encoded: EncodedEvent) -> None:
        """Queues an event encoded before."""

    def send_control(self, text: bytes) -> None:
        """Queues an Engine.IO packet, whole."""

    def close(self, code: int, reason: str) -> None:
        """Sends what is queued, then closes."""

    @property
    def is_gone(self) -> bool:
        """The client can neither send nor fetch anything any more."""

    @property
    def waiting_bytes(self) -> int:
        """Bytes that the client has not taken yet."""

    def expire(self) -> None:
        """Ends at once what was closed."""


class Move(Protocol):
    """A client's move from polling to a websocket."""

    outbox: Sender

    def on_signal(self, signal: Signal) -> None:
        """The probe came (PROBE), or the client has stopped polling (UPGRADE)."""


class Held:
    """Keeps what an endpoint sends while it decides on a CONNECT, because the answer to that goes first."""

    def __init__(self) -> None:
        self._calls: list[tuple[str, tuple[Any, ...]]] = []

    def send(self, packet: bytes) -> None:
        """Keeps a packet."""
        self._calls.append(("send", (packet,)))

    def send_encoded(self, encoded: EncodedEvent) -> None:
        """Keeps an event."""
        self._calls.append(("send_encoded", (encoded,)))

    def send_control(self, text: bytes) -> None:
        """Keeps an Engine.IO packet."""
        self._calls.append(("send_control", (text,)))

    def close(self, code: int, reason: str) -> None:
        """Keeps the end."""
        self._calls.append(("close", (code, reason)))

    @property
    def is_gone(self) -> bool:
        """False: it never was a channel."""
        return False

    @property
    def waiting_bytes(self) -> int:
        """None: it stands in for no longer than a call."""
        return 0

    def expire(self) -> None:
        """Nothing was closed yet."""

    def replay(self, channel: Sender) -> None:
        """Does everything again, on the real channel."""
        for name, args in self._calls:
            getattr(channel, name)(*args)
