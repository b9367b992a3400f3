"""`GET /chat/api/admin/doctor`: who may ask, in which language, from which page, and what it leaves behind."""

from __future__ import annotations

import asyncpg
import httpx
import pytest

from integration.doctor.conftest import OTHER_SECRET, SECRET, World
from kefu.tokens import issue_agent_token

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/chat/api/admin/doctor"


async def ask(world: World, token: str = "", method: str = "GET", path: str = PATH, **headers: str) -> httpx.Response:
    if token:
        headers["Authorization"] = f"Bearer {token}"
    async with httpx.AsyncClient(base_url=world.site["CHAT_SERVER_INTERNAL_URL"]) as client:
        return await client.request(method, path, headers=headers)


def token(role: str = "owner", agent_id: str = "wu", **options: object) -> str:
    return issue_agent_token(SECRET, **{"agent_id": agent_id, "role": role, "seconds": 60, **options})


async def test_owners_only(world: World) -> None:
    """Each refusal says why; none names a secret."""
    other = issue_agent_token(OTHER_SECRET, agent_id="wu", role="owner")
    for given, status, code in (
        ("", 401, "UNAUTHORIZED"),
        ("no.token.here", 401, "UNAUTHORIZED"),
        (other, 401, "UNAUTHORIZED"),
        (token(now=1), 401, "TOKEN_EXPIRED"),
        (token("admin"), 403, "FORBIDDEN"),
        (token("viewer"), 403, "FORBIDDEN"),
    ):
        answer = await ask(world, given)
        assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert (await ask(world, token())).json()["findings"] == []
    assert (await ask(world, token(), path="/api/admin/doctor")).status_code == 200


async def test_it_makes_no_agent_and_heeds_disabled_ones(world: World) -> None:
    connection = await asyncpg.connect(world.chat["CHAT_DATABASE_URL"])
    try:
        await ask(world, token(agent_id="nobody"))
        assert await connection.fetch("select 1 from agent where id = 'nobody'") == []
        await connection.execute("insert into agent (id, name, role, disabled) values ('gone', 'G', 'owner', true)")
        assert (await ask(world, token(agent_id="gone"))).status_code == 403
        await connection.execute("insert into agent (id, login, name, role) values ('ann', 'ann', 'A', 'agent')")
        assert (await ask(world, token(agent_id="ann"))).status_code == 403
    finally:
        await connection.close()


async def test_pages_of_the_console_may_ask_and_others_may_not(world: World) -> None:
    """The preflight of an origin in ADMIN_ALLOWED_ORIGINS admits the token's header."""
    listed = "https://shop.example"
    before = await ask(world, method="OPTIONS", Origin=listed)
    assert before.status_code == 204
    assert before.headers["access-control-allow-origin"] == listed
    assert before.headers["access-control-allow-headers"] == "authorization"
    answer = await ask(world, token(), Origin=listed)
    assert (answer.headers["access-control-allow-origin"], answer.headers["vary"]) == (listed, "Origin")
    assert answer.headers["cache-control"] == "no-store"
    assert (await ask(world, Origin=listed)).headers["access-control-allow-origin"] == listed
    for method in ("GET", "OPTIONS"):
        other = await ask(world, token(), method, Origin="https://evil.example")
        assert "access-control-allow-origin" not in other.headers


async def test_findings_in_both_languages(world: World, start) -> None:
    server = await start(CHAT_ALLOWED_ORIGINS="https://shop.example")
    world.site["CHAT_SERVER_INTERNAL_URL"] = f"http://127.0.0.1:{server.port}"
    refused = await ask(world, path="/ws-visitor/?EIO=4&transport=polling", Origin="https://www.shop.example")
    assert refused.status_code == 403
    (found,) = (await ask(world, token())).json()["findings"]
    assert (found["code"], found["severity"]) == ("origin_refused_lately", "warning")
    assert found["change"] == "CHAT_ALLOWED_ORIGINS=https://shop.example,https://www.shop.example"
    assert found["found"].startswith("https://www.shop.example was refused")
    (found,) = (await ask(world, token(), path=PATH + "?lang=zh-CN")).json()["findings"]
    assert found["found"].startswith("https://www.shop.example 被拒绝")


async def test_how_the_server_sees_who_asks(world: World) -> None:
    seen = (await ask(world, token(), **{"X-Forwarded-For": "203.0.113.9, 10.0.0.1"})).json()["seen"]
    assert (seen["peer"], seen["isTrusted"], seen["address"]) == ("127.0.0.1", True, "10.0.0.1")
    assert seen["forwardedFor"] == "203.0.113.9, 10.0.0.1"
