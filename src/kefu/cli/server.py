"""`kefu server`: chat-server alone, for people who bring their own PostgreSQL and their own main site."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from kefu import logs
from kefu.app import run_chat_server
from kefu.cli import systemd
from kefu.cli.running import run, settle, with_database
from kefu.cli.workers import WORKERS_MAX, run_workers, shared_port
from kefu.config import ConfigError, Settings, check_server, load_settings


def server(
    workers: Annotated[
        int, typer.Option(min=1, max=WORKERS_MAX, help="Processes on the one port; more than one need KEFU_NATS_URL.")
    ] = 1,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a database role with more rights than are needed.")
    ] = False,
) -> None:
    """Run chat-server alone."""
    run(_serve(workers, strict=strict))


async def _serve(workers: int, *, strict: bool) -> None:
    settings = load_settings()
    logs.configure(settings.log_level)
    check_server(settings)
    if workers > 1 and settings.nats_url is None:
        raise ConfigError(["KEFU_NATS_URL is not set: several workers need NATS to hear each other"])
    async with systemd.watched(), with_database(settings, workers=workers) as ready:
        if workers == 1:
            await run_chat_server(ready, started=_started, stopping=_stopping, strict=strict)
        else:
            await _serve_workers(ready, workers, strict=strict)


def _started() -> None:
    settle()
    systemd.tell(systemd.READY)


def _stopping() -> None:
    systemd.tell(systemd.STOPPING)


async def _serve_workers(settings: Settings, workers: int, *, strict: bool) -> None:
    stop = asyncio.Event()

    def on_signal() -> None:
        _stopping()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    with shared_port(settings.host, settings.port, workers, "CHAT_SERVER_PORT") as port:
        await run_workers(settings, port, stop=stop, started=_started, strict=strict)
