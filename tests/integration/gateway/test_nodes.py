"""What another process committed reaches this one's sockets (promise 4), and who gets as far as a socket."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid

import aiohttp
import pytest
from socketio.exceptions import ConnectionError as ConnectionRefused

from kefu.chat.messages import Draft
from kefu.store.append import Appender
from kefu.store.ids import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_message_of_another_process(server) -> None:
    """Promise 4: a message committed by another process is announced to the local sockets that follow."""
    client, ack = await server.greeted()
    agent = await server.agent()
    await agent.ask("admin_join", {"conversationId": ack["conversationId"]})
    (row,) = await server.sql("select visitor_id from conversation where id = $1", ack["conversationId"])
    elsewhere = Appender(server.url, reopen=dt.timedelta(hours=1))
    stored = asyncio.Event()
    for text in ("from", "elsewhere"):
        draft = Draft(ack["conversationId"], "visitor", row["visitor_id"], str(uuid.uuid4()), new_id(), text, None)
        elsewhere.submit(draft, lambda _: stored.set())
    await stored.wait()
    for socket in (client, agent):
        heard = await socket.get("message_new", 2)
        assert [(message["seq"], message["bodyText"]) for message in heard] == [(1, "from"), (2, "elsewhere")]
    assert (await agent.get("conversation_update"))[-1]["preview"] == "elsewhere"
    await elsewhere.close()


async def test_two_servers_one_conversation(serve) -> None:
    """Promises 1, 3 and 4 over two processes' worth of servers: one numbering, repeats once, both sides hear."""
    here, there = await serve(), await serve()
    visitor, ack = await here.greeted()
    agent = await there.agent()
    assert (await agent.ask("admin_join", {"conversationId": ack["conversationId"]}))["ok"]
    message = {"bodyText": "across", "clientId": str(uuid.uuid4())}
    first = await visitor.ask("visitor_message", message)
    moved, again = await there.greeted(visitorToken=ack["visitorToken"])
    assert again["seq"] == 1
    assert await moved.ask("visitor_message", message) == first | {"duplicate": True}
    await agent.get("message_new")
    reply = await agent.ask("admin_message", {"conversationId": ack["conversationId"], "bodyText": "back"})
    assert reply["seq"] == 2
    heard = await visitor.get("message_new", 2)
    assert [message["bodyText"] for message in heard] == ["across", "back"]
    assert (heard[1]["author"], heard[1]["adminId"]) == ({"name": "Ann", "avatarUrl": None}, None)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_origins(server, transport: str) -> None:
    """Section 3, Origin: each path has its own list; an absent one is allowed unless the browser says cross-site."""
    shop, desk = server.settings.allowed_origins[0], server.settings.admin_allowed_origins[0]
    await server.visitor(transport=transport, Origin=shop)
    await server.agent_socket(transport=transport, Origin=desk)
    await server.visitor(transport=transport, Sec_Fetch_Site="same-origin")
    with pytest.raises(ConnectionRefused):
        await server.visitor(transport=transport, Origin=desk)
    with pytest.raises(ConnectionRefused):
        await server.agent_socket(transport=transport, Origin=shop)
    with pytest.raises(ConnectionRefused):
        await server.visitor(transport=transport, Sec_Fetch_Site="cross-site")


async def test_health_ready_and_files(server) -> None:
    """Section 2: with and without `/chat`: health, ready, loader, client, console."""
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as http:
        for prefix in ("", "/chat"):
            async with http.get(prefix + "/health") as answer:
                assert answer.status == 200
                assert await answer.json() == {"ok": True, "service": "chat-server", "port": server.port}
                assert answer.headers["cache-control"] == "no-store"
            async with http.get(prefix + "/ready") as answer:
                assert (answer.status, await answer.json()) == (200, {"ok": True})
            for name in ("widget/widget.js", "widget/widgetScript.js", "widget/socket.io.min.js", "console/console.js"):
                async with http.get(f"{prefix}/{name}") as answer:
                    assert answer.status == 200, name
                    assert answer.headers["access-control-allow-origin"] == "*"
                async with http.head(f"{prefix}/{name}") as head:
                    assert (head.status, head.headers["etag"]) == (200, answer.headers["etag"])
                    assert await head.read() == b""
        async with http.get("/chat/nothing") as answer:
            assert answer.status == 404
            assert set(json.loads(await answer.text())) == {"error", "message"}
