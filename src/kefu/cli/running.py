"""How a command runs: an event loop, a database, and one line for each thing that stops it.

Exit status 1 means that a setting, the database or a port stood in the way; 2 is wrong usage, told by the parser.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import sys
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, NoReturn

import typer
import uvloop
from pydantic import SecretStr

from kefu.cli.first_files import CHAT_SERVER_FILE
from kefu.cli.language import Language
from kefu.config import ENV_FILE_VARIABLE, ConfigError, Settings, reveal
from kefu.config_rules import EMBEDDED, database
from kefu.doctor.database import OTHERS_CONNECTIONS
from kefu.doctor.local import connections_needed
from kefu.mainsite.serve import PortError
from kefu.proof import StartError
from kefu.store.archive import ArchiveError
from kefu.store.database import Database, DatabaseError, where
from kefu.store.embedded import EmbeddedPostgres, is_made
from kefu.store.embedded_cluster import CONNECTIONS_MAX
from kefu.store.embedded_place import EmbeddedPostgresError

COLLECT_AFTER = 10_000
"""Objects made and not freed after which the garbage collector looks at the young ones; Python's own is 700."""

EMBEDDED_IN: dict[Language, str] = {"en": "embedded database in {folder}", "zh-CN": "内置数据库（{folder}）"}

FILES_WANTED = 65_536
"""Open files: more than the connections that one process takes."""


def run(command: Coroutine[Any, Any, None]) -> None:
    """Runs a command to its end.

    Raises:
        typer.Exit: With status 1 after one line on standard error for each problem.
    """
    allow_many_sockets()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(command)
    except ConfigError as error:
        stop(*error.problems)
    except StartError:
        raise typer.Exit(1) from None  # its line was printed where it happened
    except (DatabaseError, EmbeddedPostgresError, ArchiveError, PortError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def allow_many_sockets() -> None:
    """Raises this process's limit of open files if it may: every connection is one, and 1,024 are usual."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if most == resource.RLIM_INFINITY else min(FILES_WANTED, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def settle() -> None:
    """Takes what is loaded by now out of the garbage collector's sight; call it once everything serves.

    Otherwise every full collection walks all imported modules and holds up every socket for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)


def stop(*problems: str) -> NoReturn:
    """Prints problems, one line each, and ends the program.

    Raises:
        typer.Exit: Always.
    """
    for problem in problems:
        print(f"kefu: {' '.join(problem.split())}", file=sys.stderr)
    raise typer.Exit(1)


@contextlib.asynccontextmanager
async def with_database(
    settings: Settings, *, or_embedded: bool = False, make: bool = False, workers: int = 1
) -> AsyncIterator[Settings]:
    """Settings whose database address is one to connect to; the embedded PostgreSQL runs meanwhile if it is meant.

    Args:
        settings: As loaded.
        or_embedded: Use the embedded PostgreSQL when no address is set.
        make: Make the embedded database if it is not there, and say so. Only for commands with which a life begins:
            any other one was started in the wrong folder then, and would work on nothing and succeed.
        workers: Processes of chat-server, for whose connections an embedded PostgreSQL that starts now has room.

    Raises:
        ConfigError: The address is missing or malformed, or there is no database that it could mean.
        EmbeddedPostgresError: The embedded PostgreSQL cannot run.
    """
    url = reveal(settings.database_url) or (EMBEDDED if or_embedded else None)
    if problems := database(url):
        raise ConfigError(problems)
    if url != EMBEDDED:
        yield settings
        return
    is_new = not is_made(settings.data_dir)
    if is_new and not make:
        raise ConfigError([_nowhere(settings)])
    wanted = connections_needed(settings, workers) + OTHERS_CONNECTIONS
    room = {"max_connections": str(wanted)} if wanted > CONNECTIONS_MAX else {}
    async with EmbeddedPostgres(settings.data_dir, settings=room) as server:
        if is_new:
            print(f"made a new {database_name(settings)}{_unread(settings)}")
        yield settings.model_copy(update={"database_url": SecretStr(server.url)})


def database_name(settings: Settings, language: Language = "en") -> str:
    """What people are told that a command works on: the embedded database's folder, else host and database.

    Args:
        settings: As loaded, before `with_database`.
        language: Of the words.
    """
    url = reveal(settings.database_url) or EMBEDDED
    return where(url) if url != EMBEDDED else EMBEDDED_IN[language].format(folder=settings.data_dir.absolute())


def _nowhere(settings: Settings) -> str:
    unset = "CHAT_DATABASE_URL is not set, and " if settings.database_url is None else ""
    return (
        f"{unset}there is no {database_name(settings)}: start this in the folder of your settings or name their file, "
        f"kefu --env-file FILE …{_unread(settings)}; a new database is made by: kefu migrate"
    )


def _unread(settings: Settings) -> str:
    """A hint at settings beside us that nobody named; empty if there are none."""
    is_named = settings.database_url is not None or os.environ.get(ENV_FILE_VARIABLE)
    if is_named or not Path(CHAT_SERVER_FILE).is_file():
        return ""
    return f" ({CHAT_SERVER_FILE} in this folder was not read: kefu --env-file {CHAT_SERVER_FILE} …)"


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """A small pool on the database of `settings`, for commands that ask or change a little.

    Raises:
        DatabaseError: The database does not answer.
    """
    pool = Database(reveal(settings.database_url) or "", pool_max=2)
    try:
        await pool.check()
        yield pool
    finally:
        await pool.close()
