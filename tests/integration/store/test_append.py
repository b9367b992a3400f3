"""The append: numbers without holes, repeats once, closed conversations, on real PostgreSQL with two nodes.

Contract section 4, promises 1, 2, 3 and 6.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import uuid

import asyncpg
import pytest

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def database_url(module_database_url: str) -> str:
    """Each test makes conversations of its own."""
    return module_database_url


async def test_one_message(world, send) -> None:
    """Promise 2: the outcome says what is durable: id, seq, and the time that is stored."""
    conversation = await world.conversation()
    draft = world.draft(conversation, "hello", metadata='{"quickReplies": ["yes"]}')
    (outcome,) = await send(world.appender(), draft)
    (row,) = await world.messages(conversation)
    assert (outcome.kind, outcome.id, outcome.seq, outcome.reopened) == ("stored", draft.id, 1, False)
    assert (row["id"], row["client_id"], row["sender_id"]) == (draft.id, draft.client_id, "v")
    assert row["metadata"] == '{"quickReplies": ["yes"]}'
    assert outcome.created_at_ms == round(row["created_at"].timestamp() * 1000)
    assert row["created_at"].microsecond % 1000 == 0


async def test_two_nodes_number_without_a_hole(world, send) -> None:
    """Promise 1: 1, 2, 3 … in each conversation, whoever sends through whichever node, at the same time."""
    conversations = [await world.conversation() for _ in range(5)]
    nodes = [world.appender(batch_max=7), world.appender(batch_max=64)]
    chance = random.Random(1)

    async def client(name: int) -> list[tuple[str, str]]:
        sent = []
        for number in range(12):
            target = chance.choice(conversations)
            draft = world.draft(target, f"{name}/{number}", sender=f"v{name}")
            (outcome,) = await send(chance.choice(nodes), draft)
            assert outcome.kind == "stored"
            sent.append((target, draft.body_text))
        return sent

    sent = [item for items in await asyncio.gather(*(client(name) for name in range(20))) for item in items]
    for conversation in conversations:
        stored = await world.assert_whole(conversation)
        assert sorted(stored) == sorted(text for target, text in sent if target == conversation)
        for name in range(20):  # each client awaited its answers, so its own order is the order sent
            own = [text for text in stored if text.startswith(f"{name}/")]
            assert own == sorted(own, key=lambda text: int(text.split("/")[1]))


async def test_order_within_a_node_is_the_order_submitted(world, send) -> None:
    """One flight a process: what one socket sends without waiting is numbered in that order, over many batches."""
    conversation = await world.conversation()
    drafts = [world.draft(conversation, str(number)) for number in range(500)]
    outcomes = await send(world.appender(batch_max=33), *drafts)
    assert [outcome.seq for outcome in outcomes] == list(range(1, 501))
    assert await world.assert_whole(conversation) == [str(number) for number in range(500)]


async def test_a_repeat_within_a_batch(world, send) -> None:
    """Promise 3: the second of two equal client ids in one commit gets the first one's answer."""
    conversation = await world.conversation()
    first = world.draft(conversation, "first")
    again = world.draft(conversation, "again", client_id=first.client_id)
    other = world.draft(conversation, "other")
    outcomes = await send(world.appender(), first, again, other, again)
    assert [outcome.kind for outcome in outcomes] == ["stored", "duplicate", "stored", "duplicate"]
    assert [outcome.seq for outcome in outcomes] == [1, 1, 2, 1]
    assert {outcomes[1].id, outcomes[3].id} == {first.id}
    assert outcomes[1].created_at_ms == outcomes[0].created_at_ms
    assert await world.assert_whole(conversation) == ["first", "other"]


async def test_a_repeat_in_a_later_batch_and_through_another_node(world, send) -> None:
    """Promise 3: stored once, and the repeat's answer is the first: id, seq, time."""
    conversation = await world.conversation()
    one, two = world.appender(), world.appender()
    draft = world.draft(conversation)
    (first,) = await send(one, draft)
    await send(one, world.draft(conversation, "between"))
    for node in (one, two):
        (again,) = await send(node, draft._replace(id="another", body_text="edited"))
        assert (again.kind, again.id, again.seq, again.created_at_ms) == (
            "duplicate",
            first.id,
            first.seq,
            first.created_at_ms,
        )
    assert await world.assert_whole(conversation) == ["hello", "between"]


async def test_a_client_id_belongs_to_its_sender_and_conversation(world, send) -> None:
    """Promise 3: the same clientId of another sender, or in another conversation, is another message."""
    here, there = await world.conversation(), await world.conversation()
    client_id = str(uuid.uuid4())
    outcomes = await send(
        world.appender(),
        world.draft(here, client_id=client_id),
        world.draft(here, client_id=client_id, sender="ann", sender_type="admin"),
        world.draft(there, client_id=client_id),
    )
    assert [(outcome.kind, outcome.seq) for outcome in outcomes] == [("stored", 1), ("stored", 2), ("stored", 1)]


@pytest.mark.parametrize("ending", ["commit", "rollback"])
async def test_a_retry_through_another_node_while_the_first_commit_is_open(world, send, ending: str) -> None:
    """Promises 1 and 3: the resending node waits for the lock, then judges by what was committed."""
    conversation = await world.conversation()
    node, first_node = world.appender(), await world.connect()
    await send(node, world.draft(conversation, "earlier"))
    resent = [world.draft(conversation, f"resent {number}") for number in range(3)]
    again = [world.repeat(draft) for draft in resent]
    fresh = world.draft(conversation, "fresh")

    transaction = first_node.transaction()
    await transaction.start()
    first = await world.append_on(first_node, *resent)
    assert [(outcome.kind, outcome.seq) for outcome in first] == [("stored", 2), ("stored", 3), ("stored", 4)]

    retry = asyncio.create_task(send(node, again[0], fresh, again[1], again[2]))
    await world.until_blocked()
    assert not retry.done()
    await (transaction.commit() if ending == "commit" else transaction.rollback())
    outcomes = await retry

    if ending == "commit":
        assert [outcome.kind for outcome in outcomes] == ["duplicate", "stored", "duplicate", "duplicate"]
        assert [outcome.seq for outcome in outcomes] == [2, 5, 3, 4]
        expected = ["earlier", "resent 0", "resent 1", "resent 2", "fresh"]
    else:
        assert [outcome.kind for outcome in outcomes] == ["stored"] * 4
        assert [outcome.seq for outcome in outcomes] == [2, 3, 4, 5]
        expected = ["earlier", "resent 0", "fresh", "resent 1", "resent 2"]
    assert await world.assert_whole(conversation) == expected


async def test_the_statement_itself_waits_for_the_first_commit(world) -> None:
    """Architecture, group commit: lock, then a snapshot; no unique index has to fail for the right answer."""
    conversation = await world.conversation()
    first_node, second_node = await world.connect(), await world.connect()
    resent, fresh = world.draft(conversation, "resent"), world.draft(conversation, "fresh")
    transaction = first_node.transaction()
    await transaction.start()
    await world.append_on(first_node, resent)
    appending = asyncio.create_task(world.append_on(second_node, fresh, world.repeat(resent)))
    await world.until_blocked("%")
    await transaction.commit()
    outcomes = await appending
    assert [(outcome.kind, outcome.seq) for outcome in outcomes] == [("stored", 2), ("duplicate", 1)]


async def test_two_batches_over_the_same_conversations_cannot_deadlock(world, send) -> None:
    """Locks are taken in id order, whatever the order of the drafts."""
    conversations = [await world.conversation() for _ in range(8)]
    one, two = world.appender(), world.appender()
    forth = [world.draft(target, f"forth {number}") for number in range(10) for target in conversations]
    back = [world.draft(target, f"back {number}") for number in range(10) for target in reversed(conversations)]
    outcomes = await asyncio.gather(send(one, *forth), send(two, *back))
    assert {outcome.kind for batch in outcomes for outcome in batch} == {"stored"}
    for conversation in conversations:
        assert len(await world.assert_whole(conversation)) == 20


async def test_a_missing_conversation(world, send) -> None:
    """`missing` for what is not there, and the others of the batch go on."""
    conversation = await world.conversation()
    outcomes = await send(
        world.appender(), world.draft("nowhere"), world.draft(conversation), world.draft("nowhere either")
    )
    assert [outcome.kind for outcome in outcomes] == ["missing", "stored", "missing"]
    assert await world.assert_whole(conversation) == ["hello"]


async def test_a_visitor_reopens_within_the_window(world, send) -> None:
    """Promise 6: a visitor's message to their own closed conversation reopens it within `KEFU_REOPEN_HOURS`."""
    conversation = await world.conversation(closed_ago=23 * HOUR)
    outcomes = await send(world.appender(), world.draft(conversation, "a"), world.draft(conversation, "b"))
    assert [(outcome.kind, outcome.seq) for outcome in outcomes] == [("stored", 1), ("stored", 2)]
    assert outcomes[0].reopened
    row = await world.row(conversation)
    assert (row["status"], row["closed_at"], row["unread"]) == ("open", None, 2)


async def test_beyond_the_window_it_stays_closed(world, send) -> None:
    """Promise 6: later the conversation takes no more, and its row is not touched."""
    conversation = await world.conversation(closed_ago=25 * HOUR)
    before = await world.row(conversation)
    (outcome,) = await send(world.appender(), world.draft(conversation))
    assert outcome.kind == "closed"
    assert await world.row(conversation) == before


async def test_another_open_conversation_keeps_it_closed(world, send) -> None:
    """Promise 7: at most one not-closed conversation a visitor and site."""
    visitor = await world.visitor()
    closed = await world.conversation(visitor, closed_ago=HOUR)
    opened = await world.conversation(visitor)
    outcomes = await send(world.appender(), world.draft(closed), world.draft(opened))
    assert [outcome.kind for outcome in outcomes] == ["closed", "stored"]


@pytest.mark.parametrize("sender_type", ["admin", "system"])
async def test_only_the_visitor_reopens(world, send, sender_type: str) -> None:
    """Promise 6: an agent's message to a closed conversation is refused."""
    conversation = await world.conversation(closed_ago=dt.timedelta(minutes=1))
    (outcome,) = await send(world.appender(), world.draft(conversation, sender="ann", sender_type=sender_type))
    assert outcome.kind == "closed"


async def test_a_repeat_is_answered_though_the_conversation_was_closed_since(world, send) -> None:
    """Promises 3 and 6: the clientId is looked up first, then the status; a repeat reopens nothing."""
    conversation = await world.conversation()
    node, draft = world.appender(), world.draft(conversation)
    (first,) = await send(node, draft)
    for ago in (HOUR, 48 * HOUR):
        await world.sql(
            "update conversation set status = 'closed', closed_at = now() - $1::interval where id = $2",
            ago,
            conversation,
        )
        (again,) = await send(node, world.repeat(draft))
        assert (again.kind, again.seq, again.reopened) == ("duplicate", first.seq, False)
        assert (await world.row(conversation))["status"] == "closed"


async def test_two_closed_conversations_of_one_visitor_in_one_batch(world, send) -> None:
    """Promise 7: only one of them reopens; the other draft is answered as closed, neither as invalid."""
    visitor = await world.visitor()
    older, newer = [await world.conversation(visitor, closed_ago=HOUR) for _ in range(2)]
    outcomes = await send(world.appender(), world.draft(older), world.draft(newer))
    assert sorted(outcome.kind for outcome in outcomes) == ["closed", "stored"]
    statuses = {(await world.row(older))["status"], (await world.row(newer))["status"]}
    assert statuses == {"open", "closed"}


async def test_a_reopening_that_races_with_a_new_conversation(world, send) -> None:
    """Promise 7: who loses the race for the visitor's one open conversation hears `closed`, not `invalid`."""
    visitor = await world.visitor()
    closed = await world.conversation(visitor, closed_ago=HOUR)
    rival = await world.connect()
    transaction = rival.transaction()
    await transaction.start()
    await rival.execute("insert into conversation (id, visitor_id) values ('rival', $1)", visitor)
    sending = asyncio.create_task(send(world.appender(), world.draft(closed)))
    await world.until_blocked()
    await transaction.commit()
    (outcome,) = await sending
    assert outcome.kind == "closed"


async def test_a_message_touches_no_index_of_its_conversation(world) -> None:
    """ADR 8: the update of a conversation that has had a message lately makes no new index entries."""
    conversations = [await world.conversation() for _ in range(3)]
    node = await world.connect()
    await world.append_on(node, *(world.draft(conversation) for conversation in conversations))
    counted = (
        "select pg_stat_get_xact_tuples_updated(oid) as updated, pg_stat_get_xact_tuples_hot_updated(oid) as hot"
        " from pg_class where relname = 'conversation'"
    )
    async with node.transaction():  # the counts are this connection's own, not yet reported
        before = await node.fetchrow(counted)
        await world.append_on(node, *(world.draft(conversation) for conversation in conversations))
        await world.append_on(node, world.draft(conversations[0]))
        after = await node.fetchrow(counted)
    assert after["updated"] - before["updated"] == after["hot"] - before["hot"] == 4


@pytest.mark.parametrize("ending", ["commit", "rollback"])
async def test_a_single_retry_while_the_first_commit_is_open(world, ending: str) -> None:
    """Promises 1 and 3, for the short way of one draft: it waits for the lock, then sees what was committed."""
    conversation = await world.conversation()
    first_node, second_node = await world.connect(), await world.connect()
    draft = world.draft(conversation)
    transaction = first_node.transaction()
    await transaction.start()
    await world.append_on(first_node, draft)
    retry = asyncio.create_task(world.append_on(second_node, world.repeat(draft)))
    await world.until_blocked("%")
    await (transaction.commit() if ending == "commit" else transaction.rollback())
    (outcome,) = await retry
    assert (outcome.kind, outcome.seq) == ("duplicate" if ending == "commit" else "stored", 1)
    assert await world.assert_whole(conversation) == ["hello"]


async def test_a_conversation_that_is_closed_while_a_single_message_waits(world) -> None:
    """Promise 6: the status counts as it is under the lock, not as it was when the message came."""
    conversation = await world.conversation()
    closer, node = await world.connect(), await world.connect()
    transaction = closer.transaction()
    await transaction.start()
    await closer.execute(
        "update conversation set status = 'closed', closed_at = now() - interval '2 days' where id = $1", conversation
    )
    sending = asyncio.create_task(world.append_on(node, world.draft(conversation)))
    await world.until_blocked("%")
    await transaction.commit()
    (outcome,) = await sending
    assert outcome.kind == "closed"
    assert await world.assert_whole(conversation) == []


async def test_a_conversation_with_messages_cannot_be_deleted(world, send) -> None:
    """ADR 8: no message is left without its conversation, even one that is being committed."""
    full, empty = await world.conversation(), await world.conversation()
    node, deleter = await world.connect(), await world.connect()
    transaction = node.transaction()
    await transaction.start()
    await world.append_on(node, world.draft(full))
    deleting = asyncio.create_task(deleter.execute("delete from conversation where id = $1", full))
    await world.until_blocked("%")
    await transaction.commit()
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await deleting
    await deleter.execute("delete from conversation where id = $1", empty)
    (outcome,) = await send(world.appender(), world.draft(empty))
    assert outcome.kind == "missing"
    assert await world.assert_whole(full) == ["hello"]
