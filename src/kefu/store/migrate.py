"""Brings a database to the schema of this version, and says which one it has.

Migrations run in one transaction under an advisory lock: two servers that start at once cannot run them twice, and a
failing one leaves the database as it was.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import asyncpg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from kefu.store.database import UNREACHABLE, DatabaseError, make_engine, reason, where

SchemaState = Literal["current", "behind", "empty", "newer"]
Answer = TypeVar("Answer")

SCHEMA_PROBLEMS: dict[SchemaState, str] = {
    "empty": "has no tables yet; run: kefu migrate",
    "behind": "has the schema of an older version; run: kefu migrate",
    "newer": "has the schema of a newer version; install that version, or restore a backup",
}
"""Why a program does not start on a database in this state."""

LOCK_WAIT_S_MAX = 15
"""How long a migration waits for tables that others use: while it waits, everybody behind it waits too."""

_MIGRATION_LOCK = 0x6B656675  # "kefu"
_TRY_AGAIN = "remove the cause, then run it again: kefu migrate"
_WHAT_TO_DO: dict[str, str] = {
    asyncpg.InsufficientPrivilegeError.sqlstate: "the database must belong to this role (alter database … owner to …)",
    asyncpg.LockNotAvailableError.sqlstate: "others use the tables; stop chat-server and main site, then: kefu migrate",
    asyncpg.DiskFullError.sqlstate: "make room on PostgreSQL's disk, then: kefu migrate",
}


def head() -> str:
    """The revision of this version's schema."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def is_known(revision: str) -> bool:
    """Whether this version has a migration of that name."""
    return any(script.revision == revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def revision_of(connection: sa.Connection) -> str | None:
    """The revision of the database's schema; None if it has no tables."""
    return MigrationContext.configure(connection).get_current_revision()


def state_of(connection: sa.Connection) -> SchemaState:
    """Which schema the database has."""
    current = revision_of(connection)
    if current is None:
        return "empty"
    if current == head():
        return "current"
    return "behind" if is_known(current) else "newer"


def lock(connection: sa.Connection) -> None:
    """Keeps everybody else from migrating until the end of the transaction. The same transaction may lock again."""
    connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    connection.execute(sa.text(f"set local lock_timeout = '{LOCK_WAIT_S_MAX}s'"))
    connection.execute(sa.text("set local statement_timeout = 0"))  # the role or the server may have a short one


def upgrade_to(connection: sa.Connection, revision: str = "head") -> SchemaState:
    """Migrates within the connection's transaction, one migration after the other, nobody else at the same time.

    Returns:
        The state before.

    Raises:
        DatabaseError: The schema is newer, or a migration fails; then the transaction must be rolled back.
    """
    lock(connection)
    before = state_of(connection)
    if before == "newer":
        raise DatabaseError("the database has the schema of a newer Kefu; install that version, or restore a backup")
    if before != "current":
        _run(connection, revision)
    return before


def _run(connection: sa.Connection, revision: str) -> None:
    done: list[str] = []
    config = _config()
    config.attributes["connection"] = connection
    config.attributes["on_done"] = done.append
    try:
        command.upgrade(config, revision)
    except sa.exc.SQLAlchemyError as error:
        sqlstate = getattr(getattr(error, "orig", None), "sqlstate", None)
        raise DatabaseError(
            f"the migration after {done[-1] if done else 'the schema that is there'} failed and was rolled back, the "
            f"database is as it was before: {reason(error)}; {_WHAT_TO_DO.get(sqlstate or '', _TRY_AGAIN)}"
        ) from error


def sql(from_revision: str | None = None) -> str:
    """The migrations as SQL to run by hand, in one transaction; needs no database.

    Args:
        from_revision: What the database has; None if it is empty.

    Raises:
        DatabaseError: There is no such revision.
    """
    if from_revision is not None and not is_known(from_revision):
        raise DatabaseError(f"this version knows no schema {from_revision!r}; its own is {head()}")
    config = _config()
    config.output_buffer = io.StringIO()
    command.upgrade(config, f"{from_revision}:head" if from_revision else "head", sql=True)
    return config.output_buffer.getvalue()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


async def _on_connection(url: str, work: Callable[[sa.Connection], Answer]) -> Answer:
    engine = make_engine(url, command_timeout_s=None, poolclass=sa.NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)
    except UNREACHABLE as error:
        raise DatabaseError(f"{where(url)}: {reason(error)}") from error
    finally:
        await engine.dispose()


async def state_async(url: str) -> SchemaState:
    """Which schema the database has: current, behind (migrate), empty (migrate), or newer than this version knows.

    Raises:
        DatabaseError: If it cannot be reached.
    """
    return await _on_connection(url, state_of)


async def upgrade_async(url: str) -> SchemaState:
    """Migrates to the newest schema; does nothing if it is there.

    Returns:
        The state before.

    Raises:
        DatabaseError: If it cannot be reached, its schema is newer, or a migration fails (nothing is changed then).
    """
    return await _on_connection(url, upgrade_to)


def state(url: str) -> SchemaState:
    """`state_async` for callers without an event loop."""
    return asyncio.run(state_async(url))


def upgrade(url: str) -> SchemaState:
    """`upgrade_async` for callers without an event loop."""
    return asyncio.run(upgrade_async(url))
