"""What a hello asks and makes in one statement (contract section 4, promises 7 and 8)."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import pytest

from kefu.store.database import UNREACHABLE, Database
from kefu.store.queries import hello
from kefu.store.queries.hello import Newcomer, Opened

SITE = "default"
DAY = dt.timedelta(hours=24)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    made = Database(database_url, pool_max=4)
    yield made
    await made.close()


async def made(database: Database, visitor_id: str, session_hash: bytes | None) -> Opened | None:
    newcomer = Newcomer(visitor_id, session_hash, b"token of " + visitor_id.encode(), {"name": "Xiao Ming"})
    return await hello.create(database, SITE, newcomer, {"entry_url": "https://shop.example/shoes"})


async def test_a_newcomer_and_their_conversation_are_made_together(world, database) -> None:
    """Of hellos with one session that come at once one makes both, and the others make nothing."""
    opened = [one for one in await asyncio.gather(*(made(database, f"n{n}", b"at once") for n in range(6))) if one]
    (visitor,) = await world.sql("select * from visitor where session_hash = $1", b"at once")
    (conversation,) = await world.sql("select * from conversation where visitor_id = $1", visitor["id"])
    assert (visitor["name"], visitor["locale"], visitor["token_seen"]) == ("Xiao Ming", None, False)
    assert (conversation["entry_url"], conversation["referrer"]) == ("https://shop.example/shoes", None)
    found = await hello.recognise(database, SITE, None, b"at once", {})
    assert found == (visitor["id"], opened[0])
    assert len(opened) == 1
    assert await made(database, "weak 1", None) != await made(database, "weak 2", None)


async def test_the_token_wins_and_closes_the_session_for_good(world, database) -> None:
    """Who has presented a token is found by it alone; a token that is nobody's opens nothing."""
    mine, other = await made(database, "mine", b"session"), await made(database, "other", b"other session")
    assert await hello.recognise(database, SITE, b"nobody's", b"unknown", {}) is None
    assert await hello.recognise(database, SITE, None, None, {}) is None
    assert await hello.recognise(database, SITE, b"nobody's", b"session", {}) == ("mine", mine)
    assert not (await world.sql("select token_seen from visitor where id = 'mine'"))[0]["token_seen"]
    assert await hello.recognise(database, SITE, b"token of mine", b"other session", {}) == ("mine", mine)
    assert await hello.recognise(database, SITE, None, b"session", {}) is None
    assert await hello.recognise(database, SITE, None, b"other session", {}) == ("other", other)
    assert await hello.recognise(database, "another site", None, b"other session", {}) is None


async def test_what_a_hello_says_is_noted_and_the_rest_stays(world, database) -> None:
    """A name that is not said again is kept; the visitor was seen now."""
    await made(database, "mine", b"session")
    await world.sql("update visitor set last_seen_at = now() - interval '2 days'")
    await hello.recognise(database, SITE, None, b"session", {"email": "ming@shop.example", "locale": "zh-CN"})
    (visitor,) = await world.sql("select *, now() - last_seen_at as ago from visitor")
    assert (visitor["name"], visitor["email"], visitor["locale"]) == ("Xiao Ming", "ming@shop.example", "zh-CN")
    assert visitor["ago"] < DAY


async def test_the_latest_conversation_comes_with_its_agent(world, database) -> None:
    """The open one, else the one that was closed last, else none; other visitors' are not theirs."""
    visitor = await world.visitor()
    await world.conversation()
    await world.sql("update visitor set token_hash = $1 where id = $2", b"t", visitor)
    assert await hello.recognise(database, SITE, b"t", None, {}) == (visitor, None)
    await world.conversation(visitor, closed_ago=3 * DAY)
    newer = await world.conversation(visitor, closed_ago=DAY)
    await world.conversation(visitor, closed_ago=2 * DAY)
    await world.sql("insert into agent (id, name, role) values ('a1', 'Li Na', 'agent')")
    await world.sql("update conversation set assigned_to = 'a1' where id = $1", newer)
    found = await hello.recognise(database, SITE, b"t", None, {})
    assert found is not None
    assert found[1] is not None
    assert (found[1].id, found[1].status, found[1].agent_name) == (newer, "closed", "Li Na")
    assert found[1].closed_at is not None
    opened = await world.conversation(visitor)
    found = await hello.recognise(database, SITE, b"t", None, {})
    assert found is not None
    assert found[1] is not None
    assert (found[1].id, found[1].status, found[1].agent_name) == (opened, "open", None)


async def test_a_connection_that_broke_is_not_used_again(world, database) -> None:
    """The hello that meets it fails; the next one gets a new connection."""
    assert await database.fetch_row("select 1") is not None
    await world.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
        " and datname = current_database() and application_name = 'kefu'"
    )
    with pytest.raises(UNREACHABLE):
        await database.fetch_row("select 1")
    row = await database.fetch_row("select 1 as one")
    assert row is not None
    assert row["one"] == 1
