"""`kefu server`: chat-server alone, for people who bring their own PostgreSQL and their own main site."""

from __future__ import annotations

from kefu import logs
from kefu.app import run_chat_server
from kefu.cli.running import run, settle, with_database
from kefu.config import check_server, load_settings


def server() -> None:
    """Run chat-server alone."""
    run(_serve())


async def _serve() -> None:
    settings = load_settings()
    logs.configure(settings.log_level)
    check_server(settings)
    async with with_database(settings) as ready:
        await run_chat_server(ready, started=settle)
