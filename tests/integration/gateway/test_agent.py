"""Agents' events over real sockets: acks, roles, notes, changes, the inbox (contract sections 3 and 4)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "01hzzzzzzzzzzzzzzzzzzzzzzz"
AGENTS_EVENTS = {
    "admin_inbox": {},
    "admin_join": {"conversationId": UNKNOWN},
    "admin_leave": {"conversationId": UNKNOWN},
    "admin_message": {"conversationId": UNKNOWN, "bodyText": "x"},
    "admin_note": {"conversationId": UNKNOWN, "bodyText": "x"},
    "admin_assign": {"conversationId": UNKNOWN},
    "admin_close": {"conversationId": UNKNOWN},
    "admin_reopen": {"conversationId": UNKNOWN},
    "admin_typing": {"conversationId": UNKNOWN},
    "admin_read": {"conversationId": UNKNOWN, "seq": 1},
    "admin_sync": {"conversationId": UNKNOWN},
}


async def talk(server, *texts: str) -> tuple[Any, str]:
    """A visitor's socket and conversation after these messages."""
    client, ack = await server.greeted()
    for text in texts:
        assert (await client.ask("visitor_message", {"bodyText": text}))["ok"]
    return client, ack["conversationId"]


async def joined(server, conversation: str, agent_id: str = "ann", **options: Any) -> Any:
    agent = await server.agent(agent_id, **options)
    ack = await agent.ask("admin_join", {"conversationId": conversation})
    assert ack["ok"], ack
    await agent.get("conversation_open")
    agent.log.clear()
    return agent


# --- admin_join, admin_leave, admin_sync ----------------------------------------------------------------------------


async def test_join_answers_with_everything_in_its_ack(server) -> None:
    """Section 3: messages, notes and the row are in the ack; `message_history` is left out."""
    _, conversation = await talk(server, "one", "two")
    agent = await server.agent()
    await agent.ask("admin_note", {"conversationId": conversation, "bodyText": "psst"})
    agent.log.clear()
    ack = await agent.ask("admin_join", {"conversationId": conversation})
    await agent.get("conversation_open")
    assert (ack["ok"], ack["status"], ack["seq"], ack["more"], ack["reset"]) == (True, "open", 2, False, False)
    assert [message["bodyText"] for message in ack["messages"]] == ["one", "two"]
    assert [note["bodyText"] for note in ack["notes"]] == ["psst"]
    assert (ack["row"]["unread"], ack["row"]["noteSeq"], ack["row"]["visitorOnline"]) == (2, 1, True)
    assert agent.of("message_history") == []
    place = {"afterSeq": 1, "afterId": ack["messages"][0]["id"], "epoch": ack["epoch"]}
    ack = await agent.ask("admin_join", {"conversationId": conversation} | place)
    assert ([message["seq"] for message in ack["messages"]], ack["reset"]) == ([2], False)
    ack = await agent.ask("admin_join", {"conversationId": conversation} | place | {"epoch": "restored"})
    assert ([message["seq"] for message in ack["messages"]], ack["reset"]) == ([1, 2], True)


async def test_only_joined_agents_hear_the_conversation(server) -> None:
    """Section 3: `message_new` to agents who joined; `conversation_update` to all authenticated, joined or not."""
    client, conversation = await talk(server, "one")
    here, away = await joined(server, conversation), await server.agent("bob")
    await client.ask("visitor_message", {"bodyText": "two"})
    (message,) = await here.get("message_new")
    assert (message["bodyText"], message["adminId"]) == ("two", None)
    (row,) = [row for row in await away.get("conversation_update") if row["conversationId"] == conversation][-1:]
    assert (row["seq"], row["unread"], row["preview"]) == (2, 2, "two")
    assert away.of("message_new") == []
    assert (await here.ask("admin_leave", {"conversationId": conversation}))["ok"]
    here.log.clear()
    await client.ask("visitor_message", {"bodyText": "three"})
    await here.get("conversation_update")
    assert here.of("message_new") == []


async def test_sync_of_messages_and_notes(server) -> None:
    """Section 3, `admin_sync`: as `visitor_sync`, and the notes after `afterNoteSeq`."""
    _, conversation = await talk(server, *map(str, range(1, 6)))
    agent = await server.agent()
    for text in ("a", "b", "c"):
        await agent.ask("admin_note", {"conversationId": conversation, "bodyText": text})
    page = await agent.ask("admin_sync", {"conversationId": conversation, "limit": 2, "afterNoteSeq": 1})
    assert ([message["seq"] for message in page["messages"]], page["more"], page["seq"]) == ([4, 5], True, 5)
    assert ([note["bodyText"] for note in page["notes"]], page["noteSeq"]) == (["b", "c"], 3)
    page = await agent.ask("admin_sync", {"conversationId": conversation, "beforeSeq": 3})
    assert ([message["seq"] for message in page["messages"]], page["notes"]) == ([1, 2], [])
    page = await agent.ask("admin_sync", {"conversationId": conversation, "afterSeq": 3, "afterId": "another"})
    assert (len(page["messages"]), page["reset"]) == (5, True)


@pytest.mark.parametrize("event", [event for event in AGENTS_EVENTS if event not in {"admin_inbox", "admin_leave"}])
async def test_a_conversation_that_is_not_there(server, event: str) -> None:
    """Section 3: CONVERSATION_NOT_FOUND, for ids that are nobody's and for ids that can be nobody's."""
    agent = await server.agent()
    for conversation in (UNKNOWN, "", "x" * 65, "a\x00b"):
        ack = await agent.ask(event, AGENTS_EVENTS[event] | {"conversationId": conversation})
        if event in {"admin_typing", "admin_read"} and conversation == UNKNOWN:
            assert ack["ok"], "fleeting; nobody is there to hear it"
        else:
            assert (ack["ok"], ack["error"]) == (False, "CONVERSATION_NOT_FOUND"), conversation


# --- admin_message ---------------------------------------------------------------------------------------------


async def test_a_reply(server) -> None:
    """Section 3, `admin_message`: the ack first, then `message_new` to both sides, with quick replies as metadata."""
    client, conversation = await talk(server, "question")
    agent, colleague = await joined(server, conversation), await joined(server, conversation, "bob", name="Bob")
    client.log.clear()
    client_id = str(uuid.uuid4())
    sent = {"conversationId": conversation, "bodyText": "answer", "quickReplies": ["是", "no"], "clientId": client_id}
    ack = await agent.ask("admin_message", sent)
    assert (ack["ok"], ack["seq"], ack["duplicate"]) == (True, 2, False)
    (message,) = await agent.get("message_new")
    assert [name for name in agent.names() if name != "conversation_update"] == ["ack admin_message", "message_new"]
    assert message["metadataJson"] == '{"quickReplies": ["是", "no"]}'
    assert (message["adminId"], message["author"]) == ("ann", {"name": "Ann", "avatarUrl": None})
    assert await colleague.get("message_new") == [message]
    assert await client.get("message_new") == [message | {"adminId": None}]
    assert await agent.ask("admin_message", sent | {"bodyText": "edited"}) == ack | {"duplicate": True}
    stored = await client.ask("visitor_sync", {"limit": 1})
    assert stored["messages"] == [message | {"adminId": None}], "what is read is what was announced"


@pytest.mark.parametrize(
    "fields",
    [
        {"bodyText": ""},
        {"bodyText": "x" * 4001},
        {"quickReplies": ["x"] * 11},
        {"quickReplies": ["x" * 81]},
        {"quickReplies": [""]},
        {"quickReplies": "yes"},
        {"clientId": "1"},
    ],
)
async def test_bad_replies_are_refused(server, fields: dict[str, Any]) -> None:
    """Section 3: 1–4000 characters, up to 10 quick replies of 80, clientId a UUID."""
    _, conversation = await talk(server)
    agent = await server.agent()
    ack = await agent.ask("admin_message", {"conversationId": conversation, "bodyText": "x"} | fields)
    assert (ack["ok"], ack["error"]) == (False, "INVALID_INPUT")
    assert await server.texts(conversation) == []


async def test_a_reply_to_a_closed_conversation_is_refused(server) -> None:
    """Promise 6: an agent's message to a closed conversation is refused; a repeat still gets the first answer."""
    _, conversation = await talk(server, "hi")
    agent = await server.agent()
    sent = {"conversationId": conversation, "bodyText": "bye", "clientId": str(uuid.uuid4())}
    first = await agent.ask("admin_message", sent)
    await agent.ask("admin_close", {"conversationId": conversation})
    assert await agent.ask("admin_message", sent) == first | {"duplicate": True}
    refused = await agent.ask("admin_message", {"conversationId": conversation, "bodyText": "more"})
    assert (refused["ok"], refused["error"]) == (False, "CONVERSATION_CLOSED")
    await agent.emit("admin_message", {"conversationId": conversation, "bodyText": "more"})
    (error,) = await agent.get("error")
    assert error["error"] == "CONVERSATION_CLOSED"


# --- admin_note ------------------------------------------------------------------------------------------------


async def test_notes_have_their_own_numbers(server) -> None:
    """Promise 1: notes are not Messages: own table, own `noteSeq`; a repeat is stored once; joined agents hear it."""
    client, conversation = await talk(server, "one", "two")
    here, colleague = await joined(server, conversation), await joined(server, conversation, "bob")
    client.log.clear()
    note = {"conversationId": conversation, "bodyText": " angry\r\ncustomer ", "clientId": str(uuid.uuid4())}
    ack = await here.ask("admin_note", note)
    assert (ack["ok"], ack["noteSeq"], ack["duplicate"]) == (True, 1, False)
    (heard,) = await colleague.get("note_new")
    assert (heard["bodyText"], heard["noteSeq"], heard["afterSeq"], heard["adminId"]) == (
        "angry\ncustomer",
        1,
        2,
        "ann",
    )
    assert await here.ask("admin_note", note) == ack | {"duplicate": True}
    second = await colleague.ask("admin_note", {"conversationId": conversation, "bodyText": "indeed"})
    assert second["noteSeq"] == 2
    assert len(await here.get("note_new", 2)) == 2
    assert await server.texts(conversation) == ["one", "two"]
    (row,) = await server.sql("select seq, note_seq from conversation where id = $1", conversation)
    assert tuple(row) == (2, 2)
    await client.ask("visitor_sync")
    assert client.names() == ["ack visitor_sync"]


async def test_notes_of_many_agents_at_once_leave_no_hole(server) -> None:
    """Promise 1: `noteSeq` is given under the row lock."""
    _, conversation = await talk(server, "one")
    agents = [await server.agent(f"a{number}") for number in range(4)]
    for _ in range(5):
        for agent in agents:
            await agent.emit("admin_note", {"conversationId": conversation, "bodyText": "n"})
    for agent in agents:
        await agent.ask("admin_inbox", {"limit": 1})  # answered after the notes before it
    rows = await server.sql("select note_seq from note where conversation_id = $1 order by 1", conversation)
    assert [row["note_seq"] for row in rows] == list(range(1, 21))


# --- changes -----------------------------------------------------------------------------------------------------


async def test_assign(server) -> None:
    """Section 3, `admin_assign`: to oneself, to another, to nobody; the visitor sees a name, never an id."""
    client, conversation = await talk(server, "hi")
    agent, _ = await server.agent("ann"), await server.agent("bob", name="Bob")
    for admin_id, shown in ((None, "Ann"), ("bob", "Bob"), ("", None), ("ann", "Ann")):
        client.log.clear()
        payload = {"conversationId": conversation} | ({} if admin_id is None else {"adminId": admin_id})
        assert (await agent.ask("admin_assign", payload))["ok"]
        (update,) = await client.get("conversation_update")
        assert update["agent"] == (None if shown is None else {"name": shown, "avatarUrl": None})
        assert update["assignedTo"] is None
        row = (await agent.ask("admin_join", {"conversationId": conversation}))["row"]
        assert (row["assignedTo"], row["assigneeName"]) == (shown and shown.lower(), shown)
    _, again = await server.greeted(visitorToken=(await token_of(server, conversation)))
    assert again["agent"] == {"name": "Ann", "avatarUrl": None}


async def token_of(server, conversation: str) -> str:
    from kefu.store.database import Database  # noqa: PLC0415

    database = Database(server.url)
    installation = await database.installation()
    await database.close()
    (row,) = await server.sql("select visitor_id from conversation where id = $1", conversation)
    return installation.visitor_token(row["visitor_id"])


@pytest.mark.parametrize("admin_id", ["nobody", "x" * 500, "a\x00b", "gone"])
async def test_assigning_to_no_active_agent_is_refused(server, admin_id: str) -> None:
    """Section 3: INVALID_INPUT for an agent who is not there, cannot be, or is disabled."""
    _, conversation = await talk(server, "hi")
    agent, _ = await server.agent(), await server.agent("gone")
    await server.sql("update agent set disabled = true where id = 'gone'")
    ack = await agent.ask("admin_assign", {"conversationId": conversation, "adminId": admin_id})
    await server.sql("update agent set disabled = false")
    assert (ack["ok"], ack["error"]) == (False, "INVALID_INPUT")


async def test_close_and_reopen(server) -> None:
    """Section 3: both sides hear it; closing twice is no error; a reopened one takes messages again."""
    client, conversation = await talk(server, "hi")
    agent = await server.agent()
    client.log.clear()
    for event in ("admin_close", "admin_close", "admin_reopen", "admin_reopen"):
        assert (await agent.ask(event, {"conversationId": conversation}))["ok"]
    statuses = [update["status"] for update in await client.get("conversation_update", 4)]
    assert statuses == ["closed", "closed", "open", "open"]
    assert (await agent.ask("admin_message", {"conversationId": conversation, "bodyText": "again"}))["ok"]


async def test_reopening_beside_an_open_one_is_a_conflict(server) -> None:
    """Promise 7: at most one not-closed conversation a visitor; CONFLICT says so."""
    client, conversation = await talk(server, "old")
    agent = await server.agent()
    await agent.ask("admin_close", {"conversationId": conversation})
    await server.sql("update conversation set closed_at = now() - interval '2 days' where id = $1", conversation)
    await client.ask("visitor_message", {"bodyText": "new", "clientId": str(uuid.uuid4())})
    ack = await agent.ask("admin_reopen", {"conversationId": conversation})
    assert (ack["ok"], ack["error"]) == (False, "CONFLICT")


async def test_reads_and_typing_of_agents(server) -> None:
    """Section 3: `read` and `typing` reach the visitor without the agent's id, colleagues with it."""
    client, conversation = await talk(server, "1", "2", "3")
    agent, colleague = await joined(server, conversation), await joined(server, conversation, "bob")
    client.log.clear()
    assert (await agent.ask("admin_read", {"conversationId": conversation, "seq": 2}))["ok"]
    (read,) = await client.get("read")
    assert read == {"conversationId": conversation, "senderType": "admin", "seq": 2, "adminId": None}
    assert (await colleague.get("read")) == [read | {"adminId": "ann"}]
    row = (await agent.ask("admin_join", {"conversationId": conversation}))["row"]
    assert (row["agentReadSeq"], row["unread"]) == (2, 1)
    agent.log.clear()
    assert (await agent.ask("admin_typing", {"conversationId": conversation}))["ok"]
    (typing,) = await client.get("typing")
    assert (typing["adminId"], typing["author"], typing["typing"]) == (None, {"name": "Ann", "avatarUrl": None}, True)
    assert (await colleague.get("typing"))[0]["adminId"] == "ann"
    assert agent.of("typing") == []


# --- admin_inbox -----------------------------------------------------------------------------------------------


async def test_inbox(server) -> None:
    """Section 3, `admin_inbox`: `{rows, cursor, more}`; every row once; `since` what was written later."""
    made = [(await talk(server, f"inbox {number}"))[1] for number in range(5)]
    agent = await server.agent()
    rows, cursor = [], None
    while True:
        page = await agent.ask("admin_inbox", {"filter": "all", "limit": 2, "cursor": cursor})
        assert len(page["rows"]) <= 2
        rows += [row["conversationId"] for row in page["rows"]]
        cursor = page["cursor"]
        if not page["more"]:
            break
    assert rows[:5] == made[::-1]
    assert len(set(rows)) == len(rows) == page["counts"]["all"]
    mark = (await agent.ask("admin_inbox", {"limit": 1}))["since"]
    assert (await agent.ask("admin_inbox", {"since": mark}))["rows"] == []
    await agent.ask("admin_assign", {"conversationId": made[2]})
    page = await agent.ask("admin_inbox", {"since": mark})
    assert [(row["conversationId"], row["assignedTo"]) for row in page["rows"]] == [(made[2], "ann")]
    page = await agent.ask("admin_inbox", {"filter": "mine", "limit": 500})
    assert made[2] in [row["conversationId"] for row in page["rows"]]


@pytest.mark.parametrize(
    "ask", [{"cursor": "forged"}, {"since": "x"}, {"since": "9" * 5000}, {"filter": "everything"}, {"limit": "all"}]
)
async def test_bad_asks_of_the_inbox(server, ask: dict[str, Any]) -> None:
    """Section 3: INVALID_INPUT, never a failure of the database."""
    ack = await (await server.agent()).ask("admin_inbox", ask)
    assert (ack["ok"], ack["error"]) == (False, "INVALID_INPUT")


async def test_presence(server) -> None:
    """Section 3, `presence`: agents hear when a visitor's first socket comes and the last one goes."""
    client, conversation = await talk(server, "hi")
    token = await token_of(server, conversation)
    agent = await server.agent()
    second, _ = await server.greeted(visitorToken=token)
    await second.close()
    await client.close()
    await server.greeted(visitorToken=token)

    def heard() -> list[bool]:
        return [told["online"] for told in agent.of("presence") if told["conversationId"] == conversation]

    await agent.get("presence", 2)
    assert heard() == [False, True]


# --- who may -------------------------------------------------------------------------------------------------------


async def test_a_viewer_may_only_read(server) -> None:
    """Section 2, roles: a viewer sees everything and changes nothing."""
    client, conversation = await talk(server, "hi")
    viewer = await server.agent("eve", role="viewer")
    client.log.clear()
    named = {"conversationId": conversation}
    for event in ("admin_inbox", "admin_join", "admin_sync", "admin_leave"):
        assert (await viewer.ask(event, named))["ok"], event
    for event in set(AGENTS_EVENTS) - {"admin_inbox", "admin_join", "admin_sync", "admin_leave"}:
        ack = await viewer.ask(event, AGENTS_EVENTS[event] | named)
        assert (ack["ok"], ack["error"]) == (False, "FORBIDDEN"), event
    assert client.log == []


async def test_without_a_token_nothing_is_heard(server) -> None:
    """Section 3: agents' sockets join nothing and receive nothing before a valid token."""
    stranger = await server.agent_socket()
    client, conversation = await talk(server, "secret")
    for event, payload in AGENTS_EVENTS.items():
        ack = await stranger.ask(event, payload | {"conversationId": conversation})
        assert (ack["ok"], ack["error"]) == (False, "UNAUTHORIZED"), event
    await client.ask("visitor_message", {"bodyText": "secret too"})
    await (await server.agent()).ask("admin_note", {"conversationId": conversation, "bodyText": "secret note"})
    assert {name.partition(" ")[0] for name in stranger.names()} == {"ack"}
    assert "secret" not in stranger.everything()


@pytest.mark.parametrize("way", ["connect", "event", "event without ack"])
@pytest.mark.parametrize("kind", ["garbage", "expired", "disabled"])
async def test_tokens_that_do_not_open(server, kind: str, way: str) -> None:
    """Section 2: UNAUTHORIZED, TOKEN_EXPIRED, or FORBIDDEN where disabled wins over any token; nothing is joined."""
    token = {
        "garbage": server.token()[:-3] + "xyz",
        "expired": server.token(left_s=-40),
        "disabled": server.token("dora"),
    }[kind]
    await server.sql(
        "insert into agent (id, name, role, disabled) values ('dora', 'Dora', 'owner', true)"
        " on conflict (id) do update set disabled = true"
    )
    socket = await server.agent_socket(auth={"token": token} if way == "connect" else None)
    if way == "event":
        error = (await socket.ask("admin_auth", {"token": token}))["error"]
    else:
        if way != "connect":
            await socket.emit("admin_auth", {"token": token})
        error = (await socket.get("error"))[0]["error"]
    assert error == {"garbage": "UNAUTHORIZED", "expired": "TOKEN_EXPIRED", "disabled": "FORBIDDEN"}[kind]
    assert (await socket.ask("admin_inbox"))["error"] == "UNAUTHORIZED"
    assert socket.of("admin_authed") == []
    assert (await socket.ask("admin_auth", {"token": server.token()}))["ok"], "the next try may be right"


@pytest.mark.parametrize(
    "payload", [{}, {"token": 5}, {"token": None}, {"token": ""}, "token", {"token": "x" * 20_000}]
)
async def test_a_token_that_is_none(server, payload: Any) -> None:
    """Section 3: INVALID_INPUT or UNAUTHORIZED, never more than this event."""
    socket = await server.agent_socket()
    assert (await socket.ask("admin_auth", payload))["error"] in {"INVALID_INPUT", "UNAUTHORIZED"}
    for auth in ({"token": {"a": 1}}, {"token": ""}, {"other": 1}):
        other = await server.agent_socket(auth=auth)
        assert (await other.ask("admin_inbox"))["error"] == "UNAUTHORIZED"


async def test_authed_says_who_and_until_when(server) -> None:
    """Section 3: `admin_authed` `{ok, adminId, role, expiresAt}`, and the ack says the same."""
    socket = await server.agent_socket()
    ack = await socket.ask("admin_auth", {"token": server.token("ann", "admin")})
    (authed,) = await socket.get("admin_authed")
    assert ack == authed
    assert (ack["ok"], ack["adminId"], ack["role"], ack["name"]) == (True, "ann", "admin", "Ann")
    assert ack["expiresAt"].endswith("Z")


async def test_a_token_of_another_agent_leaves_what_the_first_had_joined(server) -> None:
    """`admin_auth` at any time: as somebody else, the socket hears nothing of what the first had joined."""
    client, conversation = await talk(server, "hi")
    agent = await joined(server, conversation)
    assert (await agent.ask("admin_auth", {"token": server.token("ann")}))["ok"]
    await client.ask("visitor_message", {"bodyText": "still heard"})
    await agent.get("message_new")
    assert (await agent.ask("admin_auth", {"token": server.token("bob")}))["ok"]
    await client.ask("visitor_message", {"bodyText": "not heard"})
    await agent.ask("admin_inbox")
    assert [message["bodyText"] for message in agent.of("message_new")] == ["still heard"]


async def test_sockets_without_a_valid_token_are_closed(serve) -> None:
    """Section 3: closed after the join deadline; a token's socket after its end and the grace; a refresh keeps it."""
    server = await serve(join_deadline_s=0.4)
    stranger = await server.agent_socket()
    ending = await server.agent_socket(auth={"token": server.token(left_s=-27)})
    kept = await server.agent_socket(auth={"token": server.token(left_s=-27)})
    await ending.get("admin_authed")
    assert (await kept.ask("admin_auth", {"token": server.token()}))["ok"]
    await stranger.get("disconnect")
    assert ending.connected
    await ending.get("disconnect")
    assert {name for name, _ in stranger.log} == {"disconnect"}
    assert (await kept.ask("admin_inbox"))["ok"]
