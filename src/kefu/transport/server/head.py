"""HEAD for every route that has a GET (RFC 9110, 9.3.2). Knows one method name; the server below sends no body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from kefu.transport.server.polling import Receive, Scope, Send

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


def answering_head(inner_app: Any) -> AsgiApp:
    """An application that asks `inner_app` for a GET where a client sent HEAD: the same status and headers."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # a copy: by its own, the server knows to send no body
        await inner_app(scope, receive, send)

    return app
