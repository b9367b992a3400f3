"""`kefu chaos`: proves on a real installation that nothing acked is lost, whatever is killed."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from kefu.chaos.ledger import Verdict
from kefu.chaos.process import ServerError, ServerProcess, own_installation
from kefu.chaos.run import Chaos, Plan, Result
from kefu.cli.kept_secret import with_kept_secret
from kefu.cli.running import run, stop
from kefu.client.address import Address, LostError, RefusedError
from kefu.config import ConfigError, load_settings, reveal
from kefu.config_rules import agents_secret
from kefu.tokens import TOKEN_LIFE_S_MAX, issue_agent_token

DEFAULT_URL = "http://localhost:4000"
TOKEN_SPARE_S = 900
AGENT = "chaos"


def chaos(  # noqa: PLR0917 - typer's options, given by name
    url: Annotated[str, typer.Option(help="Where chat-server answers, as browsers reach it.")] = DEFAULT_URL,
    visitors: Annotated[int, typer.Option(min=1, help="Visitors who send at the same time.")] = 20,
    messages: Annotated[int, typer.Option(min=1, help="Messages of each visitor.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, help="Time over which things are sent and broken.")] = 60,
    origin: Annotated[str, typer.Option(help="Origin header to send; none, as programs do, unless given.")] = "",
    token: Annotated[
        str, typer.Option(help="An agent's token. Unless given it is made from CHAT_ADMIN_JWT_SECRET.")
    ] = "",
    fault_every: Annotated[float, typer.Option(min=0.01, help="Seconds between two broken connections, mean.")] = 0.5,
    process: Annotated[bool, typer.Option("--process", help="SIGKILL the server too, and start it again.")] = False,
    kill_every: Annotated[float, typer.Option(min=0.1, help="Seconds between two kills of the server, mean.")] = 8,
    process_command: Annotated[
        str, typer.Option(help="What starts the server, in the foreground; for --process.", metavar="COMMAND")
    ] = "",
    pid: Annotated[
        int, typer.Option(min=0, help="The server that runs and that nothing else restarts; for --process.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
) -> None:
    """Send numbered messages while connections are killed, and count what became of them.

    Exit status 0: every acked message is stored once, in order, without a hole, and reached the agent. It writes real
    conversations into the installation. With --process and neither --process-command nor --pid it starts an
    installation of its own and leaves nothing behind.
    """
    check_options(url, process=process, command=process_command, pid=pid)
    plan = Plan(visitors, messages, seconds, fault_every_s=fault_every, kill_every_s=kill_every)
    is_own = process and not process_command and not pid

    async def body() -> None:
        secret = secrets.token_hex(32) if is_own else ""
        async with _server(url, secret, process=process, command=process_command, pid=pid) as server:
            address = Address(server.url if server else url, origin)
            agent_token = token if token and not is_own else make_token(plan, secret)
            try:
                result = await Chaos(address, agent_token, plan, server).run()
            except (RefusedError, LostError) as error:
                stop(str(error))
        show(result, as_json=as_json)
        if not result.verdict.is_kept:
            raise typer.Exit(1)

    try:
        run(body())
    except ServerError as error:
        stop(str(error))


def check_options(url: str, *, process: bool, command: str, pid: int) -> None:
    """Refuses options that mean nothing together.

    Raises:
        typer.BadParameter: With what was expected.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise typer.BadParameter(f"expected --url http://host[:port] or https://host[:port], got {url!r}")
    if (command or pid) and not process:
        raise typer.BadParameter("--process-command and --pid say what --process kills; give --process too")
    if command and pid:
        raise typer.BadParameter("give --process-command or --pid, not both")
    if process and not command and not pid and url != DEFAULT_URL:
        raise typer.BadParameter("--process with --url needs --process-command or --pid: what is to be killed there?")


def make_token(plan: Plan, secret: str) -> str:
    """A token that lasts as long as the run, under this secret or, if it is empty, the installation's own.

    Raises:
        ConfigError: There is no secret, or none to be used.
    """
    if not secret:
        secret = reveal(with_kept_secret(load_settings()).admin_jwt_secret) or ""
        if problems := agents_secret(secret):
            raise ConfigError([f"{problems[0]}, or give --token"])
    life_s = min(TOKEN_LIFE_S_MAX, round(plan.seconds + plan.patience_s) + TOKEN_SPARE_S)
    return issue_agent_token(secret, agent_id=AGENT, role="agent", name="Chaos", seconds=life_s)


@contextlib.asynccontextmanager
async def _server(
    url: str, secret: str, *, process: bool, command: str, pid: int
) -> AsyncIterator[ServerProcess | None]:
    """What is killed, ready; None if nothing is."""
    if not process:
        yield None
    elif not command and not pid:
        async with own_installation(secret) as server:
            await server.until_ready()
            yield server
    else:
        server = ServerProcess.running(url, pid) if pid else ServerProcess.command(url, command)
        server.start()
        try:
            await server.until_ready()
            yield server
        finally:
            if command:
                await server.stop()


def show(result: Result, *, as_json: bool) -> None:
    """Prints what came of it."""
    if as_json:
        print(json.dumps(result.numbers()))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(table_of(result.verdict))
    faults = ", ".join(f"{count} {name}" for name, count in sorted(result.faults.items())) or "none"
    console.print(f"{result.seconds:.0f} s, {result.connections} connections, broken: {faults}; kills: {result.kills}")
    if result.gave_up:
        console.print(f"visitors who gave up: {result.gave_up}; the first one: {result.failure}")
    if result.verdict.is_kept:
        console.print("[bold green]every promise was kept[/]")
    else:
        console.print("[bold red]a promise was broken[/]" if result.verdict.acked else "[bold red]nothing was acked[/]")


def table_of(verdict: Verdict) -> Table:
    """The numbers; those that must be 0 stand below the line."""
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    must_be_0 = ("duplicated", "out_of_order", "holes", "lost", "undelivered")
    numbers = verdict.numbers()
    for name, number in numbers.items():
        if name not in must_be_0:
            table.add_row(name.replace("_", " "), str(number))
    table.add_section()
    for name in must_be_0:
        style = "bold red" if numbers[name] else "green"
        table.add_row(name.replace("_", " "), f"[{style}]{numbers[name]}[/]")
    return table
