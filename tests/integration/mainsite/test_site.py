"""The demo shop, and what the site says when something is missing or away."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re

import httpx
import pytest
from pydantic import SecretStr

from kefu.config import Settings
from kefu.mainsite import documents
from kefu.mainsite.serve import PortError, listen, run_site
from kefu.store.database import DatabaseError
from kefu.store.queries import logins

from .conftest import CHAT


async def test_the_shop_embeds_the_widget_with_the_contracts_two_tags(browser) -> None:
    page = await browser.get("/")
    assert page.status_code == 200
    tags = (
        f'<script>window.ChatWidgetConfig = {{ serverBaseUrl: "{CHAT}" }};</script>\n'
        f'<script src="{CHAT}/chat/widget/widget.js"></script>'
    )
    assert tags in page.text
    assert page.text.count("<script") == 2


async def test_the_shops_policy_admits_exactly_its_inline_script(browser) -> None:
    page = await browser.get("/")
    script = re.search(r"<script>(.*?)</script>", page.text)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    csp = page.headers["content-security-policy"]
    assert f"script-src 'self' {CHAT} 'sha256-{digest}';" in csp
    assert "unsafe" not in csp


async def test_the_shop_speaks_both_languages(browser) -> None:
    assert "Dragon Well" in (await browser.get("/", accept_language="en")).text
    chinese = (await browser.get("/", accept_language="zh-CN")).text
    assert "明前龙井" in chinese
    assert '<html lang="zh-CN">' in chinese


async def test_an_odd_public_url_cannot_end_the_script(open_browser) -> None:
    page = await open_browser(server_public_url="https://x/</script><b>").get("/")
    assert "</script><b>" not in page.text


def test_both_catalogues_have_the_same_keys_and_every_template_renders() -> None:
    english, chinese = documents.texts("en"), documents.texts("zh-CN")
    assert english.keys() == chinese.keys()
    assert all(text.strip() for text in [*english.values(), *chinese.values()])
    used = set()
    for file in (documents.FOLDER / "pages").iterdir():
        used |= {match[2] for match in documents.PLACEHOLDER.finditer(file.read_text()) if match[1] == "t"}
    assert used <= english.keys()


async def test_assets_are_served(browser) -> None:
    for name, kind in (("shop.css", "text/css"), ("away.js", "javascript"), ("icon.svg", "image/svg+xml")):
        answer = await browser.get(f"/assets/{name}")
        assert answer.status_code == 200
        assert kind in answer.headers["content-type"]
    assert (await browser.get("/assets/../site.py")).status_code == 404


async def test_unknown_addresses(browser) -> None:
    page = await browser.get("/nope", accept_language="zh")
    assert page.status_code == 404
    assert "这里什么也没有" in page.text
    assert (await browser.get("/api/nope")).json() == {"error": "NOT_FOUND"}
    assert (await browser.http.put("/admin/login")).status_code == 405


async def test_the_database_away(browser, monkeypatch: pytest.MonkeyPatch) -> None:
    await browser.log_in()

    async def away(*_: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(logins, "agent_of", away)
    page = await browser.get("/admin/chat")
    assert page.status_code == 503
    assert "The database does not answer" in page.text
    answer = await browser.get("/api/admin/chat/token")
    assert (answer.status_code, answer.json()) == (503, {"error": "UNAVAILABLE"})


async def test_an_unexpected_failure_shows_nothing_of_itself(browser, monkeypatch: pytest.MonkeyPatch) -> None:
    await browser.log_in()

    async def broken(*_: object) -> None:
        raise ZeroDivisionError("secret inner words")

    monkeypatch.setattr(logins, "agent_of", broken)
    page = await browser.get("/admin/chat")
    assert page.status_code == 500
    assert "secret inner words" not in page.text


async def test_it_serves_on_a_port_until_it_is_told_to_stop(settings: Settings) -> None:
    started, stop = asyncio.Event(), asyncio.Event()
    sockets = listen("127.0.0.1", 0, "KEFU_SITE_PORT")
    port = sockets[0].getsockname()[1]
    running = asyncio.create_task(
        run_site(settings, sockets=sockets, install_signals=False, started=started.set, stop=stop)
    )
    async with asyncio.timeout(20):
        await started.wait()
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/health")).json()["ok"] is True
        stop.set()
        await running


async def test_an_unmigrated_database_stops_the_start(settings: Settings, empty_database_url: str) -> None:
    with pytest.raises(DatabaseError, match="kefu migrate"):
        await run_site(settings.model_copy(update={"database_url": SecretStr(empty_database_url)}))


def test_a_taken_port_is_told_with_its_setting() -> None:
    (taken, *_) = listen("127.0.0.1", 0, "KEFU_SITE_PORT")
    with (
        taken,
        pytest.raises(PortError, match=r"port \d+ is in use by another program: stop it, or set KEFU_SITE_PORT"),
    ):
        listen("127.0.0.1", taken.getsockname()[1], "KEFU_SITE_PORT")
