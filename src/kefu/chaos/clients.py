"""What visitors and the agent have in common: a connection that is broken at random and made again."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from typing import Any

from kefu.client.address import Address, LostError
from kefu.client.websocket import Fault, WebSocket

BACKOFF_S = (0.05, 1.0)
SILENT_MAX = 4
"""Half-open connections that one client leaves behind before it frees the oldest."""
RETRY_AFTER_S_MAX = 60.0
TRY_AGAIN = frozenset({"RATE_LIMITED", "COOLDOWN", "UNAVAILABLE"})
"""Refusals that ask for patience."""


class Client:
    """Somebody with a connection.

    Attributes:
        connections: How many were opened.
    """

    def __init__(self, address: Address, path: str) -> None:
        self.address = address
        self.connections = 0
        self._path = path
        self._socket: WebSocket | None = None
        self._silent: deque[WebSocket] = deque()

    def hear(self, event: str, payload: Any) -> None:
        """An event came."""
        raise NotImplementedError

    def break_connection(self, fault: Fault) -> bool:
        """Breaks the connection; False if there is none at the moment."""
        current = self._socket
        if current is None or current.lost.is_set():
            return False
        current.end(fault)
        if fault == "half-open":
            self._silent.append(current)
            if len(self._silent) > SILENT_MAX:
                self._silent.popleft().abort()
        return True

    def close(self) -> None:
        """Ends everything."""
        for left in (*self._silent, *([self._socket] if self._socket else [])):
            left.abort()

    async def open(self, auth: dict[str, str] | None = None) -> WebSocket:
        """A new connection in the place of the last one, which is not left open unless it was broken half-open.

        Raises:
            LostError: Nobody answers.
            RefusedError: The server refuses this client.
        """
        if self._socket is not None and self._socket not in self._silent:
            self._socket.abort()
        self._socket = await WebSocket(self.hear).open(self.address, self._path, auth)
        self.connections += 1
        return self._socket


async def answer(connection: WebSocket, event: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Asks until the answer is no call for patience.

    Raises:
        LostError: The connection went.
    """
    while True:
        got = await connection.answer(event, payload)
        if got.get("ok") or got.get("error") not in TRY_AGAIN:
            return got
        await asyncio.sleep(patience_s(got))


def patience_s(refusal: dict[str, Any]) -> float:
    """How long a refusal asks to wait, seconds."""
    return min(RETRY_AFTER_S_MAX, max(50, int(refusal.get("retryAfterMs") or 1000)) / 1000)


async def back_off(attempt: int) -> None:
    """Waits before the next connection: longer after each failure, never all clients at once."""
    least, most = BACKOFF_S
    await asyncio.sleep(random.uniform(least, min(most, least * 2**attempt)))  # noqa: S311 - spreads load


__all__ = ["Client", "LostError", "answer", "back_off", "patience_s"]
