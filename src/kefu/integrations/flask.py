"""The agents' page and the token route as a Flask blueprint.

    from kefu.integrations.flask import Agent, chat_blueprint

    def agent() -> Agent | None:
        return Agent(current_user.get_id(), name=current_user.name) if current_user.is_authenticated else None

    app.register_blueprint(chat_blueprint(agent, login_url="/login"))

Settings come from the environment, as for Kefu's own main site.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request, url_for

from kefu.mainsite.host import Agent, Answer, ConsoleHost, Paths, Visit

__all__ = ["Agent", "ConsoleHost", "chat_blueprint"]


def chat_blueprint(
    agent: Callable[[], Agent | None],
    *,
    login_url: str = "/login",
    logout_url: str = "",
    host: ConsoleHost | None = None,
) -> Blueprint:
    """A blueprint with `/admin/chat` and `/api/admin/chat/token`, under the prefix that it is registered with.

    Args:
        agent: Who is logged in with the request that is being served; None for nobody who may answer visitors.
        login_url: Where everybody else is sent, with `?next=`.
        logout_url: Shown in the console; empty for none.
        host: Settings that are not in the environment.

    Raises:
        ValueError: `CHAT_ADMIN_JWT_SECRET` is too short or a sample.
    """
    console = host or ConsoleHost.from_environment()
    blueprint = Blueprint("kefu", __name__)

    @blueprint.get("/admin/chat")
    def page() -> Response:
        paths = Paths(
            token=url_for("kefu.token"),
            status=url_for("kefu.status"),
            assets=url_for("kefu.asset", name="x").removesuffix("/x"),
            login=login_url,
            logout=logout_url,
        )
        visit = Visit(
            host=request.host,
            accept_language=request.headers.get("Accept-Language"),
            language=request.args.get("lang"),
            address=request.script_root + request.path,
        )
        return _response(console.page(agent(), paths, visit))

    @blueprint.get("/api/admin/chat/token")
    def token() -> Response:
        return _response(console.token(agent()))

    @blueprint.get("/api/admin/chat/status")
    def status() -> Response:
        return _response(console.status(agent()))

    @blueprint.get("/admin/chat/assets/<name>")
    def asset(name: str) -> Response:
        return _response(console.asset(name))

    return blueprint


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers)
