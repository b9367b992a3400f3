"""uvicorn's HTTP protocol with two limits it lacks: how long headers may be, and how long they may take.

Everything else is uvicorn's. One shared list of deadlines, no timer a connection.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from kefu.transport.server.heartbeat import Deadlines

_REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class GuardedProtocol(HttpToolsProtocol):
    """One HTTP connection. `guarded_protocol` makes the subclasses that carry the limits."""

    header_bytes_max: int
    deadlines: Deadlines[tuple[GuardedProtocol, int]]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._header_bytes = 0
        self._in_headers = True
        self._requests = 0
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Headers are awaited from now on."""
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """Counts what belongs to headers; bodies are the application's business."""
        if self._refused:
            return
        super().data_received(data)
        if self._in_headers and not self.transport.is_closing():
            self._header_bytes += len(data)
            self._check_headers()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if not self._in_headers:
            self._expect_headers()

    def on_headers_complete(self) -> None:
        """The headers are all there."""
        self._in_headers = False
        self._header_bytes = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if not self._check_headers():
            super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hands the connection over and keeps nothing of it."""
        if not self._refused:
            super().handle_websocket_upgrade()
        self.parser = None  # type: ignore[assignment]

    def _expect_headers(self) -> None:
        self._header_bytes = 0
        self._in_headers = True
        self._requests += 1
        self.deadlines.add((self, self._requests), self.loop.time())

    def _check_headers(self) -> bool:
        if self._header_bytes <= self.header_bytes_max:
            return False
        self._refused = True
        self.transport.write(_REFUSAL)
        self.transport.close()
        return True

    def expire(self, request: int) -> None:
        """The time for the headers of one request is over."""
        if self._in_headers and request == self._requests and not self.transport.is_closing():
            self.transport.close()

    def on_body(self, body: bytes) -> None:
        """Part of a body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is all there."""
        if not self._refused:
            super().on_message_complete()


def guarded_protocol(header_bytes_max: int, deadlines: Deadlines[tuple[GuardedProtocol, int]]) -> type[GuardedProtocol]:
    """The protocol class for one server."""
    return type("GuardedProtocol", (GuardedProtocol,), {"header_bytes_max": header_bytes_max, "deadlines": deadlines})


def expire_headers(item: tuple[GuardedProtocol, int]) -> None:
    """What the deadlines call."""
    protocol, request = item
    protocol.expire(request)
