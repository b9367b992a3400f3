"""A small world in a fresh database: visitors, agents, conversations, and what is really stored."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import asyncpg
import pytest

from databases import execute, sibling
from kefu.chat.messages import Draft
from kefu.store.append import Appender
from kefu.store.batch import Outcome
from kefu.store.ids import new_id
from kefu.store.queries.append import append

REOPEN = dt.timedelta(hours=24)

_databases = itertools.count(1)

Record = asyncpg.Record
Connection = asyncpg.Connection


class World:
    """Makes rows and reads them back on its own connections, past everything that is under test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.reopen = REOPEN
        self._open: list[Connection[Record]] = []
        self._appenders: list[Appender] = []
        self._main: Connection[Record] | None = None

    async def connect(self) -> Connection[Record]:
        connection = await asyncpg.connect(self.url)
        self._open.append(connection)
        return connection

    async def sql(self, statement: str, *args: Any) -> list[Record]:
        if self._main is None or self._main.is_closed():
            self._main = await self.connect()
        return await self._main.fetch(statement, *args)

    async def visitor(self) -> str:
        visitor_id = new_id()
        await self.sql("insert into visitor (id) values ($1)", visitor_id)
        return visitor_id

    async def agent(self, agent_id: str = "ann", name: str = "Ann", *, disabled: bool = False) -> str:
        await self.sql(
            "insert into agent (id, name, role, disabled) values ($1, $2, 'agent', $3) on conflict do nothing",
            agent_id,
            name,
            disabled,
        )
        return agent_id

    async def conversation(self, visitor_id: str | None = None, *, closed_ago: dt.timedelta | None = None) -> str:
        """A conversation, open or closed so long ago; of a new visitor if none is given."""
        conversation_id = new_id()
        await self.sql(
            "insert into conversation (id, visitor_id, status, closed_at)"
            " values ($1, $2, case when $3::interval is null then 'open' else 'closed' end, now() - $3::interval)",
            conversation_id,
            visitor_id or await self.visitor(),
            closed_ago,
        )
        return conversation_id

    async def row(self, conversation_id: str) -> Record:
        (row,) = await self.sql(
            "select *, version::text as written_by from conversation where id = $1", conversation_id
        )
        return row

    async def messages(self, conversation_id: str) -> list[Record]:
        return await self.sql("select * from message where conversation_id = $1 order by seq", conversation_id)

    async def assert_whole(self, conversation_id: str) -> list[str]:
        """Promises 1 and 3: numbers without a hole, the row at the top, each client id once. Returns the texts."""
        found = await self.messages(conversation_id)
        assert [row["seq"] for row in found] == list(range(1, len(found) + 1))
        assert (await self.row(conversation_id))["seq"] == len(found)
        keys = [(row["sender_id"], row["client_id"]) for row in found]
        assert len(set(keys)) == len(keys)
        return [row["body_text"] for row in found]

    def draft(self, conversation_id: str, body: str = "hello", *, sender: str = "v", **fields: Any) -> Draft:
        """A visitor's draft unless `sender_type` says otherwise."""
        return Draft(
            conversation_id,
            fields.get("sender_type", "visitor"),
            sender,
            fields.get("client_id") or str(uuid.uuid4()),
            new_id(),
            body,
            fields.get("metadata"),
        )

    def repeat(self, draft: Draft) -> Draft:
        """The draft as its client sends it again: the same client id, an id of its own."""
        return draft._replace(id=new_id())

    def appender(self, url: str | None = None, **options: Any) -> Appender:
        """A node's appender, closed with the test."""
        appender = Appender(url or self.url, reopen=self.reopen, **options)
        self._appenders.append(appender)
        return appender

    async def append_on(self, connection: Connection[Record], *drafts: Draft) -> list[Outcome]:
        """The append as another node would run it, inside whatever transaction the connection is in."""
        return await append(connection, drafts, self.reopen)

    async def until_blocked(self, application: str = "kefu append", count: int = 1) -> list[int]:
        """Waits until so many connections of this database wait for a lock; their process ids."""
        async with asyncio.timeout(10):
            while True:
                rows = await self.sql(
                    "select pid from pg_stat_activity where datname = current_database()"
                    " and wait_event_type = 'Lock' and application_name like $1",
                    application,
                )
                if len(rows) >= count:
                    return [row["pid"] for row in rows]
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        for connection in self._open:
            connection.terminate()
        for appender in self._appenders:
            await appender.close()


@pytest.fixture(scope="module")
def module_database_url(embedded_postgres: Any, migrated_template: str) -> Iterator[str]:
    """A migrated database that the tests of one module share; making one takes longer than most tests."""
    name = f"module_{next(_databases)}"
    execute(embedded_postgres.admin_url, f"create database {name} template {migrated_template} owner chatapp")
    yield sibling(embedded_postgres.url, name)
    execute(embedded_postgres.admin_url, f"drop database {name} with (force)")


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    made = World(database_url)
    yield made
    await made.close()


@pytest.fixture
def send() -> Callable[..., Any]:
    """Submits drafts to an appender in one go and waits for their outcomes, in the order of the drafts."""

    async def submit(appender: Appender, *drafts: Draft) -> list[Outcome]:
        loop = asyncio.get_running_loop()
        outcomes: list[asyncio.Future[Outcome]] = [loop.create_future() for _ in drafts]
        for draft, outcome in zip(drafts, outcomes, strict=True):
            appender.submit(draft, outcome.set_result)
        return list(await asyncio.wait_for(asyncio.gather(*outcomes), 30))

    return submit


@pytest.fixture
def until() -> Callable[..., Any]:
    """Waits until something is true, or fails."""

    async def wait(check: Callable[[], object], seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not check():  # noqa: ASYNC110 - what is waited for has no event to set
                await asyncio.sleep(0.005)

    return wait
