"""`kefu up`: everything in one process, for a first look and for small sites."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console

from kefu import logs
from kefu.app import run_chat_server
from kefu.cli import systemd
from kefu.cli.kept_secret import with_kept_secret
from kefu.cli.language import language_of
from kefu.cli.local_nats import find_nats, local_nats
from kefu.cli.running import opened, run, settle, with_database
from kefu.cli.welcome import show_welcome
from kefu.cli.workers import WORKERS_MAX, run_workers, shared_port
from kefu.config import ConfigError, Settings, check_server, check_site, load_settings, reveal
from kefu.config_rules import origin_as_sent
from kefu.mainsite.passwords import generate_password, hash_password, password_problem
from kefu.mainsite.serve import listen, run_site
from kefu.store.migrate import upgrade_async
from kefu.store.queries import agents

FIRST_LOGIN = "admin"
FIRST_NAME = "Admin"
LOCAL_NAMES = ("localhost", "127.0.0.1")


def up(
    host: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Name or address by which other machines open this one; listens on all interfaces."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=WORKERS_MAX, help="Processes of chat-server; more than one bring NATS along.")
    ] = 1,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a database role with more rights than are needed.")
    ] = False,
) -> None:
    """Run chat-server, the main site and (unless CHAT_DATABASE_URL is set) PostgreSQL."""
    if host is not None and origin_of(host, 1) is None:
        raise typer.BadParameter(f"expected a name or an address such as shop.local or 192.168.1.5, got {host!r}")
    run(run_everything(host, workers, strict=strict))


async def run_everything(host: str | None, workers: int = 1, *, strict: bool = False) -> None:
    """Brings everything up in the order in which it can fail, serves until a signal, and takes it down again."""
    settings = load_settings()
    logs.configure(settings.log_level)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings = reachable_by(settings, host)
    with contextlib.ExitStack() as ports:
        serve_chat = _chat_server(settings, workers, ports, strict=strict)
        site_sockets = listen(settings.host, settings.site_port, "KEFU_SITE_PORT")
        for listener in site_sockets:
            ports.callback(listener.close)
        settings = with_kept_secret(settings, make=True)
        async with systemd.watched(), with_database(settings, or_embedded=True, make=True, workers=workers) as ready:
            check_server(ready)
            check_site(ready)
            await upgrade_async(reveal(ready.database_url) or "")
            password = await make_first_agent(ready)
            welcome = Welcome(ready, host or LOCAL_NAMES[0], password)
            await together(
                stop,
                serve_chat(ready, welcome.count, stop),
                run_site(ready, sockets=site_sockets, install_signals=False, started=welcome.count, stop=stop),
            )


ServeChat = Callable[[Settings, Callable[[], None], asyncio.Event], Coroutine[Any, Any, None]]


def _chat_server(settings: Settings, workers: int, ports: contextlib.ExitStack, *, strict: bool) -> ServeChat:
    """Takes chat-server's port, and tells how to serve on it: in this process, or in several with a NATS of their own.

    Raises:
        PortError: The port cannot be listened on.
        ConfigError: NATS is needed and not installed.
    """
    if workers == 1:
        sockets = listen(settings.host, settings.port, "CHAT_SERVER_PORT")
        for listener in sockets:
            ports.callback(listener.close)
        return lambda ready, started, stop: run_chat_server(
            ready, sockets=sockets, install_signals=False, started=started, stop=stop, strict=strict
        )
    nats = None if settings.nats_url is not None else find_nats()
    port = ports.enter_context(shared_port(settings.host, settings.port, workers, "CHAT_SERVER_PORT"))

    async def serve(ready: Settings, started: Callable[[], None], stop: asyncio.Event) -> None:
        async with contextlib.AsyncExitStack() as stack:
            if nats is not None:
                url = await stack.enter_async_context(local_nats(nats, ready.data_dir))
                ready = ready.model_copy(update={"nats_url": SecretStr(url)})
            await run_workers(ready, port, stop=stop, started=started, strict=strict)

    return serve


def reachable_by(settings: Settings, host: str | None) -> Settings:
    """The settings with addresses and allowlists for this machine's own browser, and for others that call it `host`.

    Raises:
        ConfigError: Both programs have the same port.
    """
    if settings.port == settings.site_port:
        raise ConfigError([f"CHAT_SERVER_PORT and KEFU_SITE_PORT are both {settings.port}; they must differ"])
    names = [*LOCAL_NAMES, *([host] if host else [])]
    own = [origin_of(name, port) for name in names for port in (settings.site_port, settings.port)]
    origins = [origin for origin in own if origin is not None]
    inside = settings.host if settings.host not in ("0.0.0.0", "::", "localhost") else LOCAL_NAMES[1]
    return settings.model_copy(
        update={
            "host": everywhere(host) if host and settings.host in LOCAL_NAMES else settings.host,
            "allowed_origins": tuple(dict.fromkeys([*settings.allowed_origins, *origins])),
            "admin_allowed_origins": tuple(dict.fromkeys([*settings.admin_allowed_origins, *origins])),
            "server_internal_url": settings.server_internal_url or origin_of(inside, settings.port) or "",
            "server_public_url": settings.server_public_url or origin_of(names[-1 if host else 0], settings.port) or "",
        }
    )


def everywhere(host: str) -> str:
    """What to listen on so that `host` reaches us: all interfaces, those of IPv6 too if it is such an address."""
    return "" if ":" in host else "0.0.0.0"


def origin_of(name: str, port: int) -> str | None:
    """The origin of pages served here under a name; None if it is no name and no address."""
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(name).version == 6:
            name = f"[{name}]"
    if any(char in name for char in "/?#@ ") or (":" in name and not name.startswith("[")):
        return None
    return origin_as_sent(f"http://{name}:{port}")


async def make_first_agent(settings: Settings) -> str | None:
    """Makes the agent of the first run.

    Returns:
        The generated password to show once; None if there are agents already, or the password was set.
    """
    chosen = reveal(settings.admin_password)
    async with opened(settings) as database:
        async with database.engine.connect() as connection:
            if any(agent.login for agent in await agents.list_all(connection)):
                return None
        if chosen is not None and (problem := password_problem(chosen)):
            raise ConfigError([f"KEFU_ADMIN_PASSWORD: {problem}"])
        password = chosen or generate_password()
        password_hash = await hash_password(password)
        async with database.engine.begin() as connection:
            added = await agents.add(connection, FIRST_LOGIN, password_hash, FIRST_NAME, "owner")
    return password if added and chosen is None else None


async def together(stop: asyncio.Event, *programs: Coroutine[Any, Any, None]) -> None:
    """Runs programs until all have ended; when one ends or fails, the others are asked to stop.

    Raises:
        Exception: What the first one failed with, after all have ended.
    """
    tasks = [asyncio.create_task(program) for program in programs]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await asyncio.wait(tasks)
    for task in tasks:
        task.result()


class Welcome:
    """Tells where to go once both programs serve.

    Args:
        settings: As the programs got them.
        name: Name or address to show in the URLs.
        password: The first agent's generated password, shown this once.
    """

    def __init__(self, settings: Settings, name: str, password: str | None) -> None:
        self._site = origin_of(name, settings.site_port) or ""
        self._password = password
        self._waiting_for = 2

    def count(self) -> None:
        """One more program serves."""
        self._waiting_for -= 1
        if self._waiting_for == 0:
            settle()
            systemd.tell(systemd.READY)
            show_welcome(self._site, FIRST_LOGIN, self._password, language_of(""), Console(highlight=False))
