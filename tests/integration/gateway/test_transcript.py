"""The older clients' exchange, event by event (contract section 3, What an older client relies on).

Events marked existing, no acks, no new fields: each old event in, the exact sequence of events out.
"""

from __future__ import annotations

import re
import time

import jwt
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MESSAGE_FIELDS = {
    "id",
    "conversationId",
    "seq",
    "senderType",
    "adminId",
    "author",
    "bodyText",
    "metadataJson",
    "createdAt",
    "clientId",
}


def check_message(message: dict, **expected: object) -> None:
    assert set(message) == MESSAGE_FIELDS
    assert {name: message[name] for name in expected} == expected
    assert TIME.fullmatch(message["createdAt"])
    assert 0 < len(message["id"]) <= 64


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_whole_conversation_of_older_clients(server, transport: str) -> None:
    """Section 3: a visitor's page and an agents' page written for the older server hold a whole conversation."""
    agent = await server.agent_socket(transport=transport)
    await agent.emit("admin_auth", {"token": server.token()})
    (authed,) = await agent.get("admin_authed")
    assert (authed["ok"], authed["adminId"], authed["role"]) == (True, "ann", "agent")

    visitor = await server.visitor(transport=transport)
    await visitor.emit(
        "visitor_hello",
        {"sessionId": f"v_1718000000000_{transport}abc", "entryUrl": "https://shop.example/", "referrer": ""},
    )
    await visitor.get("message_history")
    assert visitor.names() == ["conversation_open", "message_history"]
    (opened,), (history,) = visitor.of("conversation_open"), visitor.of("message_history")
    conversation = opened["conversationId"]
    assert (opened["status"], opened["seq"], history["messages"]) == ("open", 0, [])

    await visitor.emit("visitor_message", {"conversationId": conversation, "bodyText": " Hello?\r\n"})
    (hello,) = await visitor.get("message_new")
    check_message(hello, seq=1, senderType="visitor", adminId=None, author=None, bodyText="Hello?")
    (listed,) = await agent.get("conversation_update")
    assert (listed["conversationId"], listed["unread"], listed["preview"]) == (conversation, 1, "Hello?")
    assert (listed["status"], listed["assignedTo"]) == ("open", None)

    await agent.emit("admin_join", {"conversationId": conversation})
    (joined,) = await agent.get("message_history")
    assert joined["messages"] == [hello]
    (opened,) = agent.of("conversation_open")
    assert (opened["conversationId"], opened["seq"]) == (conversation, 1)

    await agent.emit("admin_assign", {"conversationId": conversation})
    (_, assigned) = await agent.get("conversation_update", 2)
    assert assigned["assignedTo"] == "ann"
    (served,) = await visitor.get("conversation_update")
    assert served == {
        "conversationId": conversation,
        "status": "open",
        "assignedTo": None,
        "agent": {"name": "Ann", "avatarUrl": None},
        "seq": 1,
    }

    await agent.emit("admin_message", {"conversationId": conversation, "bodyText": "Hi, Ann here"})
    (reply,) = await agent.get("message_new")
    author = {"name": "Ann", "avatarUrl": None}
    check_message(reply, seq=2, senderType="admin", adminId="ann", author=author, bodyText="Hi, Ann here")
    (_, seen) = await visitor.get("message_new", 2)
    assert seen == reply | {"adminId": None}
    (*_, answered) = await agent.get("conversation_update", 3)
    assert (answered["unread"], answered["preview"], answered["previewSender"]) == (0, "Hi, Ann here", "admin")

    await visitor.emit("visitor_message", {"conversationId": conversation, "bodyText": "Thanks"})
    (*_, thanks) = await agent.get("message_new", 2)
    await visitor.get("message_new", 3)
    check_message(thanks, seq=3, senderType="visitor", adminId=None, bodyText="Thanks")
    await agent.get("conversation_update", 4)

    await agent.emit("admin_close", {"conversationId": conversation})
    (*_, closed) = await agent.get("conversation_update", 5)
    assert (closed["status"], closed["assignedTo"]) == ("closed", "ann")
    (*_, closed) = await visitor.get("conversation_update", 2)
    assert (closed["status"], closed["assignedTo"]) == ("closed", None)

    assert visitor.names() == [
        "conversation_open",
        "message_history",
        "message_new",
        "conversation_update",
        "message_new",
        "message_new",
        "conversation_update",
    ]
    assert agent.names() == [
        "admin_authed",
        "conversation_update",
        "conversation_open",
        "message_history",
        "conversation_update",
        "message_new",
        "conversation_update",
        "message_new",
        "conversation_update",
        "conversation_update",
    ]

    again = await server.visitor(transport=transport)
    await again.emit("visitor_hello", {"sessionId": f"v_1718000000000_{transport}abc"})
    (history,) = await again.get("message_history")
    assert [message["bodyText"] for message in history["messages"]] == ["Hello?", "Hi, Ann here", "Thanks"]
    assert again.of("conversation_open")[0]["conversationId"] == conversation
    assert await server.texts(conversation) == ["Hello?", "Hi, Ann here", "Thanks"]


async def test_joins_add_up(server) -> None:
    """Section 3: an older console never leaves; it hears every conversation that it joined."""
    agent = await server.agent()
    visitors = [await server.greeted() for _ in range(3)]
    for client, ack in visitors:
        await client.ask("visitor_message", {"bodyText": "one"})
        await agent.emit("admin_join", {"conversationId": ack["conversationId"]})
    await agent.get("message_history", 3)
    for client, _ in visitors:
        await client.ask("visitor_message", {"bodyText": "two"})
    heard = await agent.get("message_new", 3)
    assert {message["conversationId"] for message in heard} == {ack["conversationId"] for _, ack in visitors}


async def test_a_role_of_the_older_server(server) -> None:
    """Section 2: the older server's `super` is an owner."""
    now = int(time.time())
    claims = {"sub": "1", "role": "super", "iat": now, "exp": now + 900}
    agent = await server.agent_socket()
    await agent.emit("admin_auth", {"token": jwt.encode(claims, server.settings.admin_jwt_secret.get_secret_value())})
    (authed,) = await agent.get("admin_authed")
    assert authed["role"] == "owner"


async def test_empty_text_without_an_ack_is_dropped_silently(server) -> None:
    """Section 3, Text: empty text without an ack is dropped silently; with one it is INVALID_INPUT."""
    client, ack = await server.greeted()
    agent = await server.agent()
    target = {"conversationId": ack["conversationId"], "bodyText": " \r\n\x00 "}
    client.log.clear()
    await client.emit("visitor_message", target)
    await agent.emit("admin_message", target)
    assert (await client.ask("visitor_message", target))["error"] == "INVALID_INPUT"
    assert (await agent.ask("admin_message", target))["error"] == "INVALID_INPUT"
    assert client.names() == ["ack visitor_message"]
    assert agent.names() == ["ack admin_message"]
