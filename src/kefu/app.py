"""The life of a chat-server: check, join, serve, prove, stop. What it is made of is in `compose.py`."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Callable

from kefu import observe, proof
from kefu.actions import expire, hear
from kefu.api.files import Files
from kefu.api.http import create_internal
from kefu.api.requests import counted
from kefu.compose import AGENT_PATH, STOP_SHARE_COMMIT, STOP_SHARE_REQUESTS, VISITOR_PATH, ChatServer, join
from kefu.config import Settings, check_server, reveal
from kefu.gateway.agent_entrance import AgentEntrance
from kefu.logs import announce
from kefu.proof import StartError
from kefu.store.database import Database, where
from kefu.transport.rooms import encode_event
from kefu.transport.server.head import answering_head
from kefu.transport.server.serve import TransportServer, WebServer, bind
from kefu.transport.server.workers import Worker
from kefu.wire.server import ServerRestart

STALE_INTERVAL_S = 1.0
RESTART_SPREAD_MS = (500, 5000)
"""Clients come back at a random time within this span after a restart, so that they do not come at once."""


async def run_chat_server(
    settings: Settings,
    *,
    sockets: list[socket.socket] | None = None,
    install_signals: bool = True,
    started: Callable[[], None] | None = None,
    stopping: Callable[[], None] | None = None,
    stop: asyncio.Event | None = None,
    worker: Worker | None = None,
    strict: bool = False,
) -> None:
    """Runs chat-server until it is told to stop.

    Args:
        settings: With `database_url` and secrets set.
        sockets: Ready to accept on; made from `host` and `port` if None.
        install_signals: SIGINT and SIGTERM stop it.
        started: Called once when it serves and has proved itself.
        stopping: Called once when the stop begins.
        stop: Stops it when set.
        worker: Which of several processes on one port this is: then whoever started them proves that they serve.
        strict: Refuse a database role with more rights than are needed, instead of a warning.

    Raises:
        ConfigError: If the settings are wrong.
        StartError: If a check at the start fails; its line has been printed.
    """
    check_server(settings)
    url = reveal(settings.database_url)
    assert url is not None
    async with contextlib.AsyncExitStack() as stack:
        sockets = sockets or _bound(settings, stack)
        port: int = sockets[0].getsockname()[1]
        internal = observe.bind_internal(settings.internal_port)
        for listener in internal:
            stack.callback(listener.close)
        database = Database(url, pool_max=settings.db_pool_max)
        stack.push_async_callback(database.close)
        installation = await proof.database(database)
        if worker is None:
            await proof.rights(database, strict=strict)
            await proof.connections(database, settings, workers=1)
        chat = join(settings, database, installation, port, worker)
        await stack.enter_async_context(_background(chat, database))
        await stack.enter_async_context(
            observe.observed(chat.transport, chat.appender, create_internal(chat.http), internal)
        )
        await _serve(
            settings,
            chat,
            database,
            sockets,
            install_signals=install_signals,
            started=started,
            stopping=stopping,
            stop=stop,
            prove=worker is None,
        )


def _bound(settings: Settings, stack: contextlib.AsyncExitStack) -> list[socket.socket]:
    try:
        sockets = bind(settings.host, settings.port)
    except OSError as error:
        reason = error.strerror or str(error)
        raise proof.failed(f"SERVER_FAIL port={settings.port} host={settings.host}: {reason}") from error
    for listener in sockets:
        stack.callback(listener.close)
    return sockets


@contextlib.asynccontextmanager
async def _background(chat: ChatServer, database: Database) -> AsyncIterator[None]:
    """What runs beside the sockets."""
    chat.publisher.bus.start(chat.hearer)
    for subject in hear.SUBJECTS:
        await chat.publisher.bus.listen(subject)
    tasks = [
        asyncio.create_task(chat.comparer.run(), name="compare"),
        asyncio.create_task(expire.run(database), name="expire"),
        asyncio.create_task(_close_stale(chat.agents), name="stale agents"),
        asyncio.create_task(chat.revoker.run(), name="revoke"),
        asyncio.create_task(chat.publisher.presence.run(), name="presence"),
    ]
    if chat.publisher.interest is not None:
        tasks.append(asyncio.create_task(chat.publisher.interest.run(), name="interest"))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await chat.appender.close()
        await chat.announcer.close()
        chat.publisher.presence.leave()
        await chat.publisher.bus.close()


async def _close_stale(agents: AgentEntrance) -> None:
    while True:
        await asyncio.sleep(STALE_INTERVAL_S)
        agents.close_stale(STALE_INTERVAL_S)


async def _serve(
    settings: Settings,
    chat: ChatServer,
    database: Database,
    sockets: list[socket.socket],
    *,
    install_signals: bool,
    started: Callable[[], None] | None,
    stopping: Callable[[], None] | None,
    stop: asyncio.Event | None,
    prove: bool,
) -> None:
    """Serves, proves from outside and inside that it does, and waits for the end."""
    serving = asyncio.Event()

    def on_draining() -> None:
        chat.http.state.stopping = True
        if stopping is not None:
            stopping()

    async def on_stopping() -> None:
        _say_restart(chat.transport)
        await asyncio.sleep(0)
        await chat.appender.close()

    server = WebServer(
        counted(chat.transport.asgi(answering_head(chat.http))),
        transport=chat.transport,
        on_started=lambda _: serving.set(),
        on_draining=on_draining,
        on_stopping=on_stopping,
        install_signals=install_signals,
        stop_grace_ms=settings.stop_grace_ms,
        goodbye_seconds_max=settings.stop_deadline_s * STOP_SHARE_COMMIT,
        stop_seconds_max=max(1, round(settings.stop_deadline_s * STOP_SHARE_REQUESTS)),
    )
    running = asyncio.create_task(server.serve(sockets), name="serve")
    waiting = asyncio.create_task(_stop_when(stop, server), name="stop") if stop is not None else None
    try:
        await _first(running, serving)
        if serving.is_set():
            if prove:
                await prove_all(settings, database, chat.files, sockets[0])
            if started is not None:
                started()
        await running
    finally:
        server.stop()
        if waiting is not None:
            waiting.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def prove_all(settings: Settings, database: Database, files: Files, listener: socket.socket) -> None:
    """Proves what serves on the listener, with a log line for each check.

    Raises:
        StartError: If a check fails; its line has been printed.
    """
    announce(f"SERVER_OK port={listener.getsockname()[1]}")
    announce(f"DB_OK {where(database.url)}")
    await proof.sockets(listener, VISITOR_PATH, AGENT_PATH)
    announce(f"WS_OK visitor={VISITOR_PATH} admin={AGENT_PATH}")
    await proof.chat(database, files, reveal(settings.admin_jwt_secret) or "")
    announce("P0_OK: chat_widget + admin_panel + message_persist")


async def _stop_when(stop: asyncio.Event, server: WebServer) -> None:
    await stop.wait()
    server.stop()


async def _first(running: asyncio.Task[None], serving: asyncio.Event) -> None:
    """Waits until the server serves, or has ended before it did."""
    waiting = asyncio.create_task(serving.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _say_restart(transport: TransportServer) -> None:
    for connections in transport.connections.values():
        for connection in connections:
            wait_ms = random.randint(*RESTART_SPREAD_MS)  # noqa: S311 - spreads load, guards nothing
            connection.send_encoded(encode_event("server_restart", ServerRestart(wait_ms)))


__all__ = ["ChatServer", "StartError", "join", "prove_all", "run_chat_server"]
