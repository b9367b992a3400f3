"""Brings a database to the schema of this version, and says which one it has.

Migrations run in one transaction under an advisory lock: two servers that start at once cannot run them twice, and a
failing one leaves the database as it was.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from kefu.store.database import UNREACHABLE, DatabaseError, make_engine, reason, where

SchemaState = Literal["current", "behind", "empty", "newer"]

SCHEMA_PROBLEMS: dict[SchemaState, str] = {
    "empty": "has no tables yet; run: kefu migrate",
    "behind": "has the schema of an older version; run: kefu migrate",
    "newer": "has the schema of a newer version; install that version, or restore a backup",
}
"""Why a program does not start on a database in this state."""

_MIGRATION_LOCK = 0x6B656675  # "kefu"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _state(connection: sa.Connection) -> SchemaState:
    scripts = ScriptDirectory.from_config(_config())
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        return "empty"
    if current == scripts.get_current_head():
        return "current"
    known = {script.revision for script in scripts.walk_revisions()}
    return "behind" if current in known else "newer"


def _upgrade(connection: sa.Connection) -> SchemaState:
    connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    before = _state(connection)
    if before == "newer":
        raise DatabaseError("the database has the schema of a newer Kefu; install that version, or restore a backup")
    if before != "current":
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return before


async def _on_connection(url: str, work: object) -> SchemaState:
    engine = make_engine(url, poolclass=sa.NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(work)  # type: ignore[arg-type]
    except UNREACHABLE as error:
        raise DatabaseError(f"{where(url)}: {reason(error)}") from error
    finally:
        await engine.dispose()


async def state_async(url: str) -> SchemaState:
    """Which schema the database has: current, behind (migrate), empty (migrate), or newer than this version knows.

    Raises:
        DatabaseError: If it cannot be reached.
    """
    return await _on_connection(url, _state)


async def upgrade_async(url: str) -> SchemaState:
    """Migrates to the newest schema; does nothing if it is there.

    Returns:
        The state before.

    Raises:
        DatabaseError: If it cannot be reached, its schema is newer, or a migration fails (nothing is changed then).
    """
    return await _on_connection(url, _upgrade)


def state(url: str) -> SchemaState:
    """`state_async` for callers without an event loop."""
    return asyncio.run(state_async(url))


def upgrade(url: str) -> SchemaState:
    """`upgrade_async` for callers without an event loop."""
    return asyncio.run(upgrade_async(url))
