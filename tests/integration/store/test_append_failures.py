"""The append when something fails: poisoned drafts, lost connections, deadlines, a full queue, the end."""

from __future__ import annotations

import asyncio
import time

import pytest

from kefu.store.append import QueueFullError
from kefu.store.crowding import Crowding
from kefu.store.queries.append import SEPARATOR

NOWHERE = "postgresql://chatapp:secret@127.0.0.1:1/none"


@pytest.fixture
def database_url(module_database_url: str) -> str:
    """Each test makes conversations of its own."""
    return module_database_url


async def test_a_poisoned_draft_fails_alone(world, send) -> None:
    """Architecture, group commit: a statement error is bisected; the others are stored in order without a hole."""
    one, two = await world.conversation(), await world.conversation()
    drafts = [world.draft(one if number % 3 else two, str(number)) for number in range(40)]
    poisoned = {
        5: drafts[5]._replace(body_text="nul\x00byte"),
        11: drafts[11]._replace(metadata="{no json"),
        12: drafts[12]._replace(body_text="\ud800"),
        23: drafts[23]._replace(metadata='"\\u0000"'),
        39: drafts[39]._replace(sender_type="nobody"),
    }
    outcomes = await send(world.appender(), *(poisoned.get(number, draft) for number, draft in enumerate(drafts)))
    kinds = [outcome.kind for outcome in outcomes]
    assert kinds == ["invalid" if number in poisoned else "stored" for number in range(40)]
    good = [number for number in range(40) if number not in poisoned]
    assert await world.assert_whole(one) == [str(number) for number in good if number % 3]
    assert await world.assert_whole(two) == [str(number) for number in good if not number % 3]


async def test_a_value_that_holds_the_separator_is_stored_as_it_is(world, send) -> None:
    """It cannot move a column of its own or of anybody else's draft: the batch is bisected until it is alone."""
    conversation = await world.conversation()
    odd = f"a{SEPARATOR}b"
    drafts = [world.draft(conversation, str(number)) for number in range(12)]
    drafts[3] = drafts[3]._replace(body_text=odd)
    drafts[4] = drafts[4]._replace(client_id=odd)
    drafts[7] = drafts[7]._replace(body_text=odd, client_id=SEPARATOR, id=f"{SEPARATOR}{conversation}")
    outcomes = await send(world.appender(), *drafts)
    assert [outcome.kind for outcome in outcomes] == ["stored"] * 12
    assert await world.assert_whole(conversation) == [draft.body_text for draft in drafts]
    stored = await world.sql("select client_id, id from message where conversation_id = $1 order by seq", conversation)
    assert [tuple(row) for row in stored] == [(draft.client_id, draft.id) for draft in drafts]


async def test_metadata_of_some(world, send) -> None:
    """Within a batch, and of one alone."""
    conversation, node = await world.conversation(), world.appender()
    metadata = [None, '{"a": "\\u001f"}', None, "[]"]
    await send(node, *(world.draft(conversation)._replace(metadata=text) for text in metadata))
    await send(node, world.draft(conversation)._replace(metadata="7"))
    stored = await world.sql("select metadata::text from message where conversation_id = $1 order by seq", conversation)
    assert [row["metadata"] for row in stored] == [*metadata, "7"]


async def test_a_connection_killed_in_flight(world, send) -> None:
    """Promises 2 and 3: outcome unknown, so the batch runs again on a new connection; stored exactly once."""
    conversation = await world.conversation()
    node, blocker = world.appender(), await world.connect()
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("select 1 from conversation where id = $1 for update", conversation)
    sending = asyncio.create_task(send(node, *(world.draft(conversation, str(number)) for number in range(5))))
    for _ in range(2):
        (pid,) = await world.until_blocked()
        await world.sql("select pg_terminate_backend($1)", pid)
        await asyncio.sleep(0.02)
    await transaction.rollback()
    outcomes = await sending
    assert [outcome.seq for outcome in outcomes] == [1, 2, 3, 4, 5]
    assert await world.assert_whole(conversation) == ["0", "1", "2", "3", "4"]


async def test_an_answer_lost_after_the_commit(world, send, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown outcome that was a commit counts as stored, so that it is published; a client's repeat does not."""
    conversation = await world.conversation()
    node = world.appender()
    before = world.draft(conversation, "before")
    await send(node, before)
    commit = node._commit

    async def lose(batch: object) -> None:
        monkeypatch.undo()
        await commit(batch)
        raise ConnectionResetError

    monkeypatch.setattr(node, "_commit", lose)
    outcomes = await send(node, world.draft(conversation, "lost"), before._replace(id="repeat"))
    assert [(outcome.kind, outcome.seq) for outcome in outcomes] == [("stored", 2), ("duplicate", 1)]
    assert await world.assert_whole(conversation) == ["before", "lost"]


async def test_what_arrives_while_a_flight_is_blocked_is_stored_after_it(world, send) -> None:
    """While a commit is in flight the next batch collects: one commit for all of it, in order."""
    conversation = await world.conversation()
    node, blocker = world.appender(), await world.connect()
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("select 1 from conversation for update")
    first = asyncio.create_task(send(node, world.draft(conversation, "first")))
    await world.until_blocked()
    rest = [asyncio.create_task(send(node, world.draft(conversation, str(number)))) for number in range(50)]
    await asyncio.sleep(0.05)
    await transaction.rollback()
    await asyncio.gather(first, *rest)
    assert await world.assert_whole(conversation) == ["first", *map(str, range(50))]
    writers = await world.sql(
        "select count(distinct xmin::text) as count from message where conversation_id = $1", conversation
    )
    assert writers[0]["count"] == 2


async def test_unavailable_after_the_deadline(world, send) -> None:
    """Promise 9: without a database every draft comes to `unavailable`, those that waited behind included."""
    node = world.appender(NOWHERE, deadline_ms=300, batch_max=4)
    began = time.monotonic()
    outcomes = await send(node, *(world.draft("c", str(number)) for number in range(40)))
    assert {outcome.kind for outcome in outcomes} == {"unavailable"}
    assert 0.25 < time.monotonic() - began < 3


async def test_a_database_that_hangs_keeps_nobody_much_longer_than_the_deadline(world, send) -> None:
    """Promise 9: drafts that waited past their deadline are answered without another attempt each."""
    silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    node = world.appender(f"postgresql://chatapp:secret@127.0.0.1:{port}/none", deadline_ms=300, batch_max=2)
    began = time.monotonic()
    outcomes = await send(node, *(world.draft("c", str(number)) for number in range(40)))
    silent.close()
    assert {outcome.kind for outcome in outcomes} == {"unavailable"}
    assert time.monotonic() - began < 1.5


async def test_a_lock_held_longer_than_the_deadline(world, send) -> None:
    """What was answered `unavailable` is not stored behind the sender's back once its repeat is: at most once."""
    conversation = await world.conversation()
    node, blocker = world.appender(deadline_ms=300), await world.connect()
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("select 1 from conversation for update")
    draft = world.draft(conversation)
    (outcome,) = await send(node, draft)
    assert outcome.kind == "unavailable"
    await transaction.rollback()
    (again,) = await send(node, draft)
    assert again.kind in {"stored", "duplicate"}
    assert await world.assert_whole(conversation) == ["hello"]


async def test_it_recovers_by_itself(world, send, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 9: when the database is back within the deadline nobody notices but by the wait."""
    conversation = await world.conversation()
    node = world.appender()
    monkeypatch.setattr(node, "_url", NOWHERE)
    sending = asyncio.create_task(send(node, world.draft(conversation)))
    await asyncio.sleep(0.15)
    assert not sending.done()
    monkeypatch.setattr(node, "_url", world.url)
    (outcome,) = await sending
    assert outcome.kind == "stored"


async def test_a_full_queue(world, send) -> None:
    """Beyond `queue_max` a draft is refused at once, none is forgotten, and later ones are taken again."""
    conversation = await world.conversation()
    node, blocker = world.appender(queue_max=3, batch_max=1), await world.connect()
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("select 1 from conversation for update")
    waiting = asyncio.create_task(send(node, world.draft(conversation, "in flight")))
    await world.until_blocked()
    queued = [asyncio.create_task(send(node, world.draft(conversation, str(number)))) for number in range(3)]
    await asyncio.sleep(0.02)
    with pytest.raises(QueueFullError):
        node.submit(world.draft(conversation), lambda _: None)
    await transaction.rollback()
    await asyncio.gather(waiting, *queued)
    await send(node, world.draft(conversation, "later"))
    assert await world.assert_whole(conversation) == ["in flight", "0", "1", "2", "later"]


async def test_close_drains(world) -> None:
    """What was submitted comes to its outcome before `close` returns; afterwards nothing is taken."""
    conversation = await world.conversation()
    node, outcomes = world.appender(batch_max=10), []
    for number in range(95):
        node.submit(world.draft(conversation, str(number)), outcomes.append)
    await node.close()
    assert [outcome.seq for outcome in outcomes] == list(range(1, 96))
    with pytest.raises(QueueFullError):
        node.submit(world.draft(conversation), outcomes.append)
    await node.close()
    left = await world.sql(
        "select 1 from pg_stat_activity where datname = current_database() and application_name = 'kefu append'"
    )
    assert left == []


async def test_a_listener_that_fails_does_not_silence_the_others(world, send) -> None:
    """Each draft's outcome is told, whatever another one's listener does."""
    conversation = await world.conversation()
    node, heard = world.appender(), []

    def fails(_: object) -> None:
        raise RuntimeError("a bug above")

    node.submit(world.draft(conversation), fails)
    node.submit(world.draft(conversation), heard.append)
    await send(node, world.draft(conversation))
    assert [outcome.seq for outcome in heard] == [2]


async def test_an_unexpected_error_of_the_driver_leaves_nobody_waiting(
    world, send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the driver raises, every draft gets an outcome: the flight tries again until the deadline."""
    conversation = await world.conversation()
    node = world.appender(deadline_ms=2000)
    await send(node, world.draft(conversation, "before"))

    async def broken(_: object) -> None:
        monkeypatch.undo()
        raise EOFError("something new in the driver")

    monkeypatch.setattr(node, "_commit", broken)
    (outcome,) = await send(node, world.draft(conversation, "after"))
    assert outcome.kind in {"stored", "duplicate"}
    assert await world.assert_whole(conversation) == ["before", "after"]


async def test_outcomes_do_not_wait_for_the_next_commit(world) -> None:
    """ADR 8: what is committed is told while the next batch is under way, in the order of the commits."""
    free, held = await world.conversation(), await world.conversation()
    node, blocker, told = world.appender(batch_max=1), await world.connect(), []
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("select 1 from conversation where id = $1 for update", held)
    for conversation, body in ((free, "1"), (held, "2"), (free, "3")):
        draft = world.draft(conversation, body)
        node.submit(draft, lambda outcome, body=body: told.append((body, outcome.kind)))
    await world.until_blocked()
    await asyncio.sleep(0.02)
    assert told == [("1", "stored")]
    await transaction.rollback()
    await node.close()
    assert told == [("1", "stored"), ("2", "stored"), ("3", "stored")]


async def test_while_the_processor_is_short_commits_are_fewer(world) -> None:
    """What comes during a pause shares one commit; who was stored before it need not wait for its end."""
    conversation = await world.conversation()
    crowding = Crowding(iter([(0, 0), (0, 15 * 10**6)]).__next__)
    crowding.pause_s()
    node, told = world.appender(batch_max=1, crowding=crowding), []

    for body in ("1", "2"):
        draft = world.draft(conversation, body)
        node.submit(draft, lambda outcome, body=body: told.append((body, outcome.kind, node.waiting)))
    await node.close()
    assert told == [("1", "stored", 1), ("2", "stored", 0)], "the second waited for others, the first did not"
    assert await world.assert_whole(conversation) == ["1", "2"]
