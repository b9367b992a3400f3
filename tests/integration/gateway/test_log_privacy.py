"""What the log never holds, at its most talkative: addresses, tokens, session ids, message texts, contacts."""

from __future__ import annotations

import logging
import uuid

import aiohttp
import pytest

from kefu.logs import LineFormatter
from kefu.tokens import issue_agent_token

from .conftest import SECRET

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = "203.0.113.201"
TEXT = "my private wish is a red kettle"
EMAIL = "wang.private@mail.example"
OTHER_SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0aa55"


async def refused_handshakes(port: int, token: str) -> None:
    """Requests that the server turns away, each with something in it that must not be told on."""
    base = f"http://127.0.0.1:{port}"
    headers = {"X-Forwarded-For": ADDRESS}
    async with aiohttp.ClientSession(headers=headers) as http:
        for query in ("EIO=3", "EIO=4&transport=polling&sid=Zx9-Qw_12zzzzzzzzzz", "EIO=4&transport=carrier"):
            await http.get(f"{base}/ws-visitor/?{query}&token={token}")
        await http.get(f"{base}/ws-visitor/?EIO=4&transport=polling", headers={"Origin": "https://evil.example"})
        await http.post(f"{base}/ws-visitor/?EIO=4&transport=polling", data=TEXT)
        await http.get(f"{base}/chat/api/admin/doctor", headers={"Authorization": f"Bearer {token}"})
        await http.get(f"{base}/metrics", headers={"Authorization": f"Bearer {token}"})
        await http.get(f"{base}/nothing/{token}?q={TEXT}")


async def test_a_busy_and_faulty_session(server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="kefu")
    session = f"s_{uuid.uuid4()}"
    visitor, hello = await server.greeted(sessionId=session, visitorEmail=EMAIL, address=ADDRESS)
    for client_id in (str(uuid.uuid4()), "not-a-uuid"):
        await visitor.ask("visitor_message", {"bodyText": TEXT, "clientId": client_id})
    await visitor.ask("visitor_message", {"bodyText": {"not": TEXT}})
    await visitor.ask("visitor_message", {"bodyText": TEXT, "conversationId": "x" * 65})
    await visitor.ask("visitor_hello", {"sessionId": session, "visitorToken": hello["visitorToken"]})
    agent = await server.agent("ann")
    await agent.ask("admin_join", {"conversationId": hello["conversationId"]})
    await agent.ask("admin_message", {"conversationId": hello["conversationId"], "bodyText": TEXT})
    await agent.ask("admin_note", {"conversationId": hello["conversationId"], "bodyText": TEXT})
    wrong = issue_agent_token(OTHER_SECRET, agent_id="eve", role="owner")
    expired = issue_agent_token(SECRET, agent_id="eve", role="owner", now=1_000_000)
    for token in (wrong, expired, server.token("ann")):
        await agent.ask("admin_auth", {"token": token})
    await refused_handshakes(server.port, wrong)
    lines = [LineFormatter().format(record) for record in caplog.records if record.name.startswith("kefu")]
    told = "\n".join(lines)
    assert lines, "the most talkative log says something of all this"
    private = {
        "address": ADDRESS,
        "message": TEXT,
        "e-mail": EMAIL,
        "session": session,
        "visitor's token": hello["visitorToken"],
        "agent's token": wrong.split(".")[2],
        "secret": SECRET,
        "sid": "Zx9-Qw_12",
    }
    assert {what: value for what, value in private.items() if value in told} == {}
