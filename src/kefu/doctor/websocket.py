"""Just enough of a websocket client to see what a proxy makes of one: text frames both ways, and how it ended.

Knows frames; knows nothing of Engine.IO. A large or fragmented message ends the try: chat-server sends none at the
start.
"""

from __future__ import annotations

import asyncio
import base64
import os
from dataclasses import dataclass

from kefu.doctor.request import Answer, Connection, Headers, Target, ask

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_LENGTH_16, _LENGTH_64 = 126, 127


class ClosedError(OSError):
    """The websocket ended."""


@dataclass
class WebSocket:
    """An open websocket."""

    connection: Connection

    async def receive(self) -> str:
        """The next text.

        Raises:
            ClosedError: It ended.
        """
        while True:
            opcode, payload = await self._frame()
            if opcode == _TEXT:
                return payload.decode("utf-8", "replace")
            if opcode == _CLOSE:
                raise ClosedError("closed")
            if opcode == _PING:
                self._write(_PONG, payload)

    def send(self, text: str) -> None:
        """Sends a text."""
        self._write(_TEXT, text.encode())

    def close(self) -> None:
        """Ends it at once."""
        self.connection.close()

    async def _frame(self) -> tuple[int, bytes]:
        try:
            first, second = await self.connection.reader.readexactly(2)
            size = second & 0x7F
            if size in (_LENGTH_16, _LENGTH_64):
                size = int.from_bytes(await self.connection.reader.readexactly(2 if size == _LENGTH_16 else 8))
            return first & 0x0F, await self.connection.reader.readexactly(size)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise ClosedError("the connection ended") from error

    def _write(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < _LENGTH_16 else bytes([0x80 | _LENGTH_16]) + size.to_bytes(2)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.connection.writer.write(bytes([0x80 | opcode]) + length + mask + masked)


async def open_websocket(
    target: Target, path: str, headers: Headers, *, timeout_s: float
) -> tuple[WebSocket | None, Answer]:
    """Asks for an upgrade.

    Returns:
        The websocket if it was granted, and the answer; without the upgrade the answer is that of a plain request.

    Raises:
        OSError: Nobody answers.
    """
    wanted = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        **headers,
    }
    connection = await Connection.open(target)
    try:
        async with asyncio.timeout(timeout_s):
            status, found = await connection.head("GET", path, wanted)
    except BaseException:
        connection.close()
        raise
    if status == 101:
        return WebSocket(connection), Answer(status, found, b"", 0, ("", 0))
    connection.close()
    # Asked again where the body is easier to read: a refusal says why.
    return None, await ask(target, path, headers={**wanted, "Connection": "Upgrade"}, timeout_s=timeout_s)
