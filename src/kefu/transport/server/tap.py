"""What stands between picows and a socket: what it may write and log, and what it has read and not handed over.

picows writes the 101, and after that only one thing: a close frame once it met a frame that it cannot parse. That is
ours to send, in our words and time. Knows nothing of clients.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from picows.picows import WSProtocol  # type: ignore[attr-defined]

logger = logging.getLogger("kefu.transport")

READ_BUFFER_BYTES = 2048
_READ_ROOM_BYTES = READ_BUFFER_BYTES - 256
"""What picows fills of it; the tests of idle sockets fail if that changes."""


class _PicowsLog:
    """Where picows logs: nowhere. It would name peers, quote frames and keep a logger a connection."""

    name = "kefu.transport.picows"

    def isEnabledFor(self, _level: int) -> bool:  # noqa: N802 (the logging module's name)
        return False

    def _drop(self, *_args: object, **_kwargs: object) -> None:
        pass

    debug = info = warning = error = log = _drop

    def exception(self, *_args: object, **_kwargs: object) -> None:
        logger.error("picows failed on a frame; its socket is closed")


PICOWS_LOG = _PicowsLog()


class Parsed(Protocol):
    """Whose bytes picows parses."""

    def parser_failed(self, code: int) -> None:
        """A frame could not be parsed; `code` is what picows would close with."""


class Tap:
    """Stands between picows and the socket. Lets the 101 through; takes what follows as a parser's complaint."""

    __slots__ = ("_protocol", "_transport")

    def __init__(self, transport: asyncio.Transport, protocol: Parsed) -> None:
        self._transport = transport
        self._protocol: Parsed | None = protocol

    def get_extra_info(self, name: str) -> Any:
        """As the transport's, as far as picows needs it."""
        return self._transport.get_extra_info(name) if name in ("socket", "ssl_object") else None

    def get_write_buffer_size(self) -> int:
        """Never what is waiting."""
        return 1  # never zero: zero lets picows write to the file descriptor itself

    def write(self, data: bytes) -> None:
        """Picows writes."""
        if self._protocol is None:
            return
        if data.startswith(b"HTTP/"):
            self._transport.write(data)
        else:
            self._protocol.parser_failed(int.from_bytes(bytes(data[2:4]), "big"))

    def close(self) -> None:
        """Does nothing: picows closes 10 ms after a complaint, which is ours to time."""

    abort = close

    def release(self) -> None:
        """Breaks the circle of references."""
        self._protocol = None


def holds_part_of_frame(protocol: asyncio.BaseProtocol) -> bool:
    """Whether picows has the beginning of a frame whose end has not come.

    It keeps nothing else between two reads, in a buffer that begins with `_READ_ROOM_BYTES` of room, grows by doubling,
    and says how much room is left. What is no such product means that something is there. A frame cut where half of
    the buffer is left escapes; like every unfinished frame it holds up the pongs behind it, so the heartbeat ends it.
    """
    if not isinstance(protocol, WSProtocol):
        return False
    times, rest = divmod(len(protocol.get_buffer(-1)), _READ_ROOM_BYTES)
    return rest != 0 or times & (times - 1) != 0
