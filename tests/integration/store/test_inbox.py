"""The inbox: tabs, pages and what changed since a mark (contract section 4, promises 5 and 7)."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.store.database import Database, make_engine
from kefu.store.queries import conversations, inbox
from kefu.store.queries.inbox import BadCursorError


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AsyncConnection]:
    """Each statement its own transaction, as one request after the other would have it."""
    engine = make_engine(database_url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as made:
        yield made
    await engine.dispose()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """As a node has it."""
    opened = Database(database_url)
    yield opened
    await opened.close()


def ids(rows) -> list[str]:
    return [row.conversation_id for row in rows]


async def ask_since(connection: AsyncConnection, mark: str, limit: int = 50) -> tuple[list[str], str]:
    """As a console does: the new mark first, then every page."""
    new_mark = await inbox.mark(connection)
    found, cursor = [], None
    while True:
        page = await inbox.since(connection, "default", mark, limit, cursor=cursor)
        found += ids(page.rows)
        cursor = page.cursor
        if not page.more:
            return found, new_mark


async def test_tabs(world, send, connection, database) -> None:
    """Each tab holds its conversations, newest activity first, and its count."""
    node = world.appender()
    await world.agent("ann")
    await world.agent("bob", "Bob")
    mine, theirs, nobodys, closed = [await world.conversation() for _ in range(4)]
    empty = await world.conversation()
    for conversation in (mine, theirs, nobodys, closed):
        await send(node, world.draft(conversation))
        await asyncio.sleep(0.002)  # activity is told apart by the millisecond
    await conversations.set_assignee(connection, mine, "ann")
    await conversations.set_assignee(connection, theirs, "bob")
    await conversations.set_closed(connection, closed)

    async def tab(name: str) -> list[str]:
        return ids((await inbox.page(connection, "default", "ann", name, cursor=None, limit=10)).rows)

    assert await tab("mine") == [mine]
    assert await tab("unassigned") == [nobodys]
    assert await tab("all") == [nobodys, theirs, mine]
    assert await tab("closed") == [closed]
    counts = await inbox.counts(connection, "default", "ann")
    assert (counts.mine, counts.unassigned, counts.all, counts.closed) == (1, 1, 3, 1)
    assert ids([found.row for found in await inbox.some(database, [mine, empty, "nowhere"])]) == [mine]
    row = await inbox.one(connection, mine)
    assert row is not None
    assert (row.assigned_to, row.assignee_name, row.unread, row.preview) == ("ann", "Ann", 1, "hello")
    assert await inbox.one(connection, "nowhere") is None


async def test_paging_loses_and_doubles_nothing(world, send, connection) -> None:
    """Pages by cursor hold every conversation once, those of the same millisecond included."""
    node = world.appender()
    made = [await world.conversation() for _ in range(23)]
    for start in range(0, 23, 6):
        await send(node, *(world.draft(conversation) for conversation in made[start : start + 6]))
    times = await world.sql("select count(distinct last_message_at) as n from conversation")
    assert times[0]["n"] < 23, "this test is about ties"
    for limit in (1, 4, 5, 23, 24):
        found, cursor = [], None
        while True:
            page = await inbox.page(connection, "default", "ann", "all", cursor=cursor, limit=limit)
            found += [(row.last_message_at, row.conversation_id) for row in page.rows]
            assert len(page.rows) <= limit
            cursor = page.cursor
            if not page.more:
                break
        assert sorted(made) == sorted(conversation for _, conversation in found)
        assert found == sorted(found, reverse=True)


async def test_since_misses_nothing_that_was_in_flight(world, send, connection) -> None:
    """Promise 5: a transaction open across two asks is in the answer to the mark of the first."""
    node = world.appender()
    early, slow, later = [await world.conversation() for _ in range(3)]
    await send(node, world.draft(early))
    _, start = await ask_since(connection, "0")

    writer = await world.connect()
    transaction = writer.transaction()
    await transaction.start()
    await world.append_on(writer, world.draft(slow))  # has its transaction id now, commits after the next ask
    await send(node, world.draft(later))

    found, mark = await ask_since(connection, start)
    assert later in found
    assert slow not in found
    await transaction.commit()
    found, mark = await ask_since(connection, mark)
    assert slow in found
    found, _ = await ask_since(connection, mark)
    assert slow not in found, "once nothing older is in flight the mark moves on"


async def test_since_answers_every_kind_of_write(world, send, connection) -> None:
    """Promise 5: every write stamps the conversation: message, note, read, assign, close, reopen."""
    await world.agent()
    conversation = await world.conversation()
    await send(world.appender(), world.draft(conversation))
    writes = {
        "assign": conversations.set_assignee(connection, conversation, "ann"),
        "read by agents": conversations.mark_read_by_agents(connection, conversation, 1),
        "read by visitor": conversations.mark_read_by_visitor(connection, conversation, 1),
        "close": conversations.set_closed(connection, conversation),
        "open": conversations.set_open(connection, conversation),
    }
    for what, write in writes.items():
        mark = await inbox.mark(connection)
        assert (await ask_since(connection, mark))[0] == [], what
        await write
        assert (await ask_since(connection, mark))[0] == [conversation], what


async def test_pages_of_since_with_ties(world, send, connection) -> None:
    """What one transaction wrote is never split between pages, so no page boundary can lose a conversation."""
    node = world.appender()
    made = [await world.conversation() for _ in range(12)]
    mark = await inbox.mark(connection)
    for group in (made[:5], made[5:6], made[6:]):
        await send(node, *(world.draft(conversation) for conversation in group))
    for limit in (1, 2, 5, 6, 11, 12, 13):
        found, _ = await ask_since(connection, mark, limit)
        assert sorted(found) == sorted(made), f"limit {limit}"
    page = await inbox.since(connection, "default", mark, 2)
    assert sorted(ids(page.rows)) == sorted(made[:5])
    assert page.more


async def test_nobodys_inbox_holds_an_empty_conversation(world, connection) -> None:
    """Promise 7: one without a message is in nobody's inbox."""
    await world.conversation()
    assert (await inbox.page(connection, "default", "ann", "all", cursor=None, limit=5)).rows == ()
    assert (await ask_since(connection, "0"))[0] == []
    assert (await inbox.counts(connection, "default", "ann")).all == 0


def forged(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


async def test_forged_cursors_and_marks_are_refused(connection) -> None:
    """What is none of ours is the client's mistake, never a failure of the database."""
    times = ("no time|c", "2026-01-01T00:00:00|c", "2026-01-01T00:00:00Z|\x00")
    for cursor in ("", "x", "!!!!", "你", *map(forged, times)):
        with pytest.raises(BadCursorError):
            await inbox.page(connection, "default", "ann", "all", cursor=cursor, limit=5)
    for mark in ("", "-1", "1.5", "x", "٣", str(2**63), "9" * 5000):
        with pytest.raises(BadCursorError):
            await inbox.since(connection, "default", mark, 5)
        with pytest.raises(BadCursorError):
            await inbox.since(connection, "default", "0", 5, cursor=mark)


async def test_a_mark_of_another_time_is_harmless(world, send, connection) -> None:
    """A mark from the future answers nothing, one from the beginning everything."""
    conversation = await world.conversation()
    await send(world.appender(), world.draft(conversation))
    assert (await ask_since(connection, str(2**62)))[0] == []
    assert (await ask_since(connection, "0"))[0] == [conversation]


async def test_order_and_pages_over_many_slots(world, connection) -> None:
    """ADR 8: slots lead to the rows; order, pages and cursors are those of the exact times and transactions."""
    chance = random.Random(5)
    made = [await world.conversation() for _ in range(60)]
    for conversation in made:
        await world.sql(
            "update conversation set seq = 1, last_message_at = timestamptz '2026-01-01 00:00:00.123+00'"
            " + $2 * interval '1 minute', version = $3::text::xid8 where id = $1",
            conversation,
            chance.randint(0, 60),
            str(chance.randint(1, 5) * 4096 + chance.randint(-2, 2)),
        )
    expected = [
        (row["id"], int(row["version"]))
        for row in await world.sql(
            "select id, version::text as version from conversation where seq > 0 order by last_message_at desc, id desc"
        )
    ]
    found, cursor = [], None
    while True:
        page = await inbox.page(connection, "default", "ann", "all", cursor=cursor, limit=7)
        found += ids(page.rows)
        cursor = page.cursor
        if not page.more:
            break
    assert found == [conversation for conversation, _ in expected]
    for start in (0, 4094, 4095, 4096, 4097, 3 * 4096 - 1, 3 * 4096 + 1, 5 * 4096 + 3):
        written = await inbox.versions(connection, "default", start, 1000)
        assert sorted(written) == sorted(row for row in expected if row[1] >= start)
        assert [version for _, version in written] == sorted(version for _, version in written)
        listed = await inbox.since(connection, "default", str(start), 1000)
        assert sorted(ids(listed.rows)) == sorted(conversation for conversation, _ in written)
    assert (await inbox.counts(connection, "default", "ann")).all == 60
