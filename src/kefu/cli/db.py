"""`kefu db`: a role and a database of Kefu's own on your PostgreSQL, and the way there from the embedded one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kefu.cli.env_file import read_line, set_line
from kefu.cli.progress import rows_progress, summary
from kefu.cli.running import database_name, run, stop, with_database
from kefu.config import ConfigError, load_settings, reveal
from kefu.config_rules import EMBEDDED, database
from kefu.store.carry import put_in, snapshot
from kefu.store.database import UNREACHABLE, DatabaseError, connect_to, where
from kefu.store.embedded_cluster import DATABASE, ROLE
from kefu.store.provision import Made, provision

VARIABLE = "CHAT_DATABASE_URL"

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Make Kefu's database, or move to another one.")

EnvFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--env-file",
        metavar="FILE",
        help=f"Write {VARIABLE} into this .env file instead of printing it; may be repeated.",
    ),
]


@app.command()
def create(  # noqa: PLR0917 - typer's options, given by name
    admin_url: Annotated[
        str,
        typer.Option(
            envvar="KEFU_ADMIN_URL",
            metavar="URL",
            help="The server, for an administrator: postgresql://postgres:…@HOST/, or "
            "postgresql:///?host=/var/run/postgresql. A password may stand in PGPASSWORD.",
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the database.")] = DATABASE,
    role: Annotated[str, typer.Option(help="Name of the role.")] = ROLE,
    env_files: EnvFiles = None,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Give a role that is there a new password.")
    ] = False,
    isolate: Annotated[
        bool,
        typer.Option("--isolate", help="Close the server's other databases to the role; others keep their way in."),
    ] = False,
) -> None:
    """Make a role and a database for Kefu, with rights on that database only, and print CHAT_DATABASE_URL.

    May be run again: what is there stays as it is.
    """
    run(_create(admin_url, name, role, env_files or [], new_password=new_password, isolate=isolate))


async def _create(
    admin_url: str, name: str, role: str, env_files: list[Path], *, new_password: bool, isolate: bool
) -> None:
    kept = await _kept_address(env_files, name, role)
    made = await provision(admin_url, role, name, new_password=new_password, isolate=isolate)
    _tell(made, role, name)
    if made.url is not None:
        _put(made.url, env_files)
    elif kept is not None:
        _put(kept, env_files)
    elif env_files:
        stop(f"the role {role} was there and its password is not known here: give --new-password to make a new one")
    else:
        print(f"its password stays as it is; --new-password makes a new one and prints {VARIABLE}")


async def _kept_address(env_files: list[Path], name: str, role: str) -> str | None:
    """The first address in the files that lets this role into this database."""
    for file in env_files:
        url = read_line(file, VARIABLE)
        if url is not None and await _lets_in(url, name, role):
            return url
    return None


async def _lets_in(url: str, name: str, role: str) -> bool:
    if url == EMBEDDED or database(url):
        return False
    try:
        connection = await connect_to(url)
        try:
            row = await connection.fetchrow("select current_user::text, current_database()::text")
        finally:
            await connection.close()
    except (*UNREACHABLE, DatabaseError):
        return False
    return row is not None and tuple(row) == (role, name)


def _tell(made: Made, role: str, name: str) -> None:
    """Says what was made and what it means."""
    print(f"role {role}: {'made' if made.new_role else 'was there'}")
    print(f"database {name}: {'made' if made.new_database else 'was there'}, only {role} may connect")
    if made.closed_databases:
        print(f"closed to {role}: {', '.join(made.closed_databases)}")
    if made.open_databases:
        print(
            f"note: everybody may connect to {', '.join(made.open_databases)} (PostgreSQL's default), so {role} may "
            "too, without a right to read there; --isolate closes them to it"
        )
    if made.unproved:
        print(f"note: {role} could not log in from here, see pg_hba.conf: {made.unproved}")


def _put(url: str, env_files: list[Path]) -> None:
    """Writes the address into the files, or prints it."""
    if not env_files:
        print(f"{VARIABLE}={url}")
    for file in env_files:
        try:
            if read_line(file, VARIABLE) != url:
                set_line(file, VARIABLE, url)
        except ConfigError:
            print(f"{VARIABLE}={url}")  # nobody else knows the password
            raise
        print(f"{file}: {VARIABLE} is set")


@app.command()
def move(
    to: Annotated[
        str, typer.Option(envvar="KEFU_MOVE_TO", metavar="URL", help="The new database, as `kefu db create` prints it.")
    ],
    env_files: EnvFiles = None,
) -> None:
    """Carry everything from the database in use (the embedded one if CHAT_DATABASE_URL is unset) to another one.

    Stop chat-server and main site first. The new database must be empty; every row is read back there and compared.
    The old one stays as it is.
    """
    run(_move(to, env_files or []))


async def _move(to: str, env_files: list[Path]) -> None:
    if to == EMBEDDED:
        raise ConfigError(["--to is an address, postgresql://…; `kefu backup` and `kefu restore` go the other way"])
    if problems := database(to):
        raise ConfigError([problem.replace(VARIABLE, "--to") for problem in problems])
    settings = load_settings()
    async with (
        with_database(settings, or_embedded=True) as ready,
        snapshot(reveal(ready.database_url) or "", unused=True) as source,
    ):
        with rows_progress("move") as progress:
            progress.expect(await source.count(), times=2)
            done = await put_in(to, source, progress.advance)
    print(f"{where(to)}: carried {summary(done.rows)}")
    print(f"verified: every row reads back as it is in {database_name(settings)}, which was not changed")
    if source.left_out:
        print(f"left there, because they are no tables of Kefu: {', '.join(source.left_out)}")
    _put(to, env_files)
