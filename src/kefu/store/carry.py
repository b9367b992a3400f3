"""Carries a whole database: into an archive, out of one, or from server to server.

What goes out is one snapshot, while others write. What comes in is one transaction: rows are put into the schema that
they fit, read back, brought to this version's schema, and the installation gets a new epoch, so that every client drops
what it holds of another history. Any failure leaves the receiving database as it was.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib import metadata as packages
from pathlib import Path
from typing import NamedTuple, Protocol

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.store import copying, migrate
from kefu.store.archive import ArchiveWriter, Manifest, Table
from kefu.store.copying import Advance, Connection, Layout, Meter
from kefu.store.database import UNREACHABLE, DatabaseError, connect_to, make_engine, reason, where
from kefu.store.rights import quoted

EPOCH_BYTES = 8
STAGING = "kefu_restore"
"""A schema that lives within one transaction, for rows of an older version on their way into a migrated database."""

_ACTIVE = "select coalesce(login, id) as name from agent where id = any($1::text[]) and not disabled order by 1"


class Source(Protocol):
    """Where rows come from."""

    @property
    def revision(self) -> str:
        """Of the schema that the rows fit."""

    @property
    def tables(self) -> Sequence[tuple[str, tuple[str, ...]]]:
        """Names and carried columns, each table after those that it refers to."""

    def chunks(self, table: str) -> AsyncGenerator[bytes, None]:
        """A table's rows as COPY text."""


class Carried(NamedTuple):
    """What was carried.

    Attributes:
        rows: Of each table.
        size: Of the archive that was written, in bytes; 0 if none was.
        left_out: Tables of the source beside ours, which stay where they are.
        logins_ended: Agents' logins to the main site that were carried and are no longer good.
        let_in_again: Agents who were disabled in the receiving database and are not in what came: login, else id.
    """

    rows: dict[str, int]
    size: int = 0
    left_out: tuple[str, ...] = ()
    logins_ended: int = 0
    let_in_again: tuple[str, ...] = ()


# --- out of a database -------------------------------------------------------------------------------------


class Snapshot:
    """A database as it was at one moment; a `Source`. Made by `snapshot`."""

    def __init__(
        self,
        connection: Connection,
        revision: str,
        postgresql: str,
        layouts: dict[str, Layout],
        left_out: Sequence[str],
    ) -> None:
        self.revision = revision
        self.postgresql = postgresql
        self.left_out = tuple(left_out)
        self._connection = connection
        self._layouts = layouts

    @property
    def tables(self) -> list[tuple[str, tuple[str, ...]]]:
        """Names and carried columns, each table after those that it refers to."""
        return [(layout.table, layout.columns) for layout in self._layouts.values()]

    def chunks(self, table: str) -> AsyncGenerator[bytes, None]:
        """A table's rows as COPY text."""
        return copying.read_rows(self._connection, self._layouts[table])

    async def count(self) -> dict[str, int]:
        """The rows of each table."""
        return await copying.count_rows(self._connection, list(self._layouts))


@asynccontextmanager
async def snapshot(url: str, *, unused: bool = False) -> AsyncIterator[Snapshot]:
    """One consistent view of a database, for as long as the block lasts.

    Args:
        url: The database.
        unused: Refuse one that a program of Kefu uses, and let nobody write meanwhile.

    Raises:
        DatabaseError: It cannot be reached, has no tables or those of a newer version, or is in use.
    """
    state = await migrate.state_async(url)
    if state in ("empty", "newer"):
        raise DatabaseError(f"{where(url)} {migrate.SCHEMA_PROBLEMS[state]}")
    with _told(url):
        connection = await connect_to(url)
        try:
            tables, left_out = await _begin(connection, unused=unused)
            revision = await connection.fetchval("select version_num from alembic_version")
            postgresql = await connection.fetchval("show server_version")
            layouts = {name: await copying.layout_of(connection, name) for name in tables}
            known = {name: layout for name, layout in layouts.items() if layout is not None}
            yield Snapshot(connection, revision, postgresql, known, left_out)
            await connection.close()
        finally:
            connection.terminate()  # a COPY may be under way that nobody reads any more


async def _begin(connection: Connection, *, unused: bool) -> tuple[list[str], list[str]]:
    """Begins the transaction of a snapshot. Returns our tables, and others."""
    if unused:
        await refuse_in_use(connection)
        tables, _ = await copying.kefu_tables(connection)
        await connection.execute("begin isolation level repeatable read")
        # Before anything is read: the view must be younger than the lock.
        await connection.execute(f"set local lock_timeout = '{migrate.LOCK_WAIT_S_MAX}s'")
        await connection.execute(f"lock table {', '.join(map(quoted, tables))} in share mode")
    else:
        await connection.execute("begin isolation level repeatable read, read only")
    await copying.steady(connection)
    return await copying.kefu_tables(connection)


async def refuse_in_use(connection: Connection) -> None:
    """Refuses a database that chat-server or the main site has open.

    Raises:
        DatabaseError: With what to do.
    """
    if count := await copying.programs_connected(connection):
        raise DatabaseError(f"Kefu is using this database ({count} connections): stop chat-server and main site first")


async def back_up(url: str, path: Path, advance: Advance, counted: copying.Counted) -> Carried:
    """Writes a database into a new archive while it may be used.

    Args:
        url: The database.
        path: The archive's name; must not exist.
        advance: Hears of rows as they are written.
        counted: Hears once how many rows there are.

    Raises:
        DatabaseError: It cannot be read.
        ArchiveError: It cannot be written.
    """
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    with ArchiveWriter(path) as archive:
        async with snapshot(url) as source:
            counted(await source.count())
            tables = []
            for name, columns in source.tables:
                meter = Meter()
                async with copying.metered(source.chunks(name), meter, name, advance) as chunks:
                    await archive.table(name, chunks)
                tables.append(Table(name, columns, meter.rows, meter.sha256))
        manifest = Manifest(
            kefu=packages.version("kefu"),
            revision=source.revision,
            postgresql=source.postgresql,
            created_at=now,
            tables=tuple(tables),
        )
        size = archive.finish(manifest)
    return Carried({table.name: table.rows for table in tables}, size, source.left_out)


# --- into a database ---------------------------------------------------------------------------------------


async def put_in(
    url: str,
    source: Source,
    advance: Advance,
    *,
    replace: bool = False,
    verify: bool = True,
    end_logins: bool = False,
) -> Carried:
    """Puts a source's rows into a database, which is migrated as needed; all or nothing.

    Args:
        url: The database that receives.
        source: Where the rows come from.
        advance: Hears of rows as they are written, then of each again as it is read back.
        replace: Whether the database may hold conversations, which are dropped then.
        verify: Compare every row with what came, not just the counts.
        end_logins: End the agents' logins among the rows, because they are of the past: somebody may have logged out
            since, or been shut out.

    Raises:
        DatabaseError: The database is in use, holds something, is newer than the source allows, or refuses a row.
        ArchiveError: The archive is damaged.
    """
    if not migrate.is_known(source.revision):
        raise DatabaseError(
            f"the rows are of a newer Kefu (schema {source.revision}, this one knows {migrate.head()} and older): "
            "install that version"
        )
    engine = make_engine(url, command_timeout_s=None, poolclass=sa.NullPool)
    try:
        with _told(url):
            async with engine.connect() as connection:
                try:
                    receiver = _Receiver(connection, source, advance)
                    carried = await receiver.receive(replace=replace, verify=verify, end_logins=end_logins)
                    await connection.commit()
                except BaseException:
                    # Not a rollback: a COPY may be under way. PostgreSQL rolls back when the connection is gone.
                    await connection.invalidate()
                    raise
                return carried
    finally:
        await engine.dispose()


class _Receiver:
    """One transaction that receives a source."""

    def __init__(self, connection: AsyncConnection, source: Source, advance: Advance) -> None:
        self._connection = connection
        self._source = source
        self._advance = advance
        self._raw: Connection

    async def receive(self, *, replace: bool, verify: bool, end_logins: bool) -> Carried:
        self._raw = copying.driver(await self._connection.get_raw_connection())
        await self._connection.run_sync(_lock_and_check)
        await refuse_in_use(self._raw)
        await self._refuse_used(replace=replace)
        before = await self._connection.run_sync(migrate.revision_of)
        disabled = [] if before is None else await self._raw.fetch("select id from agent where disabled")
        await copying.steady(self._raw)
        if before in (None, self._source.revision):
            rows = await self._fill(verify=verify)
            await self._connection.run_sync(migrate.upgrade_to)
        else:
            rows = await self._through_staging(verify=verify)
        await copying.set_sequences(self._raw)
        await self._raw.execute("analyze")
        await self._raw.execute("update installation set epoch = $1", secrets.token_hex(EPOCH_BYTES))
        ended = await self._raw.fetch("delete from login_session returning 1") if end_logins else []
        again = await self._raw.fetch(_ACTIVE, [row["id"] for row in disabled])
        return Carried(rows, logins_ended=len(ended), let_in_again=tuple(row["name"] for row in again))

    async def _refuse_used(self, *, replace: bool) -> None:
        used = await copying.used_tables(self._raw)
        if used and not replace:
            raise DatabaseError(
                f"the database is not empty ({', '.join(used)} have rows): use another one, "
                "or restore with --replace, which drops what is there"
            )

    async def _fill(self, *, verify: bool) -> dict[str, int]:
        """Brings the current schema to the source's revision and puts its rows in place of what is there."""
        await self._connection.run_sync(migrate.upgrade_to, self._source.revision)
        await self._empty()
        meters: dict[str, Meter] = {}
        for name, columns in self._source.tables:
            layout = await self._layout(name, columns)
            meter = meters[name] = Meter()
            async with copying.metered(self._source.chunks(name), meter, name, self._advance) as chunks:
                _compare(name, await copying.write_rows(self._raw, layout, chunks), meter.rows)
        for name, meter in meters.items() if verify else ():
            await self._read_back(name, meter)
        return {name: meter.rows for name, meter in meters.items()}

    async def _empty(self) -> None:
        tables, _ = await copying.kefu_tables(self._raw)
        await self._raw.execute(f"truncate {', '.join(map(quoted, tables))}")

    async def _layout(self, name: str, columns: tuple[str, ...]) -> Layout:
        layout = await copying.layout_of(self._raw, name)
        if layout is None or set(layout.columns) != set(columns):
            raise DatabaseError(f"the table {name} is not as schema {self._source.revision} makes it: use an empty one")
        return layout._replace(columns=columns)

    async def _read_back(self, name: str, came: Meter) -> None:
        columns = dict(self._source.tables)[name]
        layout, found = await self._layout(name, columns), Meter()
        async with copying.metered(copying.read_rows(self._raw, layout), found, name, self._advance) as chunks:
            async for _ in chunks:
                pass
        _compare(name, found.rows, came.rows)
        if found.sha256 != came.sha256:
            raise DatabaseError(f"{name} reads back differently from what came; nothing was changed")

    async def _through_staging(self, *, verify: bool) -> dict[str, int]:
        """Receives rows of an older schema beside the current tables, migrates them there, and takes them over."""
        await self._connection.run_sync(migrate.upgrade_to)
        path = await self._raw.fetchval("show search_path")
        await self._raw.execute(f"create schema {STAGING}; set local search_path = {STAGING}")
        rows = await self._fill(verify=verify)
        await self._connection.run_sync(migrate.upgrade_to)
        await self._raw.execute(f"set local search_path = {path}")
        await self._empty()
        tables, _ = await copying.kefu_tables(self._raw)
        for name in tables:
            layout = await copying.layout_of(self._raw, name)
            assert layout is not None
            await self._raw.execute(
                f"insert into {quoted(name)} ({layout.column_list}) overriding system value "  # noqa: S608
                f"select {layout.column_list} from {STAGING}.{quoted(name)}"
            )
        await self._raw.execute(f"drop schema {STAGING} cascade")
        return rows


def _lock_and_check(connection: sa.Connection) -> None:
    migrate.lock(connection)
    if migrate.state_of(connection) == "newer":
        raise DatabaseError(f"the database {migrate.SCHEMA_PROBLEMS['newer']}")


def _compare(name: str, found: int, expected: int) -> None:
    if found != expected:
        raise DatabaseError(f"{name} has {found} rows where {expected} came; nothing was changed")


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Tells PostgreSQL's own errors in one line."""
    try:
        yield
    except asyncpg.LockNotAvailableError as error:
        raise DatabaseError(f"{where(url)}: others use its tables; stop chat-server and main site first") from error
    except UNREACHABLE as error:
        raise DatabaseError(f"{where(url)}: {reason(error)}") from error
