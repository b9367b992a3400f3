"""The main site as a running program: database checked, port bound, served until the stop.

Knows nothing of pages. `kefu up` runs it beside chat-server on the same event loop.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

from kefu.config import Settings, check_site, reveal
from kefu.mainsite.site import create_site
from kefu.store.database import Database, DatabaseError
from kefu.store.migrate import SCHEMA_PROBLEMS, state_async
from kefu.transport.server.head import answering_head
from kefu.transport.server.serve import WebServer, bind


class PortError(RuntimeError):
    """A port that cannot be listened on, with one line that says why."""


async def run_site(
    settings: Settings,
    *,
    sockets: list[socket.socket] | None = None,
    install_signals: bool = True,
    started: Callable[[], None] | None = None,
    stopping: Callable[[], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serves the main site until a signal or `stop`.

    Args:
        settings: With a database address, not `embedded`.
        sockets: Ready to accept on, from `listen`; made from `host` and `site_port` if None.
        install_signals: Whether SIGINT and SIGTERM stop it.
        started: Called once connections are accepted.
        stopping: Called once when the stop begins.
        stop: Set to stop it.

    Raises:
        ConfigError: A setting is wrong.
        DatabaseError: The database is away, or has another schema.
        PortError: The port cannot be listened on.
    """
    check_site(settings)
    database = Database(reveal(settings.database_url) or "", pool_max=settings.db_pool_max)
    try:
        await check_database(database)
        server = WebServer(
            answering_head(create_site(settings, database)),
            install_signals=install_signals,
            on_started=lambda _port: started() if started else None,
            on_draining=stopping,
            stop_seconds_max=round(settings.stop_deadline_s),
        )
        waiting = asyncio.create_task(_stop_when(stop, server)) if stop else None
        try:
            await server.serve(sockets or listen(settings.host, settings.site_port, "KEFU_SITE_PORT"))
        finally:
            if waiting:
                waiting.cancel()
    finally:
        await database.close()


async def check_database(database: Database) -> None:
    """Refuses a database that is away, or whose schema is not this version's.

    Raises:
        DatabaseError: With one line that says what to do.
    """
    await database.check()
    state = await state_async(database.url)
    if state != "current":
        raise DatabaseError(f"the database {SCHEMA_PROBLEMS[state]}")


def listen(host: str, port: int, variable: str) -> list[socket.socket]:
    """Bound sockets.

    Raises:
        PortError: With one line that names the setting to change.
    """
    try:
        return bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortError(f"port {port} is in use by another program: stop it, or set {variable}") from None
        raise PortError(
            f"cannot listen on {host} port {port}: {error.strerror}; see KEFU_HOST and {variable}"
        ) from None


async def _stop_when(stop: asyncio.Event, server: WebServer) -> None:
    await stop.wait()
    server.stop()
