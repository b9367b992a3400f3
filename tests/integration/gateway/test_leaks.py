"""What a visitor's socket never hears (contract section 3): address, e-mail, internal id, session id, note.

Everything a visitor socket ever received in a busy session is recorded as it came over the wire, and searched.
"""

from __future__ import annotations

import asyncio
import json
import uuid

import aiohttp
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOTE = "customer-is-a-troublemaker"
AGENTS = ("ann.smith@corp.example", "usr_0042_internal")


class RawVisitor:
    """A visitor's websocket spoken by hand; `received` is every byte that came, packets and handshake alike."""

    def __init__(self) -> None:
        self.received = ""
        self.hello: dict = {}

    async def run(self, port: int, hello: dict, address: str, said: asyncio.Event) -> None:
        url = f"ws://127.0.0.1:{port}/ws-visitor/?EIO=4&transport=websocket"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, headers={"X-Forwarded-For": address}) as socket,
        ):
            await socket.receive_str()  # Engine.IO's own handshake: its sid is this socket's and nobody else's
            await socket.send_str("40")
            await socket.receive_str()
            await socket.send_str("420" + json.dumps(["visitor_hello", hello]))
            async for frame in socket:
                if frame.data == "2":
                    await socket.send_str("3")
                    continue
                self.received += frame.data + "\n"
                if frame.data.startswith("430"):
                    (self.hello,) = json.loads(frame.data[3:])
                    for number in range(3):
                        body = {"bodyText": f"message {number}"}
                        await socket.send_str(f"42{number + 1}" + json.dumps(["visitor_message", body]))
                    await socket.send_str("427" + json.dumps(["visitor_sync", {}]))
                    await socket.send_str("428" + json.dumps(["visitor_read", {"seq": 2}]))
                    await socket.send_str("42" + json.dumps(["visitor_fly", {}]))
                    await socket.send_str("429" + json.dumps(["visitor_sync", {"conversationId": "another"}]))
                    await socket.send_str("4210" + json.dumps(["visitor_typing", {"draft": "secret draft"}]))
                    said.set()


async def test_a_busy_session_leaks_nothing(server, until) -> None:
    """Section 3: no address, e-mail, internal id, session id or note ever leaves the server to a visitor."""
    session_id, other_session = f"s_{uuid.uuid4()}", f"s_{uuid.uuid4()}"
    hello = {
        "sessionId": session_id,
        "visitorName": "Wang",
        "visitorEmail": "wang.private@mail.example",
        "visitorPhone": "+8613912345678",
        "entryUrl": "https://shop.example/?utm=1",
    }
    bystander, theirs = await server.greeted(
        sessionId=other_session, visitorEmail="other.person@mail.example", address="203.0.113.77"
    )
    await bystander.ask("visitor_message", {"bodyText": "words of somebody else"})
    visitor, said = RawVisitor(), asyncio.Event()
    running = asyncio.create_task(visitor.run(server.port, hello, "203.0.113.99", said))
    await asyncio.wait_for(said.wait(), 5)
    conversation = visitor.hello["conversationId"]
    named = {"conversationId": conversation}
    agents = [
        await server.agent(AGENTS[0], name=AGENTS[0]),
        await server.agent(AGENTS[1], name="Lee <lee.private@corp.example>"),
    ]
    for agent in agents:
        await agent.ask("admin_join", named)
        for event, fields in (
            ("admin_assign", {}),
            ("admin_note", {"bodyText": NOTE}),
            ("admin_typing", {}),
            ("admin_message", {"bodyText": "how can I help", "quickReplies": ["yes"]}),
            ("admin_read", {"seq": 4}),
            ("admin_close", {}),
            ("admin_reopen", {}),
            ("admin_assign", {"adminId": AGENTS[0]}),
            ("admin_note", {"bodyText": NOTE}),
        ):
            assert (await agent.ask(event, named | fields))["ok"], event
    tab, ack = await server.greeted(sessionId=session_id)
    await tab.ask("visitor_sync", {"afterSeq": 1, "afterId": ack["messages"][0]["id"]})
    await agents[0].ask("admin_close", named)
    await tab.ask("visitor_message", {"bodyText": "opens it again"})
    older = await server.visitor()
    await older.emit("visitor_hello", {"sessionId": session_id})
    await older.get("message_history")
    await until(lambda: "opens it again" in visitor.received and visitor.received.count("conversation_update") > 5)
    running.cancel()

    everything = f"{visitor.received}\n{tab.everything()}\n{older.everything()}"
    for event in ("conversation_open", "message_new", "conversation_update", "typing", "read", "error"):
        assert f'"{event}"' in everything, f"the session was not busy: no {event}"
    rows = await server.sql(
        "select id, encode(session_hash, 'hex') as hash, encode(token_hash, 'hex') as token from visitor"
    )
    notes = await server.sql("select id from note")
    secrets = [
        *AGENTS,
        NOTE,
        "@",
        "+8613912345678",
        "203.0.113.",
        "198.18.",
        "127.0.0.1",
        session_id,
        other_session,
        "words of somebody else",
        theirs["conversationId"],
        theirs["visitorToken"],
        "secret draft",
        "utm=1",
        "note_new",
        "presence",
        *(value for row in rows for value in row.values() if value),
        *(note["id"] for note in notes),
    ]
    found = [secret for secret in secrets if secret in everything]
    assert found == []
    assert '"name":"Lee"' in everything.replace('": "', '":"'), "what is no address is shown"
    assert '"adminId":"' not in everything.replace('": "', '":"')
    assert '"assignedTo":"' not in everything.replace('": "', '":"')


async def test_a_visitor_hears_no_other_conversation(server) -> None:
    """Section 3: `conversation_update` and messages of a visitor's own conversation only."""
    quiet, ack = await server.greeted()
    quiet.log.clear()
    agent = await server.agent("ann")
    for _ in range(3):
        client, theirs = await server.greeted()
        await client.ask("visitor_message", {"bodyText": "elsewhere"})
        for event in ("admin_join", "admin_assign", "admin_typing", "admin_close"):
            await agent.ask(event, {"conversationId": theirs["conversationId"]})
    await quiet.ask("visitor_sync")
    assert quiet.names() == ["ack visitor_sync"]
    assert (await agent.ask("admin_assign", {"conversationId": ack["conversationId"]}))["ok"]
    assert len(await quiet.get("conversation_update")) == 1
