"""A lean websocket client: hand-made frames on a bare asyncio protocol, so that the generator costs little.

Text frames in and out; no extensions, no fragments from the server, masking as the standard asks.
"""

from __future__ import annotations

import asyncio
import struct
from typing import cast

_KEY = b"\x37\xfa\x21\x3d"
_MASK_BYTES_MAX = 65_535
_MASK = int.from_bytes(_KEY * (_MASK_BYTES_MAX // len(_KEY) + 1), "little")
_REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a2VmdSBiZW5jaCBrZWZ1IQ==\r\n\r\n"
)
_TEXT, _CLOSE = 0x81, 0x88


def text_frame(text: bytes) -> bytes:
    """A masked text frame."""
    size = len(text)
    header = bytes((_TEXT, 0x80 | size)) if size < 126 else struct.pack(">BBH", _TEXT, 0x80 | 126, size)
    masked = int.from_bytes(text, "little") ^ (_MASK & ((1 << 8 * size) - 1))
    return header + _KEY + masked.to_bytes(size, "little")


class Socket(asyncio.Protocol):
    """One websocket; a dialect subclasses it.

    Attributes:
        ready: Done when the dialect's opening is over, failed if the socket ends.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport
        self._rest = b""
        self._is_upgraded = False

    def on_open(self) -> None:
        """The websocket is open."""

    def on_text(self, text: bytes) -> None:
        """A text frame came."""
        raise NotImplementedError

    def on_end(self, reason: str) -> None:
        """The socket has ended and was not asked to."""

    def send(self, text: bytes) -> None:
        """Sends a text frame."""
        self._transport.write(text_frame(text))

    def close(self) -> None:
        """Ends the socket."""
        self._is_upgraded = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        self._transport.write(_REQUEST.format(path=self.path).encode())

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        self._rest = self._frames(data) if self._is_upgraded else self._upgrade(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_upgraded or not self.ready.done():
            self._end(f"connection lost: {exc}")

    def _upgrade(self, data: bytes) -> bytes:
        head, separator, rest = data.partition(b"\r\n\r\n")
        if not separator:
            return data
        if b" 101 " not in head.split(b"\r\n")[0]:
            self._end(f"expected 101, got {head[:80]!r}")
            return b""
        self._is_upgraded = True
        self.on_open()
        return self._frames(rest)

    def _frames(self, data: bytes) -> bytes:
        """Hands on every whole frame; returns what is left."""
        at, end = 0, len(data)
        while end - at >= 2:
            size, body = data[at + 1], at + 2
            if size == 126:
                size, body = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, body = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            stop = body + size
            if stop > end:
                break
            if data[at] == _TEXT:
                self.on_text(data[body:stop])
            elif data[at] == _CLOSE:
                self._end(f"closed by the server: {data[body:stop]!r}")
            at = stop
        return data[at:]

    def _end(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(reason))
        self.on_end(reason)
