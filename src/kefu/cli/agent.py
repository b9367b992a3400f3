"""`kefu agent`: the people who answer, as far as they log in at Kefu's own main site."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.bus.envelope import AgentsChanged, Seal
from kefu.bus.nats import say_once
from kefu.bus.subjects import AGENTS
from kefu.cli.kept_secret import with_kept_secret
from kefu.cli.running import opened, run, stop, with_database
from kefu.config import load_settings, reveal
from kefu.mainsite.login import LOGIN_CHARS_MAX
from kefu.mainsite.passwords import generate_password, hash_password, password_problem
from kefu.mainsite.serve import check_database
from kefu.store.queries import agents, logins
from kefu.tokens import ROLES

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Add, list and shut out agents.")

Login = Annotated[str, typer.Argument(help="The name to log in with.")]
LoginOrId = Annotated[str, typer.Argument(help="The agent's login, or id for agents of another main site.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password and print it, instead of asking for one.")]


@app.command()
def add(
    login: Login,
    name: Annotated[str | None, typer.Option(help="The name that visitors see. Default: the login.")] = None,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "agent",
    generate: Generate = False,
) -> None:
    """Add an agent. The password is asked for, or read from standard input."""
    if role not in ROLES:
        raise typer.BadParameter(f"expected one of {', '.join(ROLES)}, got {role!r}", param_hint="--role")
    plain = agents.normal_login(login)
    if not plain.isprintable() or " " in plain or not 0 < len(plain) <= LOGIN_CHARS_MAX:
        raise typer.BadParameter(f"a login has 1–{LOGIN_CHARS_MAX} printable characters and no blanks, got {login!r}")
    password = ask_password(generate=generate)

    async def work(connection: AsyncConnection) -> None:
        password_hash = await hash_password(password)
        if await agents.add(connection, login, password_hash, name or login.strip(), role) is None:
            stop(f"the login {plain} is taken")
        told(f"added {plain} ({role})", password if generate else None)

    run(_on_database(work))


@app.command(name="list")
def list_all() -> None:
    """List all agents, those of another main site too."""

    async def work(connection: AsyncConnection) -> None:
        rows = Table("login", "name", "role", "state", "last seen (UTC)", "id", box=None, pad_edge=False)
        for agent in await agents.list_all(connection):
            seen = agent.last_seen_at.strftime("%Y-%m-%d %H:%M") if agent.last_seen_at else "never"
            state = "disabled" if agent.disabled else "active"
            rows.add_row(agent.login or "-", agent.name, agent.role, state, seen, agent.id)
        Console(highlight=False, markup=False, soft_wrap=True).print(rows)

    run(_on_database(work))


@app.command()
def passwd(login: Login, generate: Generate = False) -> None:
    """Give an agent a new password; every browser of theirs is logged out."""
    password = ask_password(generate=generate)

    async def work(connection: AsyncConnection) -> None:
        agent = await _find(connection, login)
        if agent.login is None:
            stop(f"{login} logs in at another main site and has no password here")
        await agents.set_password(connection, agent.id, await hash_password(password))
        await logins.end_all(connection, agent.id)
        told(f"{agent.login} has a new password", password if generate else None)

    run(_on_database(work))


@app.command()
def disable(
    login: LoginOrId,
    undo: Annotated[bool, typer.Option("--undo", help="Let the agent in again.")] = False,
) -> None:
    """Shut an agent out: no login, no token is accepted any more, and open consoles close within two seconds."""

    async def work(connection: AsyncConnection) -> None:
        agent = await _find(connection, login)
        await agents.set_disabled(connection, agent.id, disabled=not undo)
        if not undo:
            await logins.end_all(connection, agent.id)
        told(f"{agent.login or agent.id} is {'active again' if undo else 'disabled'}")

    async def work_and_tell() -> None:
        await _on_database(work)
        if not undo:
            await _tell_nodes()

    run(work_and_tell())


def ask_password(*, generate: bool) -> str:
    """A good password: made, asked for twice at a terminal, or the first line of standard input.

    Raises:
        typer.Exit: It is too short or too long.
    """
    if generate:
        return generate_password()
    if sys.stdin.isatty():
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if problem := password_problem(password):
        stop(problem)
    return password


def told(what: str, password: str | None = None) -> None:
    """Says what was done, and the password that was made."""
    print(what)
    if password is not None:
        print(f"password: {password}")


async def _on_database(work: Any) -> None:
    """Does the work in one transaction on a database that is up to date."""
    async with with_database(load_settings(), or_embedded=True) as ready, opened(ready) as database:
        await check_database(database)
        async with database.engine.begin() as connection:
            await work(connection)


async def _tell_nodes() -> None:
    """Has chat-servers look for disabled agents at once; without this they do so within a second or two."""
    settings = with_kept_secret(load_settings())
    url, secret = reveal(settings.nats_url), reveal(settings.admin_jwt_secret)
    if url is not None and secret is not None:
        await say_once(url, AGENTS, Seal(secret).seal(AgentsChanged()))


async def _find(connection: AsyncConnection, login_or_id: str) -> sa.Row[Any]:
    agent = await agents.by_login(connection, login_or_id) or await agents.get(connection, login_or_id)
    if agent is None:
        stop(f"there is no agent {login_or_id}; see: kefu agent list")
    return agent
