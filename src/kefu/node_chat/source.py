"""The older server's database, read in one snapshot and never written.

Knows which of its tables there are; a row is a mapping of its own column names. PostgreSQL only.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import asyncpg

from kefu.store.database import CONNECT_TIMEOUT_S, UNREACHABLE, reason, where

NEEDED = {"Conversation": {"id", "createdAt"}, "Message": {"id", "conversationId", "createdAt"}}
NOTES = "Note"
ARCHIVED = ("ConversationTag", "ConversationWaitLog", "Ticket", "CannedReply", "IpBlock", "Event", "Locale")
"""Tables for which there is no place here yet; their rows are kept as they are."""

READ_AHEAD = 500
Row = dict[str, Any]


class SourceError(RuntimeError):
    """The older database cannot be read, with one line that says why; never holds the password."""


class Source:
    """An open snapshot.

    Args:
        connection: Inside a read-only transaction of isolation `repeatable read`.
        columns: By table, as `information_schema` has them.
    """

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record], columns: dict[str, set[str]]) -> None:
        self._connection = connection
        self.columns = columns

    @property
    def unknown_tables(self) -> list[str]:
        """Tables that nobody here asks for."""
        return sorted(self.columns.keys() - {*NEEDED, NOTES, *ARCHIVED, "_prisma_migrations"})

    async def counts(self) -> dict[str, int]:
        """Rows by table, of those that will be read."""
        read = [table for table in (*NEEDED, NOTES, *ARCHIVED) if table in self.columns]
        return {table: await self._connection.fetchval(f'select count(*) from "{table}"') for table in read}  # noqa: S608

    async def conversations(self, closed_words: Iterable[str]) -> AsyncIterator[Row]:
        """Every conversation, oldest first; `kefu_rank` numbers a session's of one status, newest first."""
        columns = self.columns["Conversation"]
        session = next((f'"{name}"' for name in ("visitorSessionId", "sessionId") if name in columns), '"id"')
        status = 'lower("status"::text) = any($1::text[])' if "status" in columns else "$1::text[] is null"
        query = f"""
            select c.*, row_number() over (
              partition by {session}, {status} order by "createdAt" desc, "id" desc
            ) as kefu_rank
            from "Conversation" c order by "createdAt", "id"
        """  # noqa: S608 - names are ours
        async for record in self._connection.cursor(query, list(closed_words), prefetch=READ_AHEAD):
            yield dict(record)

    async def lines(self, table: str, conversations: list[str]) -> list[Row]:
        """Messages or notes of these conversations, each conversation's oldest first."""
        if table not in self.columns:
            return []
        query = f"""
            select * from "{table}" where "conversationId" = any($1) order by "conversationId", "createdAt", "id"
        """  # noqa: S608
        return [dict(record) for record in await self._connection.fetch(query, conversations)]

    async def orphans(self, table: str) -> AsyncIterator[Row]:
        """Messages or notes whose conversation is not there."""
        query = f"""
            select * from "{table}" t
            where not exists (select 1 from "Conversation" c where c."id" = t."conversationId")
        """  # noqa: S608
        async for record in self._connection.cursor(query, prefetch=READ_AHEAD):
            yield dict(record)

    async def rows(self, table: str) -> AsyncIterator[Row]:
        """Every row of a table."""
        async for record in self._connection.cursor(f'select * from "{table}"', prefetch=READ_AHEAD):  # noqa: S608
            yield dict(record)


@contextlib.asynccontextmanager
async def open_source(url: str) -> AsyncIterator[Source]:
    """Connects, looks at the tables, and keeps one snapshot until the end.

    Raises:
        SourceError: It cannot be reached, or is not the older server's database.
    """
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)
    except (*UNREACHABLE, ValueError) as error:
        raise SourceError(f"{where(url)} cannot be reached: {reason(error)}") from error
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            columns = await _columns(connection)
            _check(columns, where(url))
            yield Source(connection, columns)
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT_S)


async def _columns(connection: asyncpg.Connection[asyncpg.Record]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    query = "select table_name, column_name from information_schema.columns where table_schema = current_schema()"
    for record in await connection.fetch(query):
        found.setdefault(record["table_name"], set()).add(record["column_name"])
    return found


def _check(columns: dict[str, set[str]], place: str) -> None:
    for table, needed in NEEDED.items():
        if table not in columns:
            raise SourceError(f'{place} is not the older server\'s database: it has no table "{table}"')
        missing = sorted(needed - columns[table])
        if missing:
            raise SourceError(f'{place}: table "{table}" has no column "{missing[0]}"')
