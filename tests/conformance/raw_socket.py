"""A websocket client made of bytes, so that it can do what no client does."""

from __future__ import annotations

import asyncio
import struct

HANDSHAKE = (
    "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
)
TARGET = "/ws-visitor/?EIO=4&transport=websocket"
TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0


def frame(payload, kind=TEXT, *, fin=True, mask=b"\x11\x22\x33\x44", rsv=0):
    """A frame as a client sends it; `mask` None leaves it unmasked."""
    size = len(payload)
    first = (0x80 if fin else 0) | (rsv << 4) | kind
    flag = 0x80 if mask is not None else 0
    if size < 126:
        head = bytes((first, flag | size))
    elif size < 65536:
        head = struct.pack(">BBH", first, flag | 126, size)
    else:
        head = struct.pack(">BBQ", first, flag | 127, size)
    if mask is None:
        return head + payload
    key = (mask * (size // 4 + 1))[:size]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return head + mask + body


class RawSocket:
    """One TCP connection."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    @classmethod
    async def dial(cls, port):
        """A TCP connection, nothing sent."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    @classmethod
    async def open(cls, port, target=TARGET, **headers):
        """A websocket; the answer's status is in `status`, a refusal's body in `body`."""
        self = await cls.dial(port)
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.writer.write(HANDSHAKE.format(target=target, headers=lines).encode())
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        self.status = int(head.split()[1])
        self.body = b"" if self.status == 101 else await asyncio.wait_for(self.reader.read(), 5)
        return self

    @classmethod
    async def connect(cls, port, auth=b"", target=TARGET, **headers):
        """A websocket whose namespace is connected: open, CONNECT and welcome are read."""
        self = await cls.open(port, target, **headers)
        assert self.status == 101
        assert (await self.text()).startswith(b"0{")
        self.send(b"40" + auth)
        self.connected = await self.text()
        self.welcome = await self.text() if self.connected.startswith(b"40") else None
        return self

    @classmethod
    async def get(cls, port):
        """The whole answer to a plain request for `/`."""
        self = await cls.dial(port)
        self.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return await asyncio.wait_for(self.reader.read(), 5)

    def send(self, payload, kind=TEXT, **how):
        """Sends a frame."""
        self.write(frame(payload, kind, **how))

    def write(self, data):
        """Sends bytes; nothing happens once the server has closed."""
        if not self.writer.transport.is_closing():
            self.writer.write(data)

    async def frame(self):
        """The next frame's (kind, payload); (None, b"") at the end of the stream."""
        try:
            first, size = await asyncio.wait_for(self.reader.readexactly(2), 5)
            assert not size & 0x80, "a server must not mask"
            if size == 126:
                (size,) = struct.unpack(">H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", await self.reader.readexactly(8))
            return first & 0x0F, await asyncio.wait_for(self.reader.readexactly(size), 5)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None, b""

    async def text(self):
        """The next text frame's payload; pings of Engine.IO are answered on the way."""
        while True:
            kind, payload = await self.frame()
            if (kind, payload) != (TEXT, b"2"):
                assert kind == TEXT, (kind, payload)
                return payload
            self.send(b"3")

    async def close_code(self):
        """Reads up to the close frame: its code; None if the stream ends without one."""
        while True:
            kind, payload = await self.frame()
            if kind is None:
                return None
            if kind == CLOSE:
                return int.from_bytes(payload[:2], "big")

    async def closed(self):
        """Reads to the end."""
        while (await self.frame())[0] is not None:
            pass

    def drop(self):
        """Ends the connection without a word."""
        self.writer.transport.abort()
