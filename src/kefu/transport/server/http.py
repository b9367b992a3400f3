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
from kefu.transport.server.refusals import Reason, Refusals

_REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_HEADER_EXTRA_BYTES = 4
"""`: ` and the end of the line."""


class HeaderDeadline:
    """The time one request has for its headers.

    It lets go of the connection when they are there: a websocket's HTTP protocol would otherwise outlive the upgrade by
    that time, and ten thousand of them would be seen.
    """

    __slots__ = ("protocol",)

    def __init__(self, protocol: GuardedProtocol) -> None:
        self.protocol: GuardedProtocol | None = protocol

    def expire(self) -> None:
        """The time is over."""
        if self.protocol is not None:
            self.protocol.headers_too_slow()


class GuardedProtocol(HttpToolsProtocol):
    """One HTTP connection. `guarded_protocol` makes the subclasses that carry the limits."""

    header_bytes_max: int
    deadlines: Deadlines[HeaderDeadline]
    refusals: Refusals

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._header_bytes = 0
        self._deadline: HeaderDeadline | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Headers are awaited from now on."""
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._end_headers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts what belongs to headers; bodies are the application's business."""
        if self._refused:
            return
        super().data_received(data)
        if self._deadline is not None and not self._refused:
            self._header_bytes += len(data)
            self._refuse_long_headers()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if self._deadline is None:
            self._await_headers()

    def on_headers_complete(self) -> None:
        """The headers are all there."""
        self._end_headers()
        self._header_bytes = len(self.url)
        for name, value in self.headers:
            self._header_bytes += len(name) + len(value) + _HEADER_EXTRA_BYTES
        if not self._refuse_long_headers():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Part of a body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is all there."""
        if not self._refused:
            super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hands the connection over, and breaks the circle of parser and protocol: nothing of them stays."""
        if not self._refused:
            super().handle_websocket_upgrade()
        self.parser = None  # type: ignore[assignment]

    def headers_too_slow(self) -> None:
        """The time for the headers is over. A connection on which nothing was asked is closed and not counted."""
        if self._header_bytes:
            self.refusals.count(Reason.HEADERS_TOO_SLOW)
        self.transport.close()

    def _await_headers(self) -> None:
        self._header_bytes = 0
        self._deadline = HeaderDeadline(self)
        self.deadlines.add(self._deadline, self.loop.time())

    def _end_headers(self) -> None:
        if self._deadline is not None:
            self._deadline.protocol = None
            self._deadline = None

    def _refuse_long_headers(self) -> bool:
        if self._header_bytes > self.header_bytes_max:
            self._refused = True
            self.refusals.count(Reason.HEADERS_TOO_BIG)
            self.transport.write(_REFUSAL)
            self.transport.close()
        return self._refused


def guarded_protocol(
    header_bytes_max: int, deadlines: Deadlines[HeaderDeadline], refusals: Refusals
) -> type[GuardedProtocol]:
    """The protocol class for one server."""
    limits = {"header_bytes_max": header_bytes_max, "deadlines": deadlines, "refusals": refusals}
    return type("GuardedProtocol", (GuardedProtocol,), limits)
