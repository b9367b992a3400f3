"""What operators watch while chat-server runs: where gauges ask, how late the loop is, the internal port.

The internal port listens on loopback and answers health, ready and metrics; it is off unless its setting names it.
Counters need nothing of this: they count where things happen.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from importlib import metadata

from litestar import Litestar

from kefu import metrics, proof
from kefu.store.append import Appender
from kefu.transport.server.serve import TransportServer, WebServer, bind

LOOPBACK = "127.0.0.1"
LAG_INTERVAL_S = 0.25
_VERSION: dict[tuple[str, ...], float] = {(metadata.version("kefu"),): 1}


def bind_internal(port: int | None) -> list[socket.socket]:
    """Listening sockets of the internal port; none if it is off.

    Raises:
        StartError: It cannot be listened on; the line has been printed.
    """
    if port is None:
        return []
    try:
        return bind(LOOPBACK, port)
    except OSError as error:
        reason = error.strerror or str(error)
        raise proof.failed(f"SERVER_FAIL KEFU_INTERNAL_PORT={port} host={LOOPBACK}: {reason}") from error


@contextlib.asynccontextmanager
async def observed(
    transport: TransportServer, appender: Appender, internal: Litestar, sockets: list[socket.socket]
) -> AsyncIterator[None]:
    """Watches these parts; answers on the internal port if there are sockets for it, from start to stop.

    Args:
        transport: Whose connections and waiting bytes are shown.
        appender: Whose queue is shown.
        internal: The internal port's application.
        sockets: What it listens on, closed in the end.
    """
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(metrics.CONNECTIONS.watch(transport.count_connections))
        stack.callback(metrics.OUTBOX_BYTES.watch(transport.count_waiting_bytes))
        stack.callback(metrics.APPEND_QUEUE.watch(lambda: {(): appender.waiting}))
        stack.callback(metrics.BUILD.watch(lambda: _VERSION))
        lag = asyncio.create_task(_watch_lag(), name="loop lag")
        stack.callback(lag.cancel)
        if sockets:
            await stack.enter_async_context(_answering(internal, sockets))
        yield


@contextlib.asynccontextmanager
async def _answering(internal: Litestar, sockets: list[socket.socket]) -> AsyncIterator[None]:
    server = WebServer(internal, install_signals=False, stop_seconds_max=1)
    running = asyncio.create_task(server.serve(sockets), name="internal port")
    try:
        yield
    finally:
        server.stop()
        await asyncio.gather(running, return_exceptions=True)


async def _watch_lag() -> None:
    while True:
        due = time.perf_counter() + LAG_INTERVAL_S
        await asyncio.sleep(LAG_INTERVAL_S)
        metrics.LOOP_LAG.observe(max(0.0, time.perf_counter() - due))
