"""The pool of one process, and what it must find when it starts.

Knows how to reach PostgreSQL and what state it is in; knows no table but `installation`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from kefu.store.rights import Rights, rights_of
from kefu.store.tables import installation

CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 30.0
APPLICATION = "kefu"
"""What every connection of Kefu calls itself, alone or as the first word: so a restore sees that a server runs."""


UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    sa.exc.SQLAlchemyError,
)
"""What a query raises when PostgreSQL is away, overloaded or refuses: the request fails, nothing else does."""


class DatabaseError(RuntimeError):
    """PostgreSQL cannot be used, with one line that says why and what to do; never holds the password."""


def make_engine(url: str, *, command_timeout_s: float | None = COMMAND_TIMEOUT_S, **options: Any) -> AsyncEngine:
    """SQLAlchemy over asyncpg, which reads the address itself: every standard parameter of one works.

    Args:
        url: `postgresql://user:password@host:port/database`, or with `?host=/socket/folder` for a Unix socket.
        command_timeout_s: How long one statement may take; None for those that go over whole tables.
        **options: Of `create_async_engine`.

    Raises:
        DatabaseError: If it is no PostgreSQL address.
    """
    scheme = urlsplit(url).scheme
    if scheme not in {"postgresql", "postgres"}:
        raise DatabaseError(f"expected a postgresql:// address, got {scheme}://")

    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        return await connect_to(url, command_timeout_s)

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        hide_parameters=True,  # an error's text must not repeat what somebody wrote
        **options,
    )


async def connect_to(url: str, command_timeout_s: float | None = None) -> asyncpg.Connection[asyncpg.Record]:
    """A connection of its own that says whose it is.

    Raises:
        DatabaseError: The address cannot be one.
    """
    try:
        return await asyncpg.connect(
            url,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=command_timeout_s,
            server_settings={"application_name": APPLICATION},
        )
    except ValueError as error:  # asyncpg's word for an address or parameter that cannot be
        raise DatabaseError(f"{where(url)}: {error}") from error


def where(url: str) -> str:
    """Host and database for the log, never the password."""
    parts = urlsplit(url)
    host = parts.hostname or parse_qs(parts.query).get("host", ["localhost"])[0]
    port = f":{parts.port}" if parts.port else ""
    return f"host={unquote(host)}{port} database={parts.path.lstrip('/')}"


@dataclass(frozen=True, slots=True)
class Installation:
    """What the database says of itself.

    Attributes:
        epoch: Changes when a backup is restored; clients that hold another one reset.
        session_key: Key under which visitors' session ids are hashed.
    """

    epoch: str
    session_key: bytes

    def session_hash(self, session_id: str) -> bytes:
        """How a session id is stored (contract section 4, promise 8)."""
        return hmac.digest(self.session_key, b"session:" + session_id.encode(), "sha256")

    def visitor_token(self, visitor_id: str) -> str:
        """The visitor's own credential, 256 bits; the same each time, so that tabs cannot replace each other's."""
        digest = hmac.digest(self.session_key, b"visitor:" + visitor_id.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def token_hash(token: str) -> bytes:
    """How a visitor token is stored: the token has 256 bits already, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


class Database:
    """Connections of one process.

    The append opens its own connection from `url`.

    Attributes:
        engine: For statements that belong together, by `begin()`.
        autocommit: The same connections for statements that stand alone, as all reads do, by `connect()`: it spares
            the round trips of a transaction around them.
    """

    def __init__(self, url: str, *, pool_max: int = 10) -> None:
        self.url = url
        self.engine = make_engine(
            url,
            pool_size=pool_max,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT_S,
            pool_use_lifo=True,  # the connection that is warm, with its prepared statements
            isolation_level="READ COMMITTED",
        )
        self.autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    async def fetch_row(self, statement: str, *values: object) -> asyncpg.Record | None:
        """The first row of what `fetch` finds."""
        return next(iter(await self.fetch(statement, *values)), None)

    async def fetch(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """The rows of a statement that stands alone, by the driver and nothing above it, which costs a quarter.

        Args:
            statement: With `$1` for the first value; the driver prepares it once a connection.
            *values: In their order.

        Raises:
            UNREACHABLE: If the database does not answer or refuses.
        """
        pooled = await self.engine.raw_connection()
        try:
            raw: asyncpg.Connection[asyncpg.Record] | None = pooled.driver_connection
            assert raw is not None
            ends = False
            try:
                return await raw.fetch(statement, *values)
            except asyncpg.InternalClientError:  # the connection ends at this moment
                ends = True
                raise
            finally:
                if ends or raw.is_closed():
                    pooled.invalidate()  # the next one would only find the same
        finally:
            await greenlet_spawn(pooled.close)

    async def check(self) -> None:
        """Proves that the server answers and keeps what it commits.

        Raises:
            DatabaseError: If it is unreachable, too old, or would ack before the data is on disk.
        """
        try:
            async with self.autocommit.connect() as connection:
                row = (
                    await connection.execute(
                        sa.text(
                            "select current_setting('server_version_num')::int, current_setting('synchronous_commit')"
                        )
                    )
                ).one()
        except UNREACHABLE as error:
            raise DatabaseError(f"{where(self.url)} cannot be reached: {reason(error)}") from error
        version, synchronous_commit = row
        if version < 140000:
            raise DatabaseError(f"PostgreSQL 14 or newer is needed; this is {version // 10000}")
        if synchronous_commit == "off":
            raise DatabaseError("synchronous_commit must not be off: a message would be acked before it is on disk")

    async def connections_max(self) -> int:
        """How many connections this role may have to this database, whoever holds them now."""
        limits = (
            "select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,"
            " (select rolconnlimit from pg_roles where rolname = current_user),"
            " (select datconnlimit from pg_database where datname = current_database())"
        )
        async with self.engine.connect() as connection:
            row = (await connection.execute(sa.text(limits))).one()
        limited: list[int] = [limit for limit in row if limit >= 0]  # -1: without a limit
        return min(limited)

    async def installation(self) -> Installation:
        """What the database says of itself; it must be migrated."""
        async with self.autocommit.connect() as connection:
            row = (await connection.execute(sa.select(installation.c.epoch, installation.c.session_key))).one()
        return Installation(epoch=row.epoch, session_key=bytes(row.session_key))

    async def rights(self) -> Rights:
        """What the role we connect as may do beyond this database."""
        async with self.engine.connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            found = await rights_of(raw)
        assert found is not None
        return found

    async def answers(self) -> bool:
        """Whether the database answers right now, for `ready`."""
        try:
            async with self.autocommit.connect() as connection:
                await connection.execute(sa.text("select 1"))
        except UNREACHABLE:
            return False
        return True

    async def close(self) -> None:
        """Gives every connection back."""
        await self.engine.dispose()


def reason(error: BaseException) -> str:
    """The first line of what went wrong, from the driver rather than from the layers above it."""
    origin = getattr(error, "orig", None) or error.__cause__ or error
    return (str(origin) or type(origin).__name__).splitlines()[0]
