"""Every framework's site gives the console the same: the page, the token, the page that waits."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from integration.mainsite.conftest import CHAT, SECRET, Standin
from kefu.integrations.asgi import ChatApp
from kefu.integrations.django.views import _agent_of
from kefu.integrations.flask import ConsoleHost
from kefu.mainsite import chatserver
from kefu.tokens import verify_agent_token

from .conftest import LOGIN, Site

Open = Callable[..., Site]


@pytest.fixture(autouse=True)
def _ask_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chatserver, "REMEMBERED_S", 0.0)


def test_a_token_for_the_agent_who_is_logged_in(open_site: Open) -> None:
    site = open_site()
    answer = site.get(site.token)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.headers["content-type"] == "application/json"
    claims = verify_agent_token(SECRET, answer.json()["token"])
    assert (claims.agent_id, claims.role, claims.name) == ("id-ann", "admin", "Ann 安")


def test_nobody_else_gets_one(open_site: Open) -> None:
    site = open_site()
    answer = site.get(site.token, user=None)
    assert (answer.status_code, answer.json()) == (401, {"error": "UNAUTHORIZED"})


def test_no_token_without_a_secret(open_site: Open) -> None:
    site = open_site(secret=None)
    answer = site.get(site.token)
    assert (answer.status_code, answer.json()) == (503, {"error": "CHAT_ADMIN_JWT_SECRET not set"})


def test_the_way_to_the_login_and_back(open_site: Open) -> None:
    site = open_site()
    answer = site.get(site.page, user=None)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{LOGIN}?next={site.page.rstrip('/')}"


def test_the_page_holds_the_console(open_site: Open, standin: Standin) -> None:
    standin.start()
    site = open_site(internal_url=standin.url)
    page = site.get(site.page, accept_language="zh")
    assert page.status_code == 200
    element = dict(re.findall(r'data-([a-z-]+)="([^"]*)"', re.search(r'<div id="kefu-console"([^>]*)>', page.text)[1]))
    assert element == {
        "server": CHAT,
        "token-url": site.token,
        "locale": "zh-CN",
        "login-url": LOGIN,
        "logout-url": "",
    }
    assert f'<script type="module" src="{CHAT}/chat/console/console.js" crossorigin></script>' in page.text
    csp = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in csp
    assert "unsafe" not in csp
    assert '<html lang="en">' in site.get(f"{site.page}?lang=en", accept_language="zh").text


def test_every_file_of_both_pages_is_there(open_site: Open, standin: Standin) -> None:
    site = open_site(internal_url=standin.url)
    away = site.get(site.page)
    standin.start()
    page = site.get(site.page)
    named = re.findall(r'(?:href|src)="(/[^"]*/assets/[^"]+)"', away.text + page.text)
    assert {name.rpartition("/")[2] for name in named} == {
        "admin.css",
        "console.css",
        "away.js",
        "console-guard.js",
        "icon.svg",
    }
    for name in named:
        answer = site.get(name, user=None)
        assert answer.status_code == 200, name
        assert answer.headers["content-type"].split(";")[0] in ("text/css", "text/javascript", "image/svg+xml")
    folder = named[0].rpartition("/")[0]
    assert site.get(f"{folder}/login.html").status_code == 404
    assert site.get(f"{folder}/..%2fhost.py").status_code == 404


@pytest.mark.parametrize(("language", "words"), [("zh", "Live Chat 服务未连接"), ("en", "Live Chat is not connected")])
def test_away_and_back(open_site: Open, standin: Standin, language: str, words: str) -> None:
    site = open_site(internal_url=standin.url)
    page = site.get(site.page, accept_language=language)
    assert words in page.text
    status = re.search(r'data-status-url="([^"]+)"', page.text)[1]
    assert site.get(status).json() == {"connected": False}
    assert site.get(status, user=None).status_code == 401
    standin.start()
    assert site.get(status).json() == {"connected": True}


def test_only_reading_is_allowed(open_site: Open) -> None:
    site = open_site()
    assert site.http.post(site.page).status_code == 405
    assert site.http.head(site.token, headers={"x-user": "ann"}).status_code in (200, 405)


def test_a_weak_secret_stops_the_start_without_being_shown() -> None:
    with pytest.raises(ValueError, match="CHAT_ADMIN_JWT_SECRET has 9 bytes") as raised:
        ConsoleHost(secret="a1b2c3d4e")
    assert "a1b2c3d4e" not in str(raised.value)


def test_settings_from_the_environment() -> None:
    named = {"CHAT_ADMIN_JWT_SECRET": SECRET, "NEXT_PUBLIC_CHAT_SERVER_URL": "https://old.example/"}
    assert ConsoleHost.from_environment(named)._public_url == "https://old.example"
    newer = {**named, "CHAT_SERVER_PUBLIC_URL": "https://new.example"}
    assert ConsoleHost.from_environment(newer)._public_url == "https://new.example"


def test_djangos_staff_are_agents_and_superusers_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(django_settings, "KEFU", {})
    request = HttpRequest()
    ranks = [(User(pk=7, username="bo"), None), (User(pk=7, username="bo", is_staff=True), "agent")]
    ranks.append((User(pk=7, username="bo", is_staff=True, is_superuser=True), "owner"))
    for user, role in [*ranks, (User(pk=7, is_staff=True, is_active=False), None), (AnonymousUser(), None)]:
        request.user = user
        agent = _agent_of(request)
        assert (agent.role if agent else None) == role
        assert agent is None or (agent.id, agent.name) == ("7", "bo")


async def test_the_asgi_application_lives_alone() -> None:
    """Under a server of its own it answers lifespan events and closes websockets."""
    sent: list[str] = []
    incoming = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, str]:
        return {"type": next(incoming)}

    async def send(message: dict[str, object]) -> None:
        sent.append(str(message["type"]))

    app = ChatApp(lambda _: None, host=ConsoleHost(secret=SECRET))
    await app({"type": "lifespan"}, receive, send)
    await app({"type": "websocket"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]
