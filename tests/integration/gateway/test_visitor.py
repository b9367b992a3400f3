"""Visitors' events over real sockets: acks, refusals, credentials, repeats, closed conversations (contract 3 and 4)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "01hzzzzzzzzzzzzzzzzzzzzzzz"


def session() -> str:
    return f"s_{uuid.uuid4()}"


async def counts(server) -> tuple[int, int]:
    (row,) = await server.sql("select (select count(*) from visitor), (select count(*) from conversation)")
    return tuple(row)


async def sent(client, *texts: str, **fields: Any) -> list[dict[str, Any]]:
    acks = [await client.ask("visitor_message", {"bodyText": text} | fields) for text in texts]
    assert all(ack["ok"] for ack in acks), acks
    return acks


# --- visitor_hello -----------------------------------------------------------------------------------------------


async def test_hello_answers_with_everything_in_its_ack(server) -> None:
    """Section 3: the ack of hello; `message_history` is left out when hello carried an ack."""
    client, ack = await server.greeted()
    assert ack == {
        "ok": True,
        "conversationId": ack["conversationId"],
        "status": "open",
        "seq": 0,
        "epoch": ack["epoch"],
        "visitorToken": ack["visitorToken"],
        "resumed": False,
        "messages": [],
        "more": False,
        "reset": False,
        "agentReadSeq": 0,
        "visitorReadSeq": 0,
        "agent": None,
    }
    assert len(ack["visitorToken"]) == 43, "promise 8: 256 bits"
    await client.ask("visitor_sync")
    assert client.names() == ["ack visitor_hello", "conversation_open", "ack visitor_sync"]


async def test_a_deferred_hello_writes_nothing(server) -> None:
    """Section 3, `defer`: no conversation before the first message; then visitor and conversation are made together."""
    before = await counts(server)
    client, ack = await server.greeted(defer=True, visitorName="Li")
    assert (ack["conversationId"], ack["status"], ack["seq"]) == (None, None, 0)
    assert (await client.ask("visitor_sync"))["error"] == "CONVERSATION_NOT_FOUND"
    assert await counts(server) == before
    client.log.clear()
    (stored,) = await sent(client, "first", clientId=str(uuid.uuid4()))
    await client.get("message_new")
    assert client.names() == ["conversation_open", "ack visitor_message", "message_new"]
    assert client.of("conversation_open")[0]["conversationId"] == stored["conversationId"]
    assert await counts(server) == (before[0] + 1, before[1] + 1)
    resumed = await (await server.visitor()).ask("visitor_hello", {"visitorToken": ack["visitorToken"], "defer": True})
    assert (resumed["conversationId"], resumed["resumed"]) == (stored["conversationId"], True)


async def test_a_session_id_resumes(server) -> None:
    """Promise 8: a session id that counts as a credential opens its visitor's conversation again."""
    session_id = session()
    client, first = await server.greeted(sessionId=session_id)
    await sent(client, "one", "two")
    _, again = await server.greeted(sessionId=session_id)
    assert (again["conversationId"], again["resumed"], again["seq"]) == (first["conversationId"], True, 2)
    assert [message["bodyText"] for message in again["messages"]] == ["one", "two"]
    assert again["visitorToken"] == first["visitorToken"]


@pytest.mark.parametrize("session_id", ["v_fallback_session", "abcdef", "0" * 40, None])
async def test_a_weak_session_id_resumes_nothing(server, session_id: str | None) -> None:
    """Promise 8: the socket gets a conversation that nobody can resume, but by its token."""
    client, first = await server.greeted(sessionId=session_id)
    await sent(client, "private")
    _, second = await server.greeted(sessionId=session_id)
    assert second["conversationId"] != first["conversationId"]
    assert (second["resumed"], second["messages"]) == (False, [])
    _, third = await server.greeted(sessionId=session_id, visitorToken=first["visitorToken"])
    assert third["conversationId"] == first["conversationId"]


async def test_a_presented_token_closes_the_session_id(server) -> None:
    """Promise 8: once a visitor has presented their token, their conversations open only with it."""
    session_id = session()
    client, first = await server.greeted(sessionId=session_id)
    await sent(client, "private")
    _, by_token = await server.greeted(sessionId=session_id, visitorToken=first["visitorToken"])
    assert by_token["conversationId"] == first["conversationId"]
    _, by_session = await server.greeted(sessionId=session_id)
    assert by_session["conversationId"] != first["conversationId"]
    assert (by_session["messages"], by_session["resumed"]) == ([], False)
    assert by_session["visitorToken"] != first["visitorToken"]
    _, by_token = await server.greeted(sessionId=session(), visitorToken=first["visitorToken"])
    assert by_token["conversationId"] == first["conversationId"]


async def test_a_token_of_nobody_opens_nothing(server) -> None:
    """Promise 8: a forged token is nobody's; the session id decides then."""
    session_id = session()
    _, first = await server.greeted(sessionId=session_id)
    _, forged = await server.greeted(visitorToken="x" * 43)
    assert forged["conversationId"] != first["conversationId"]
    _, both = await server.greeted(sessionId=session_id, visitorToken="x" * 43)
    assert both["conversationId"] == first["conversationId"]


async def test_credentials_are_stored_hashed(server) -> None:
    """Promise 8: neither the session id nor the token is in the database."""
    session_id = session()
    _, ack = await server.greeted(sessionId=session_id)
    dump = str(
        await server.sql("select v::text, encode(session_hash, 'escape'), encode(token_hash, 'escape') from visitor v")
    )
    assert session_id not in dump
    assert ack["visitorToken"] not in dump


@pytest.mark.parametrize(
    "hello",
    [{"sessionId": "short"}, {"sessionId": "x" * 129}, {"sessionId": 7}, {"defer": "yes"}, {"afterSeq": -1}, [], "hi"],
)
async def test_a_bad_hello_is_refused(server, hello: Any) -> None:
    """Section 3: INVALID_INPUT, and the socket may try again."""
    client = await server.visitor()
    ack = await client.ask("visitor_hello", hello)
    assert (ack["ok"], ack["error"]) == (False, "INVALID_INPUT")
    assert ack["message"]
    await client.emit("visitor_hello", hello)
    (error,) = await client.get("error")
    assert error["error"] == "INVALID_INPUT"
    assert (await client.ask("visitor_hello", {"sessionId": session()}))["ok"]


async def test_fields_of_hello_are_kept_for_agents(server) -> None:
    """Section 3, hello's existing fields: cleaned, cut, and shown in the inbox row."""
    client, ack = await server.greeted(
        visitorName=" Li\nLei ",
        visitorEmail="li@example.com",
        visitorPhone="+86 1",
        entryUrl="https://shop.example/" + "x" * 3000,
        locale="zh-CN",
        timezone="Asia/Shanghai",
        title="Shop \x00",
        referrer="",
    )
    await sent(client, "hi")
    agent = await server.agent()
    row = (await agent.ask("admin_join", {"conversationId": ack["conversationId"]}))["row"]
    assert (row["visitorName"], row["visitorEmail"], row["visitorPhone"]) == ("Li Lei", "li@example.com", "+86 1")
    assert (row["locale"], row["timezone"], row["pageTitle"], row["referrer"]) == (
        "zh-CN",
        "Asia/Shanghai",
        "Shop",
        None,
    )
    assert len(row["entryUrl"]) == 2000


@pytest.mark.parametrize("event", ["visitor_message", "visitor_typing", "visitor_read", "visitor_sync"])
async def test_nothing_before_hello(server, event: str) -> None:
    """Promise 8: only the socket that opened a conversation may read or write it; before hello it has none."""
    client = await server.visitor()
    ack = await client.ask(event, {"bodyText": "x", "seq": 1, "conversationId": UNKNOWN})
    assert ack["error"] == "UNAUTHORIZED"


@pytest.mark.parametrize("event", ["admin_inbox", "admin_join", "visitor_fly", "connect", "message"])
async def test_unknown_events(server, event: str) -> None:
    """Section 3: INVALID_EVENT, agents' events on the visitors' path included."""
    client, ack = await server.greeted()
    if event != "connect":  # reserved in the client library
        assert (await client.ask(event, {"conversationId": ack["conversationId"]}))["error"] == "INVALID_EVENT"
    await client.emit("nonsense")
    (error,) = await client.get("error")
    assert error["error"] == "INVALID_EVENT"
    await sent(client, "still alive")


# --- other people's conversations ----------------------------------------------------------------------------------


async def test_other_peoples_conversations_are_refused(server) -> None:
    """Promise 8: only the socket that opened a conversation with its credentials may read or write it."""
    owner, mine = await server.greeted()
    await sent(owner, "private")
    for hello in ({}, {"defer": True}):
        thief, _ = await server.greeted(**hello)
        named = {"conversationId": mine["conversationId"]}
        for event, payload in {
            "visitor_message": named | {"bodyText": "intruding"},
            "visitor_sync": named,
            "visitor_read": named | {"seq": 1},
            "visitor_typing": named,
        }.items():
            assert (await thief.ask(event, payload))["error"] == "CONVERSATION_NOT_FOUND"
        assert (await thief.ask("visitor_message", {"conversationId": UNKNOWN, "bodyText": "x"}))["ok"] is False
        assert "private" not in thief.everything()
    assert await server.texts(mine["conversationId"]) == ["private"]
    assert owner.of("read") == owner.of("typing") == []


async def test_a_second_hello_leaves_the_first_conversation(server) -> None:
    """A socket follows what its last hello opened, and nothing else."""
    other, theirs = await server.greeted()
    client, _ = await server.greeted(sessionId=session())
    switched = await client.ask("visitor_hello", {"visitorToken": theirs["visitorToken"]})
    assert switched["conversationId"] == theirs["conversationId"]
    back = await client.ask("visitor_hello", {"sessionId": session()})
    client.log.clear()
    await sent(other, "not for the socket that left")
    await sent(client, "mine")
    assert [message["conversationId"] for message in await client.get("message_new")] == [back["conversationId"]]


# --- visitor_message -------------------------------------------------------------------------------------------


async def test_the_ack_leaves_before_the_message(server) -> None:
    """Section 3: `message_new` reaches every socket of the conversation, the sender's included, there after the ack."""
    session_id = session()
    client, ack = await server.greeted(sessionId=session_id)
    tab, _ = await server.greeted(sessionId=session_id)
    client.log.clear()
    client_id = str(uuid.uuid4())
    (stored,) = await sent(client, "hello", clientId=client_id, conversationId=ack["conversationId"])
    (message,) = await client.get("message_new")
    assert client.names() == ["ack visitor_message", "message_new"]
    assert await tab.get("message_new") == [message]
    assert stored == {
        "ok": True,
        "id": message["id"],
        "conversationId": ack["conversationId"],
        "seq": 1,
        "createdAt": message["createdAt"],
        "duplicate": False,
    }
    assert message["clientId"] == client_id


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"bodyText": None},
        {"bodyText": ""},
        {"bodyText": "x" * 4001},
        {"bodyText": "x", "clientId": "1"},
        {"bodyText": "x", "clientId": 5},
        {"bodyText": ["x"]},
        {"bodyText": "x", "conversationId": 9},
    ],
)
async def test_bad_messages_are_refused(server, payload: dict[str, Any]) -> None:
    """Section 3: INVALID_INPUT, nothing stored, and no wait is asked for."""
    client, ack = await server.greeted()
    refused = await client.ask("visitor_message", payload)
    assert (refused["ok"], refused["error"]) == (False, "INVALID_INPUT")
    assert "retryAfterMs" not in refused
    assert await server.texts(ack["conversationId"]) == []


async def test_text_is_stored_as_the_contract_says(server) -> None:
    """Section 3, Text: LF, no control characters, trimmed; 4000 code points of four bytes each are one message."""
    client, ack = await server.greeted()
    await sent(client, " a\r\nb\x00\x07 ", "😀" * 4000, "\ud800 lone")
    assert await server.texts(ack["conversationId"]) == ["a\nb", "😀" * 4000, "\ufffd lone"]


async def test_a_repeat_gets_the_first_answer(server) -> None:
    """Promise 3: stored once, `duplicate:true`, on this socket, another one, and in either case of the UUID."""
    session_id, client_id = session(), str(uuid.uuid4())
    client, ack = await server.greeted(sessionId=session_id)
    (first,) = await sent(client, "once", clientId=client_id)
    other, _ = await server.greeted(sessionId=session_id)
    for socket, spelling in ((client, client_id), (other, client_id.upper())):
        (again,) = await sent(socket, "changed", clientId=spelling)
        assert again == first | {"duplicate": True}
    await sent(client, "next")
    assert await server.texts(ack["conversationId"]) == ["once", "next"]
    assert len(client.of("message_new")) <= 2


async def test_messages_sent_without_waiting_keep_their_order(server) -> None:
    """Promise 1: order within a socket is the order sent; the first of a deferred conversation included."""
    client, _ = await server.greeted(defer=True)
    for number in range(15):
        await client.emit("visitor_message", {"bodyText": str(number)})
    heard = await client.get("message_new", 15)
    assert [(message["bodyText"], message["seq"]) for message in heard] == [(str(n), n + 1) for n in range(15)]


# --- closed conversations ---------------------------------------------------------------------------------------


async def close(server, conversation: str, hours: int = 0) -> None:
    agent = await server.agent()
    assert (await agent.ask("admin_close", {"conversationId": conversation}))["ok"]
    if hours:
        await server.sql(
            "update conversation set closed_at = now() - make_interval(hours => $2) where id = $1", conversation, hours
        )


async def test_a_message_within_a_day_reopens(server) -> None:
    """Promise 6: a visitor's message to their own closed conversation reopens it, and both sides hear it."""
    client, ack = await server.greeted()
    await sent(client, "one")
    await close(server, ack["conversationId"])
    await client.get("conversation_update")
    agent = await server.agent()
    (stored,) = await sent(client, "two", conversationId=ack["conversationId"])
    assert stored["seq"] == 2
    statuses = [update["status"] for update in await client.get("conversation_update", 2)]
    assert statuses == ["closed", "open"]
    assert (await agent.get("conversation_update"))[-1]["status"] == "open"


@pytest.mark.parametrize("how", ["same socket", "new hello"])
async def test_a_message_after_a_day_goes_to_a_new_conversation(server, how: str) -> None:
    """Promise 6: the server opens a new one, announces it, answers CONVERSATION_CLOSED; the client sends there."""
    client, ack = await server.greeted()
    await sent(client, "old")
    await close(server, ack["conversationId"], hours=25)
    if how == "new hello":
        client, again = await server.greeted(visitorToken=ack["visitorToken"], defer=True)
        assert (again["conversationId"], again["status"]) == (ack["conversationId"], "closed")
    client.log.clear()
    message = {"bodyText": "new", "clientId": str(uuid.uuid4()), "conversationId": ack["conversationId"]}
    refused = await client.ask("visitor_message", message)
    assert refused["error"] == "CONVERSATION_CLOSED"
    (opened,) = await client.get("conversation_open")
    assert opened["conversationId"] != ack["conversationId"]
    assert client.names().index("conversation_open") < client.names().index("ack visitor_message")
    (stored,) = await sent(client, "new", clientId=message["clientId"], conversationId=opened["conversationId"])
    assert (stored["conversationId"], stored["seq"], stored["duplicate"]) == (opened["conversationId"], 1, False)
    assert await server.texts(ack["conversationId"]) == ["old"]


async def test_an_older_clients_text_is_kept_though_its_conversation_is_closed(server) -> None:
    """Promise 6, for a client that can neither repeat nor hear of it: its texts go to the new one, in order."""
    client = await server.visitor()
    await client.emit("visitor_hello", {"sessionId": session()})
    (opened,) = await client.get("conversation_open")
    await client.emit("visitor_message", {"conversationId": opened["conversationId"], "bodyText": "old"})
    await client.get("message_new")
    await close(server, opened["conversationId"], hours=25)
    for text in ("one", "two", "three"):
        await client.emit("visitor_message", {"conversationId": opened["conversationId"], "bodyText": text})
    heard = await client.get("message_new", 4)
    (_, new) = client.of("conversation_open")
    assert [message["bodyText"] for message in heard] == ["old", "one", "two", "three"]
    assert await server.texts(new["conversationId"]) == ["one", "two", "three"]
    assert client.of("error") == []


async def test_a_repeat_after_the_close_gets_the_first_answer(server) -> None:
    """Promises 3 and 6: even if the conversation was closed since, for good, and another one is open."""
    client, ack = await server.greeted()
    client_id = str(uuid.uuid4())
    (first,) = await sent(client, "once", clientId=client_id)
    await close(server, ack["conversationId"], hours=30)
    repeat = {"clientId": client_id, "conversationId": ack["conversationId"]}
    (again,) = await sent(client, "once", **repeat)
    assert again == first | {"duplicate": True}
    assert (await client.ask("visitor_message", {"bodyText": "x", "clientId": str(uuid.uuid4())}))["ok"] is False
    await client.get("conversation_open", 2)
    (again,) = await sent(client, "once", **repeat)
    assert again == first | {"duplicate": True}


async def test_a_message_to_an_older_conversation_that_reopens(server) -> None:
    """Promises 6 and 8: it reopens within the day, and the socket that sent it hears what is said there."""
    client, ack = await server.greeted()
    older = ack["conversationId"]
    await sent(client, "old")
    await close(server, older, hours=2)
    newer, _ = await server.greeted(visitorToken=ack["visitorToken"], defer=True)
    visitor_id = (await server.sql("select visitor_id from conversation where id = $1", older))[0]["visitor_id"]
    await server.sql(
        "insert into conversation (id, visitor_id, status, closed_at) values ($1, $2, 'closed', now())",
        latest := "l" + older[1:],
        visitor_id,
    )
    tab, opened = await server.greeted(visitorToken=ack["visitorToken"], defer=True)
    assert opened["conversationId"] == latest
    tab.log.clear()
    (stored,) = await sent(tab, "again", conversationId=older, clientId=str(uuid.uuid4()))
    assert (stored["conversationId"], stored["seq"]) == (older, 2)
    (told,) = await tab.get("conversation_open")
    assert told["conversationId"] == older
    assert tab.names().index("conversation_open") < tab.names().index("ack visitor_message")
    assert [message["bodyText"] for message in await tab.get("message_new")] == ["again"]
    agent = await server.agent()
    assert (await agent.ask("admin_message", {"conversationId": older, "bodyText": "answer"}))["ok"]
    assert [message["bodyText"] for message in await tab.get("message_new", 2)] == ["again", "answer"]
    assert (await tab.ask("visitor_read", {"conversationId": older, "seq": 3}))["ok"]
    refused = await tab.ask("visitor_message", {"bodyText": "x", "conversationId": latest})
    assert refused["error"] == "CONVERSATION_CLOSED", "one conversation is open at a time"
    await newer.close()


async def test_hello_after_a_day_opens_a_new_conversation(server) -> None:
    """Promise 6 at hello: without `defer` the visitor gets an open conversation at once."""
    client, ack = await server.greeted()
    await sent(client, "old")
    await close(server, ack["conversationId"], hours=25)
    _, again = await server.greeted(visitorToken=ack["visitorToken"])
    assert again["conversationId"] != ack["conversationId"]
    assert (again["status"], again["seq"], again["messages"]) == ("open", 0, [])


# --- sync, typing, read --------------------------------------------------------------------------------------------


async def test_resume_by_place_and_epoch(server) -> None:
    """Promise 4: hello with `afterSeq`, `afterId`, `epoch` gets exactly what is missing, or an explicit reset."""
    client, ack = await server.greeted()
    acks = await sent(client, *map(str, range(1, 7)))

    async def resume(**place: Any) -> tuple[list[int], bool]:
        _, again = await server.greeted(visitorToken=ack["visitorToken"], **place)
        assert (again["seq"], again["resumed"]) == (6, True)
        return [message["seq"] for message in again["messages"]], again["reset"]

    place = {"afterSeq": 4, "afterId": acks[3]["id"], "epoch": ack["epoch"]}
    assert await resume(**place) == ([5, 6], False)
    assert await resume(**place | {"afterSeq": 6, "afterId": acks[5]["id"]}) == ([], False)
    assert await resume(afterSeq=0, epoch=ack["epoch"]) == ([1, 2, 3, 4, 5, 6], False)
    assert await resume(**place | {"epoch": "restored"}) == ([1, 2, 3, 4, 5, 6], True)
    assert await resume(**place | {"afterId": "another"}) == ([1, 2, 3, 4, 5, 6], True)
    assert await resume(**place | {"afterSeq": 99}) == ([1, 2, 3, 4, 5, 6], True)


async def test_sync(server) -> None:
    """Section 3, `visitor_sync`: after, before, limit, more, reset."""
    client, ack = await server.greeted()
    acks = await sent(client, *map(str, range(1, 11)))

    async def sync(**ask: Any) -> tuple[list[int], bool, bool]:
        page = await client.ask("visitor_sync", ask)
        assert (page["ok"], page["seq"], page["epoch"]) == (True, 10, ack["epoch"])
        return [message["seq"] for message in page["messages"]], page["more"], page["reset"]

    assert await sync() == (list(range(1, 11)), False, False)
    assert await sync(limit=3) == ([8, 9, 10], True, False)
    assert await sync(limit=0) == ([10], True, False)
    assert await sync(limit=-5) == ([10], True, False)
    assert await sync(limit=10**6) == (list(range(1, 11)), False, False)
    assert await sync(afterSeq=7, afterId=acks[6]["id"]) == ([8, 9, 10], False, False)
    assert await sync(afterSeq=2, afterId=acks[1]["id"], limit=4) == ([3, 4, 5, 6], True, False)
    assert await sync(afterSeq=7, afterId="wrong", limit=2) == ([9, 10], True, True)
    assert await sync(beforeSeq=5, limit=2) == ([3, 4], True, False)
    assert await sync(beforeSeq=3) == ([1, 2], False, False)
    assert await sync(beforeSeq=1) == ([], False, False)
    assert await sync(beforeSeq=0) == ([], False, False)


async def test_typing_reaches_agents_who_joined(server) -> None:
    """Section 3: `typing` with the draft for agents; nobody else, the visitor's own sockets included."""
    client, ack = await server.greeted()
    joined, away = await server.agent("ann"), await server.agent("bob")
    await joined.ask("admin_join", {"conversationId": ack["conversationId"]})
    client.log.clear()
    assert (await client.ask("visitor_typing", {"typing": True, "draft": "I wonder\x00"}))["ok"]
    (typing,) = await joined.get("typing")
    assert typing == {
        "conversationId": ack["conversationId"],
        "senderType": "visitor",
        "typing": True,
        "author": None,
        "adminId": None,
        "draft": "I wonder",
    }
    await away.ask("admin_inbox")
    assert away.of("typing") == client.of("typing") == []


async def test_read_marks_move_forward_only(server) -> None:
    """Section 3, `visitor_read`: agents hear how far; it never moves back, nor beyond the top."""
    client, ack = await server.greeted()
    await sent(client, "1", "2", "3")
    agent = await server.agent()
    await agent.ask("admin_join", {"conversationId": ack["conversationId"]})
    for seq in (2, 1, 2, 99):
        assert (await client.ask("visitor_read", {"seq": seq}))["ok"]
    marks = await agent.get("read", 2)
    assert [(mark["senderType"], mark["seq"]) for mark in marks] == [("visitor", 2), ("visitor", 3)]
    assert (await client.ask("visitor_read", {"seq": "3"}))["error"] == "INVALID_INPUT"
    assert (await client.ask("visitor_read", {}))["error"] == "INVALID_INPUT"
