"""The agents' page and the token route as a FastAPI router.

    from kefu.integrations.fastapi import Agent, chat_router

    async def agent(user: Annotated[User | None, Depends(current_user)]) -> Agent | None:
        return Agent(str(user.id), name=user.name) if user and user.is_staff else None

    app.include_router(chat_router(agent, login_url="/login"))

Settings come from the environment, as for Kefu's own main site.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from kefu.mainsite.host import Agent, Answer, ConsoleHost, Paths, Visit

__all__ = ["Agent", "ConsoleHost", "chat_router"]


def chat_router(
    agent: Callable[..., Any],
    *,
    login_url: str = "/login",
    logout_url: str = "",
    host: ConsoleHost | None = None,
) -> APIRouter:
    """A router with `/admin/chat` and `/api/admin/chat/token`, under the prefix that it is included with.

    Args:
        agent: A dependency that answers an `Agent`, or None for nobody who may answer visitors.
        login_url: Where everybody else is sent, with `?next=`.
        logout_url: Shown in the console; empty for none.
        host: Settings that are not in the environment.

    Raises:
        ValueError: `CHAT_ADMIN_JWT_SECRET` is too short or a sample.
    """
    console = host or ConsoleHost.from_environment()
    router = APIRouter(include_in_schema=False)
    current = Depends(agent)

    @router.get("/admin/chat", name="kefu-console")
    def page(request: Request, agent: Any = current) -> Response:
        paths = Paths(
            token=request.url_for("kefu-token").path,
            status=request.url_for("kefu-status").path,
            assets=request.url_for("kefu-asset", name="x").path.removesuffix("/x"),
            login=login_url,
            logout=logout_url,
        )
        visit = Visit(
            host=request.headers.get("host", ""),
            accept_language=request.headers.get("accept-language"),
            language=request.query_params.get("lang"),
            address=request.url.path,
        )
        return _response(console.page(agent, paths, visit))

    @router.get("/api/admin/chat/token", name="kefu-token")
    def token(agent: Any = current) -> Response:
        return _response(console.token(agent))

    @router.get("/api/admin/chat/status", name="kefu-status")
    def status(agent: Any = current) -> Response:
        return _response(console.status(agent))

    @router.get("/admin/chat/assets/{name}", name="kefu-asset")
    def asset(name: str) -> Response:
        return _response(console.asset(name))

    return router


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers)
