"""The agents' page and the token route as an ASGI application, for any framework that mounts one.

    from kefu.integrations.asgi import Agent, ChatApp

    def agent(scope) -> Agent | None:
        user = scope.get("user")
        return Agent(user.id, name=user.name) if user and user.is_authenticated else None

    app.mount("/admin/chat", ChatApp(agent, login_url="/login"))

The page is where the application is mounted; token and status are below it. Settings come from the environment, as for
Kefu's own main site.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from kefu.mainsite.host import Agent, Answer, ConsoleHost, Paths, Visit

__all__ = ["Agent", "ChatApp", "ConsoleHost"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AgentOf = Callable[[Scope], "Agent | Awaitable[Agent | None] | None"]

NOT_FOUND = Answer(404, "Not found", {"Content-Type": "text/plain; charset=utf-8"})
NOT_ALLOWED = Answer(405, "Method not allowed", {"Content-Type": "text/plain; charset=utf-8", "Allow": "GET, HEAD"})


class ChatApp:
    """An ASGI 3 application with the console's page at its root, and `/token` below.

    Args:
        agent: Who is logged in with a request's scope, as the middleware around it filled it; None for nobody who may
            answer visitors. May be a coroutine function.
        login_url: Where everybody else is sent, with `?next=`.
        logout_url: Shown in the console; empty for none.
        path: Where the application is mounted, for frameworks that do not say so in `root_path`.
        host: Settings that are not in the environment.

    Raises:
        ValueError: `CHAT_ADMIN_JWT_SECRET` is too short or a sample.
    """

    def __init__(
        self,
        agent: AgentOf,
        *,
        login_url: str = "/login",
        logout_url: str = "",
        path: str | None = None,
        host: ConsoleHost | None = None,
    ) -> None:
        self._agent, self._login_url, self._logout_url = agent, login_url, logout_url
        self._path = path
        self._host = host or ConsoleHost.from_environment()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request; websockets are closed, since chat's sockets are chat-server's."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            answer = NOT_ALLOWED if scope["method"] not in ("GET", "HEAD") else await self._answer(scope)
            await _send(answer, send, with_body=scope["method"] != "HEAD")

    async def _answer(self, scope: Scope) -> Answer:
        root = (scope.get("root_path", "") if self._path is None else self._path).rstrip("/")
        below = str(scope["path"]).removeprefix(root).strip("/")
        if below.startswith("assets/"):
            return self._host.asset(below.removeprefix("assets/"))
        if below not in ("", "token", "status"):
            return NOT_FOUND
        agent = self._agent(scope)
        known = await agent if inspect.isawaitable(agent) else agent
        if below == "token":
            return self._host.token(known)
        if below == "status":
            return await asyncio.to_thread(self._host.status, known)
        return await asyncio.to_thread(self._host.page, known, self._paths(root), _visit(scope, root))

    def _paths(self, root: str) -> Paths:
        return Paths(
            token=f"{root}/token",
            status=f"{root}/status",
            assets=f"{root}/assets",
            login=self._login_url,
            logout=self._logout_url,
        )


def _visit(scope: Scope, root: str) -> Visit:
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return Visit(
        host=headers.get(b"host", ""),
        accept_language=headers.get(b"accept-language"),
        language=query.get("lang", [None])[0],
        address=root or "/",
    )


async def _send(answer: Answer, send: Send, *, with_body: bool) -> None:
    body = answer.body.encode()
    headers = {**answer.headers, "Content-Length": str(len(body))}
    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body if with_body else b""})


async def _live(receive: Receive, send: Send) -> None:
    """Nothing to start or to stop, for a server that runs this application alone."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
