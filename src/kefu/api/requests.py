"""Counts HTTP requests by route and status, whoever answers them: an ASGI application around another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from kefu import metrics

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

ROUTES = frozenset({"api", "console", "health", "metrics", "ready", "widget", "ws-admin", "ws-visitor"})
"""First segments of paths, without `/chat`; all others are `other`, so that clients make up no labels."""


def counted(inner_app: AsgiApp) -> AsgiApp:
    """`inner_app`, counted."""

    async def app(scope: Scope, receive: object, send: Send) -> None:
        if scope["type"] != "http":
            await inner_app(scope, receive, send)
            return

        async def counting(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                metrics.HTTP_REQUESTS.add(route_of(scope["path"]), str(message["status"]))
            await send(message)

        await inner_app(scope, receive, counting)

    return app


def route_of(path: str) -> str:
    """The label of a path."""
    first = path.removeprefix("/chat").lstrip("/").partition("/")[0]
    return first if first in ROUTES else "other"
