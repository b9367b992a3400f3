"""A table's rows as a stream of PostgreSQL's COPY text: out of one database, into another, of whatever major version.

Knows of a table what the catalogue says, so it works at every revision of the schema; holds a chunk at a time. Two
kinds of columns are not carried, because the receiving database makes them itself: generated ones, and transaction ids
(`xid8`), which count the writes of one server and mean nothing on another.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import NamedTuple, TypeAlias

import asyncpg
import sqlalchemy as sa

from kefu.store.rights import quoted
from kefu.store.tables import installation, metadata, site

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Advance = Callable[[str, int], None]
"""Hears of so many more rows of a table."""
Counted = Callable[[dict[str, int]], None]
"""Hears how many rows each table has."""

SEEDED = frozenset({installation.name, site.name})
"""Tables that have rows from the first migration on: they say nothing about whether a database is in use."""

CHUNKS_WAITING_MAX = 8

# What the text of a row depends on, the same on every server.
_SETTINGS = "set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'postgres'; \
set local bytea_output = 'hex'; set local extra_float_digits = 1; set local statement_timeout = 0"

_COLUMNS = """
select attname as name, attcollation <> 0 as is_collated,
       coalesce(attnum = any(i.indkey), false) as is_key, array_position(i.indkey::int2[], attnum) as key_position
from pg_attribute a left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
where attrelid = to_regclass($1) and attnum > 0 and not attisdropped
  and attgenerated = '' and atttypid <> 'xid8'::regtype
order by attnum
"""
_SEQUENCES = """
select c.relname as table, a.attname as column, pg_get_serial_sequence(quote_ident(c.relname), a.attname) as sequence
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
  and pg_get_serial_sequence(quote_ident(c.relname), a.attname) is not null
"""
_TABLES = """
select relname as name from pg_class
where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition
  and relname <> 'alembic_version'
order by 1
"""


class Layout(NamedTuple):
    """Which columns of a table are carried, and in which order its rows come.

    Attributes:
        table: Its name.
        columns: Names, in the table's order.
        order: What follows `order by`; the same order on every server.
    """

    table: str
    columns: tuple[str, ...]
    order: str

    @property
    def column_list(self) -> str:
        """The columns as SQL takes them."""
        return ", ".join(map(quoted, self.columns))


class Meter:
    """Counts what goes by.

    Attributes:
        rows: Complete rows.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._digest = hashlib.sha256()

    def feed(self, chunk: bytes) -> int:
        """Takes note of a chunk; returns the rows that end in it (COPY's text escapes every other line end)."""
        rows = chunk.count(b"\n")
        self.rows += rows
        self._digest.update(chunk)
        return rows

    @property
    def sha256(self) -> str:
        """Of all bytes so far, in hex."""
        return self._digest.hexdigest()


async def layout_of(connection: Connection, table: str) -> Layout | None:
    """The layout of a table; None if there is no such table."""
    columns = await connection.fetch(_COLUMNS, quoted(table))
    if not columns:
        return None
    keys = sorted((row for row in columns if row["is_key"]), key=lambda row: row["key_position"]) or columns
    order = ", ".join(quoted(row["name"]) + (' collate "C"' if row["is_collated"] else "") for row in keys)
    return Layout(table, tuple(row["name"] for row in columns), order)


async def kefu_tables(connection: Connection) -> tuple[list[str], list[str]]:
    """The tables that are ours, each after those that it refers to; and those in the same schema that are not."""
    found = {row["name"] for row in await connection.fetch(_TABLES)}
    ours = [str(table.name) for table in metadata.sorted_tables if table.name in found]
    return ours, sorted(found - set(ours))


async def used_tables(connection: Connection) -> list[str]:
    """Our tables that hold rows which no migration made."""
    ours, _ = await kefu_tables(connection)
    return [
        name
        for name in ours
        if name not in SEEDED and await connection.fetchval(f"select exists (select from {quoted(name)})")  # noqa: S608
    ]


async def programs_connected(connection: Connection) -> int:
    """How many other connections of Kefu's own programs the database has."""
    return int(
        await connection.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and application_name ~ '^kefu( |$)'"
        )
    )


async def steady(connection: Connection) -> None:
    """Has rows look the same as on every other server, until the end of the transaction."""
    await connection.execute(_SETTINGS)


async def count_rows(connection: Connection, tables: Sequence[str]) -> dict[str, int]:
    """How many rows tables have."""
    return {name: await connection.fetchval(f"select count(*) from {quoted(name)}") for name in tables}  # noqa: S608


async def read_rows(connection: Connection, layout: Layout) -> AsyncGenerator[bytes, None]:
    """A table's rows, in its order, as chunks that may end anywhere. Within a transaction made `steady`."""
    chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
    room = asyncio.Semaphore(CHUNKS_WAITING_MAX)
    query = f"select {layout.column_list} from {quoted(layout.table)} order by {layout.order}"  # noqa: S608

    async def take(chunk: bytes) -> None:
        await room.acquire()
        chunks.put_nowait(chunk)

    async def copy() -> None:
        try:
            await connection.copy_from_query(query, output=take)
        finally:
            chunks.put_nowait(None)

    copying = asyncio.create_task(copy())
    try:
        while (chunk := await chunks.get()) is not None:
            room.release()
            yield chunk
        await copying
    finally:
        copying.cancel()
        with suppress(asyncio.CancelledError, Exception):  # whoever stopped reading has the error that counts
            await copying


async def write_rows(connection: Connection, layout: Layout, chunks: AsyncIterator[bytes]) -> int:
    """Puts rows into a table. Returns how many PostgreSQL counted."""
    answer = await connection.copy_to_table(layout.table, source=chunks, columns=list(layout.columns))
    return int(answer.rpartition(" ")[2])


@asynccontextmanager
async def metered(
    chunks: AsyncGenerator[bytes, None], meter: Meter, table: str, advance: Advance
) -> AsyncIterator[AsyncIterator[bytes]]:
    """The same chunks, counted as they go by; whatever reads them is ended with the block."""

    async def count() -> AsyncGenerator[bytes, None]:
        async for chunk in chunks:
            advance(table, meter.feed(chunk))
            yield chunk

    async with aclosing(chunks), aclosing(count()) as counted:
        yield counted


async def set_sequences(connection: Connection) -> None:
    """Has every sequence of a column go on above the largest number that is there."""
    for row in await connection.fetch(_SEQUENCES):
        column, table = quoted(row["column"]), quoted(row["table"])
        top = await connection.fetchval(f"select max({column}) from {table}")  # noqa: S608
        await connection.execute("select setval($1::text::regclass, $2, false)", row["sequence"], (top or 0) + 1)


def driver(connection: sa.PoolProxiedConnection) -> Connection:
    """The connection of asyncpg below SQLAlchemy's."""
    raw: Connection | None = connection.driver_connection
    assert raw is not None
    return raw
