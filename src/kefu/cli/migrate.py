"""`kefu migrate`: brings the database to the schema of this version, or says what that would take."""

from __future__ import annotations

from typing import Annotated

import typer

from kefu.cli.running import database_name, run, with_database
from kefu.config import load_settings, reveal
from kefu.store.database import DatabaseError
from kefu.store.migrate import SCHEMA_PROBLEMS, sql, state_async, upgrade_async

PENDING_STATUS = 3


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit status 3 if there is something to migrate.")
    ] = False,
    as_sql: Annotated[bool, typer.Option("--sql", help="Print the SQL instead; needs no database.")] = False,
    from_revision: Annotated[
        str, typer.Option("--from", metavar="SCHEMA", help="What the database has, for --sql; default: nothing.")
    ] = "",
) -> None:
    """Bring the database to this version's schema (the embedded one, made if needed, if CHAT_DATABASE_URL is unset).

    It is one transaction: a migration that fails leaves the database as it was. Exit status 1: it failed, or the
    database is away or of a newer version.
    """
    if from_revision and not as_sql:
        raise typer.BadParameter("--from says what --sql starts at; give --sql too")
    if check and as_sql:
        raise typer.BadParameter("give --check or --sql, not both")
    if as_sql:
        run(_print_sql(from_revision or None))
    else:
        run(_check() if check else _migrate())


async def _migrate() -> None:
    settings = load_settings()
    async with with_database(settings, or_embedded=True, make=True) as ready:
        before = await upgrade_async(reveal(ready.database_url) or "")
    done = "is up to date" if before == "current" else f"migrated, was {before}"
    print(f"{database_name(settings)}: {done}")


async def _check() -> None:
    settings = load_settings()
    async with with_database(settings, or_embedded=True) as ready:
        state = await state_async(reveal(ready.database_url) or "")
    if state == "current":
        print(f"{database_name(settings)}: is up to date")
        return
    problem = f"{database_name(settings)} {SCHEMA_PROBLEMS[state]}"
    if state == "newer":
        raise DatabaseError(problem)
    print(problem)
    raise typer.Exit(PENDING_STATUS)


async def _print_sql(from_revision: str | None) -> None:
    print(sql(from_revision), end="")
