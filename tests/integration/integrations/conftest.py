"""One small site a framework, all with the same login: whose name the header `X-User` says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import django
import httpx
import pytest
from django.conf import settings as django_settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.urls import include, path
from fastapi import FastAPI, Header
from flask import Flask, request
from starlette.applications import Starlette
from starlette.routing import Mount

from integration.mainsite.conftest import CHAT, SECRET, Standin
from kefu.integrations.asgi import ChatApp, Scope
from kefu.integrations.fastapi import chat_router
from kefu.integrations.flask import Agent, ConsoleHost, chat_blueprint

BASE = "http://shop.example"
LOGIN = "/login"


# Django's settings live once a process, as in a deployment, and its models are importable only after this.
django_settings.configure(
    SECRET_KEY="only-for-tests",
    ALLOWED_HOSTS=["shop.example"],
    ROOT_URLCONF=(path("", include("kefu.integrations.django.urls")),),
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "kefu.integrations.django"],
    LOGIN_URL=LOGIN,
    KEFU={"AGENT": f"{__name__}.django_agent"},
    USE_TZ=True,
)
django.setup()


class AsgiClient:
    """httpx over an ASGI application, one event loop a request."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __getattr__(self, method: str) -> Any:
        async def send(*args: Any, **named: Any) -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=self._app), base_url=BASE) as client:
                return await getattr(client, method)(*args, **named)

        return lambda *args, **named: asyncio.run(send(*args, **named))


@pytest.fixture
def standin() -> Iterator[Standin]:
    server = Standin()
    yield server
    server.stop()


@dataclass
class Site:
    """A running site: its client, and where it has what the console asks for."""

    http: httpx.Client | AsgiClient
    page: str
    token: str

    def get(self, path: str, user: str | None = "ann", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.get(path, headers={**named, **({"x-user": user} if user else {})})


def agent_named(user: str | None) -> Agent | None:
    return Agent(f"id-{user}", "admin", f"{user.title()} 安") if user else None


def flask_site(host: ConsoleHost) -> Site:
    app = Flask(__name__)
    app.register_blueprint(chat_blueprint(lambda: agent_named(request.headers.get("X-User")), host=host))
    transport = httpx.WSGITransport(app=app)
    return Site(httpx.Client(transport=transport, base_url=BASE), "/admin/chat", "/api/admin/chat/token")


def fastapi_site(host: ConsoleHost) -> Site:
    async def agent(x_user: Annotated[str | None, Header()] = None) -> Agent | None:
        return agent_named(x_user)

    app = FastAPI()
    app.include_router(chat_router(agent, host=host), prefix="/support")
    return Site(AsgiClient(app), "/support/admin/chat", "/support/api/admin/chat/token")


def asgi_site(host: ConsoleHost) -> Site:
    def agent(scope: Scope) -> Agent | None:
        return agent_named(dict(scope["headers"]).get(b"x-user", b"").decode())

    app = Starlette(routes=[Mount("/admin/chat", ChatApp(agent, host=host))])
    return Site(AsgiClient(app), "/admin/chat/", "/admin/chat/token")


def django_site(host: ConsoleHost) -> Site:
    from kefu.integrations.django import views  # noqa: PLC0415 - Django must be set up first

    views._host.cache_clear()
    django_settings.CHAT_ADMIN_JWT_SECRET = host._secret
    django_settings.CHAT_SERVER_PUBLIC_URL = host._public_url
    django_settings.CHAT_SERVER_INTERNAL_URL = host.chat_server._url
    transport = httpx.WSGITransport(app=WSGIHandler())
    return Site(httpx.Client(transport=transport, base_url=BASE), "/admin/chat", "/api/admin/chat/token")


def django_agent(request: HttpRequest) -> Agent | None:
    return agent_named(request.headers.get("X-User"))


SITES: Mapping[str, Callable[[ConsoleHost], Site]] = {
    "flask": flask_site,
    "fastapi": fastapi_site,
    "asgi": asgi_site,
    "django": django_site,
}


@pytest.fixture(params=SITES)
def open_site(request: pytest.FixtureRequest) -> Callable[..., Site]:
    """Opens the framework's site; keywords are `ConsoleHost`'s."""

    def open_one(**named: str | None) -> Site:
        return SITES[request.param](ConsoleHost(**{"secret": SECRET, "public_url": CHAT, **named}))

    return open_one
