"""Queries on one conversation, where another transaction is in the way."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.elements import BindParameter

from kefu.store.database import make_engine
from kefu.store.queries import agents, conversations, messages, visitors
from kefu.tokens import AgentClaims

DAY = dt.timedelta(hours=24)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = make_engine(database_url)
    yield made
    await made.dispose()


async def test_a_message_that_arrives_while_agents_read_stays_unread(world, send, engine) -> None:
    """A read mark says what was seen: a message committed while it waits for the row is unread afterwards."""
    conversation = await world.conversation()
    await send(world.appender(), *(world.draft(conversation) for _ in range(2)))
    other = await world.connect()
    transaction = other.transaction()
    await transaction.start()
    await world.append_on(other, world.draft(conversation, "while reading"))

    async def read() -> int | None:
        async with engine.begin() as connection:
            return await conversations.mark_read_by_agents(connection, conversation, 2)

    reading = asyncio.create_task(read())
    await world.until_blocked("%")
    await transaction.commit()
    assert await reading == 2
    row = await world.row(conversation)
    assert (row["seq"], row["agent_read_seq"], row["unread"]) == (3, 2, 1)


async def test_create_or_get_under_a_race(world, engine) -> None:
    """Promise 7: at most one not-closed conversation a visitor and site; hello and first message are create-or-get."""
    visitor = await world.visitor()

    async def open_one() -> tuple[bool, str]:
        async with engine.begin() as connection:
            made = await conversations.create(connection, visitor, "default", {"entry_url": "https://shop.example"})
            found = await conversations.latest_of_visitor(connection, visitor, "default")
            assert found is not None
            assert made in {None, found}
            return made is not None, found.id

    opened = await asyncio.gather(*(open_one() for _ in range(8)))
    assert [made for made, _ in opened].count(True) == 1
    assert len({conversation for _, conversation in opened}) == 1


async def test_the_latest_conversation_of_a_visitor(world, engine) -> None:
    """The open one, else the one that was closed last, else none; other visitors' are not his."""
    visitor = await world.visitor()
    await world.conversation()
    async with engine.connect() as connection:
        assert await conversations.latest_of_visitor(connection, visitor, "default") is None
    old = await world.conversation(visitor, closed_ago=3 * DAY)
    newer = await world.conversation(visitor, closed_ago=DAY)
    await world.conversation(visitor, closed_ago=2 * DAY)
    async with engine.connect() as connection:
        found = await conversations.latest_of_visitor(connection, visitor, "default")
        assert found is not None
        assert found.id == newer != old
    opened = await world.conversation(visitor)
    async with engine.connect() as connection:
        found = await conversations.latest_of_visitor(connection, visitor, "default")
        assert found is not None
        assert found.id == opened


async def test_two_hellos_with_one_session_make_one_visitor(world, engine) -> None:
    """Promise 8: a session id is one visitor, however many tabs say hello at once."""

    async def make(number: int) -> bool:
        async with engine.begin() as connection:
            return await visitors.create(connection, newcomer(f"v{number}", b"session"))

    assert sorted(await asyncio.gather(*(make(number) for number in range(6)))) == [False] * 5 + [True]
    async with engine.begin() as connection:
        assert await visitors.create(connection, newcomer("weak 1", None))
        assert await visitors.create(connection, newcomer("weak 2", None))


def newcomer(visitor_id: str, session_hash: bytes | None) -> dict[str, object]:
    return visitors.newcomer(visitor_id, "default", session_hash, visitor_id.encode(), {"name": "Xiao Ming"})


async def test_pages_hold_at_most_256_kib(world, send, engine) -> None:
    """Section 3, `message_history`: at most 50 messages and 256 KiB; never an empty page where there is a message."""
    conversation = await world.conversation()
    await send(world.appender(), *(world.draft(conversation, "字" * 4000) for _ in range(60)))
    async with engine.connect() as connection:
        page = await messages.newest(connection, conversation, 50)
        assert sum(len(message.body_text.encode()) for message in page.messages) <= 256 * 1024
        assert page.more
        assert [message.seq for message in page.messages] == list(range(61 - len(page.messages), 61))
        seen, after = [], 0
        while True:
            page = await messages.after(connection, conversation, after, 200)
            seen += [message.seq for message in page.messages]
            if not page.more:
                break
            after = seen[-1]
        assert seen == list(range(1, 61))


async def test_expiry_takes_only_what_is_old_and_empty(world, send, engine) -> None:
    """Promise 7: a conversation without a message is deleted after 24 h, with a visitor who has nothing else."""
    empty_old, empty_new, used = [await world.conversation() for _ in range(3)]
    noted = await world.conversation()
    await send(world.appender(), world.draft(used))
    await world.agent()
    await world.sql("insert into note values ($1, 1, 'n', 'default', 0, 'ann', 'c', 'text')", noted)
    await world.sql("update conversation set note_seq = 1 where id = $1", noted)
    await world.sql("update conversation set created_at = now() - interval '25 hours' where id <> $1", empty_new)
    await world.sql("update visitor set last_seen_at = now() - interval '25 hours'")
    async with engine.begin() as connection:
        assert await conversations.delete_empty(connection, DAY) == 1
    left = {row["id"] for row in await world.sql("select id from conversation")}
    assert left == {empty_new, used, noted}
    assert empty_old not in left
    assert (await world.sql("select count(*) as n from visitor"))[0]["n"] == 3


async def test_expiry_passes_by_a_conversation_that_is_being_written(world, send, engine) -> None:
    """A first message that is just being committed is never lost to the expiry."""
    conversation = await world.conversation()
    await world.sql("update conversation set created_at = now() - interval '25 hours'")
    other = await world.connect()
    transaction = other.transaction()
    await transaction.start()
    await world.append_on(other, world.draft(conversation))
    async with engine.begin() as connection:
        await connection.execute(sa.text("set local lock_timeout = '2s'"))
        assert await conversations.delete_empty(connection, DAY) == 0
    await transaction.commit()
    assert await world.assert_whole(conversation) == ["hello"]


async def test_what_is_asked_all_the_time_leaves_nothing_to_collect(engine) -> None:
    async with engine.connect() as connection:
        gc.collect()
        gc.disable()
        try:
            counts = []
            for _ in range(3):
                await conversations.tops(connection, ["c1", "c2"])
                await conversations.written(connection, ["c1", "c2"], 1, also=["c3"])
                await agents.disabled_among(connection, {"ann", "bob"})
                await agents.ensure_agent(connection, AgentClaims("ann", "agent", "Ann", 0))
                counts.append(sum(isinstance(one, BindParameter | sa.Column) for one in gc.get_objects()))
        finally:
            gc.enable()
    assert len(set(counts[1:])) == 1
