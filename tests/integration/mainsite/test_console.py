"""The agents' page: the token, the console's element and policy, chat-server away and back."""

from __future__ import annotations

import re

import pytest

from kefu.mainsite import chatserver
from kefu.store.database import Database
from kefu.store.queries import agents
from kefu.tokens import verify_agent_token

from .conftest import CHAT, SECRET, Standin


@pytest.fixture(autouse=True)
def _ask_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chatserver, "REMEMBERED_S", 0.0)


def policy(answer) -> dict[str, list[str]]:
    parts = [part.split() for part in answer.headers["content-security-policy"].split("; ")]
    return {part[0]: part[1:] for part in parts}


async def test_nobody_sees_the_console_without_a_login(browser) -> None:
    for path in ("/admin/chat", "/admin"):
        assert (await browser.get(path)).status_code == 303
    assert (await browser.get("/admin/chat")).headers["location"] == "/admin/login"
    browser.http.cookies.set("kefu_session", "x" * 43)
    assert (await browser.get("/admin/chat")).headers["location"] == "/admin/login"


async def test_a_token_for_the_agent_who_is_logged_in(browser, database: Database) -> None:
    await browser.log_in()
    answer = await browser.get("/api/admin/chat/token")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert list(answer.json()) == ["token"]
    claims = verify_agent_token(SECRET, answer.json()["token"])
    async with database.engine.connect() as connection:
        ann = await agents.by_login(connection, "ann")
    assert (claims.agent_id, claims.role, claims.name) == (ann.id, "admin", "Ann 安")


async def test_no_token_without_a_login(browser) -> None:
    answer = await browser.get("/api/admin/chat/token")
    assert (answer.status_code, answer.json()) == (401, {"error": "UNAUTHORIZED"})
    assert answer.headers["cache-control"] == "no-store"


async def test_no_token_without_a_secret(open_browser) -> None:
    browser = open_browser(admin_jwt_secret=None)
    assert (await browser.get("/api/admin/chat/token")).status_code == 401
    await browser.log_in()
    answer = await browser.get("/api/admin/chat/token")
    assert (answer.status_code, answer.json()) == (503, {"error": "CHAT_ADMIN_JWT_SECRET not set"})
    assert answer.headers["cache-control"] == "no-store"


async def test_the_page_holds_what_the_console_needs(open_browser, standin: Standin) -> None:
    standin.start()
    browser = open_browser(server_internal_url=standin.url)
    await browser.log_in()
    page = await browser.get("/admin/chat", accept_language="zh")
    assert page.headers["cache-control"] == "no-store"
    element = re.search(r'<div id="kefu-console"([^>]*)>', page.text)[1]
    assert dict(re.findall(r'data-([a-z-]+)="([^"]*)"', element)) == {
        "server": CHAT,
        "token-url": "/api/admin/chat/token",
        "locale": "zh-CN",
        "login-url": "/admin/login",
        "logout-url": "/admin/logout",
    }
    assert f'<script type="module" src="{CHAT}/chat/console/console.js" crossorigin></script>' in page.text


async def test_the_policy_admits_chat_server_and_no_inline_script(open_browser, standin: Standin) -> None:
    standin.start()
    browser = open_browser(server_internal_url=standin.url)
    await browser.log_in()
    page = await browser.get("/admin/chat")
    allowed = policy(page)
    assert allowed["default-src"] == ["'none'"]
    assert allowed["frame-ancestors"] == ["'none'"]
    assert allowed["script-src"] == ["'self'", CHAT]
    assert set(allowed["connect-src"]) == {"'self'", CHAT, "wss://chat.example"}
    assert all(CHAT in allowed[kind] for kind in ("style-src", "img-src", "font-src", "media-src"))
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"
    nonce = re.search(r'<meta property="csp-nonce" nonce="(\w+)">', page.text)[1]
    assert f"'nonce-{nonce}'" in allowed["style-src"]
    assert re.findall(r"<script(?![^>]*src)", page.text) == []


async def test_chat_under_the_pages_own_origin(open_browser, standin: Standin) -> None:
    standin.start()
    browser = open_browser(server_internal_url=standin.url, server_public_url="")
    await browser.log_in()
    page = await browser.get("/admin/chat")
    assert 'data-server=""' in page.text
    assert 'src="/chat/console/console.js"' in page.text
    assert set(policy(page)["connect-src"]) == {"'self'", "ws://shop.example", "wss://shop.example"}
    odd = await browser.get("/admin/chat", host="x; script-src *")
    assert "*" not in odd.headers["content-security-policy"]


@pytest.mark.parametrize(("language", "words"), [("zh", "Live Chat 服务未连接"), ("en", "Live Chat is not connected")])
async def test_away_and_back(open_browser, standin: Standin, language: str, words: str) -> None:
    browser = open_browser(server_internal_url=standin.url)
    await browser.log_in()
    page = await browser.get("/admin/chat", accept_language=language)
    assert words in page.text
    assert "kefu-console" not in page.text
    assert (await browser.get("/api/admin/chat/status")).json() == {"connected": False}
    standin.start()
    assert (await browser.get("/api/admin/chat/status")).json() == {"connected": True}
    assert "kefu-console" in (await browser.get("/admin/chat")).text
    standin.stop()
    assert words in (await browser.get("/admin/chat", accept_language=language)).text


async def test_unset_counts_as_away_and_names_the_setting(browser) -> None:
    await browser.log_in()
    page = await browser.get("/admin/chat")
    assert "Live Chat is not connected" in page.text
    assert "CHAT_SERVER_INTERNAL_URL" in page.text


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"ok":true}', b'{"service":"other"}'])
async def test_another_server_on_the_port_is_not_chat_server(open_browser, standin: Standin, answer: bytes) -> None:
    standin.start(answer)
    browser = open_browser(server_internal_url=standin.url)
    await browser.log_in()
    assert "Live Chat is not connected" in (await browser.get("/admin/chat")).text


async def test_the_status_is_for_agents(browser) -> None:
    assert (await browser.get("/api/admin/chat/status")).status_code == 401


async def test_many_pages_ask_chat_server_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(chatserver, "REMEMBERED_S", 60.0)
    monkeypatch.setattr(chatserver, "_is_healthy", lambda url: asked.append(url) or True)
    chat = chatserver.ChatServer("http://127.0.0.1:1")
    assert [await chat.answers_soon() for _ in range(5)] == [True] * 5
    assert asked == ["http://127.0.0.1:1/chat/health"]
