"""Putting the transport and an ASGI application on a port, and taking them off again.

`TransportServer` answers the socket paths; `WebServer` is uvicorn with this project's settings and stop: it tells that
it is about to stop, and still accepts for a grace; then it stops accepting, lets the application say goodbye, closes
every websocket with 1012, and lets uvicorn finish requests. Several may run on one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from typing import Any

import uvicorn

from kefu.transport.endpoint import Connection
from kefu.transport.server import frames
from kefu.transport.server.client import Client
from kefu.transport.server.handshake import service_path
from kefu.transport.server.heartbeat import Deadlines
from kefu.transport.server.http import HeaderDeadline, guarded_protocol
from kefu.transport.server.hub import Hub
from kefu.transport.server.options import TransportOptions
from kefu.transport.server.polling import Polling, Receive, Scope, Send
from kefu.transport.server.refusals import Refusals
from kefu.transport.server.service import Served, service
from kefu.transport.server.socket_client import SocketClient
from kefu.transport.server.websocket import UpgradedProtocol
from kefu.transport.server.workers import Worker, WorkerProtocol

logger = logging.getLogger("kefu.transport")

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
_BACKLOG = 2048
_KEEP_ALIVE_SECONDS = 30
_HEADER_SWEEP_SECONDS = 0.25
_STOP_POLL_SECONDS = 0.02


class TransportServer:
    """Engine.IO and Socket.IO on some paths.

    Args:
        served: By path, without a trailing slash: `/ws-visitor`.
        options: Limits.
        worker: Which of several processes on one port this is; None if it is the only one.
    """

    def __init__(
        self,
        served: Mapping[str, Served],
        options: TransportOptions | None = None,
        worker: Worker | None = None,
    ) -> None:
        self.options = options or TransportOptions()
        self._hub = Hub({path: service(what) for path, what in served.items()}, self.options)
        self._polling: AsgiApp = Polling(self._hub)
        self._worker = worker
        if worker is not None:
            self._hub.sid_prefix = worker.sid_prefix
            self._polling = worker.passing_on(self._polling, self.options)

    @property
    def connections(self) -> Mapping[str, Sequence[Connection]]:
        """Open connections of each path, in all its namespaces; a copy."""
        return {path: _connections(clients) for path, clients in self._hub.clients.items()}

    @property
    def counter(self) -> Refusals:
        """Where what belongs to the same server counts what it refuses."""
        return self._hub.refusals

    @property
    def refusals(self) -> Mapping[str, int]:
        """How often requests and sockets were refused, by reason; a live view."""
        return self._hub.refusals.counts

    def count_connections(self) -> Mapping[tuple[str, ...], float]:
        """Live connections by path and by the transport they use now, `polling` or `websocket`."""
        return self._hub.count_connections()

    def count_waiting_bytes(self) -> Mapping[tuple[str, ...], float]:
        """Bytes that wait for readers, by path."""
        return self._hub.count_waiting_bytes()

    def asgi(self, inner_app: AsgiApp) -> AsgiApp:
        """An application that answers the socket paths and gives everything else to `inner_app`."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and service_path(scope["path"], self._hub.services):
                await self._polling(scope, receive, send)
            else:
                await inner_app(scope, receive, send)

        return app

    def ws_protocol(self, **_uvicorn: Any) -> UpgradedProtocol:
        """What uvicorn takes as `ws=`."""
        return UpgradedProtocol(self._hub) if self._worker is None else WorkerProtocol(self._hub, self._worker)

    def start(self) -> None:
        """Starts the shared timer on the running loop."""
        self._hub.start()

    def refuse_new(self) -> None:
        """Lets nobody in any more; who is in stays."""
        self._hub.is_stopping = True

    async def stop(self) -> None:
        """Closes every connection with 1012, within `stop_seconds_max`, and lets nobody in any more."""
        self.refuse_new()
        hub = self._hub
        clients = [client for clients in hub.clients.values() for client in clients]
        channels = [client.channel for client in clients]
        if self._worker is not None:
            self._worker.close()
        for client in clients:
            client.end(frames.CLOSE_RESTART, "server restart", "server restart")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.options.stop_seconds_max):
                while not all(channel.is_gone for channel in channels):  # noqa: ASYNC110 (10,000 events cost more)
                    await asyncio.sleep(_STOP_POLL_SECONDS)
        for channel in channels:
            channel.expire()
        hub.stop()


def _connections(clients: Iterable[Client]) -> list[Connection]:
    return [one for client in clients if isinstance(client, SocketClient) for one in client.connections]


class WebServer(uvicorn.Server):
    """uvicorn for one application, with or without sockets.

    Args:
        app: The application; with `transport` it should be `transport.asgi(app)`.
        transport: Whose websockets are served; None answers upgrades with an error.
        on_started: Called with the port when connections are accepted.
        on_draining: Called when the stop is asked for: everybody still comes in, but load balancers should turn away.
        on_stopping: Awaited when nobody new comes in any more, and everybody is still connected.
        install_signals: SIGINT and SIGTERM stop this server. False where another server or the program takes them.
        stop_grace_ms: Between `on_draining` and the end of accepting.
        goodbye_seconds_max: How long `on_stopping` may take.
        stop_seconds_max: How long requests may take to finish after it.
    """

    def __init__(
        self,
        app: AsgiApp,
        *,
        transport: TransportServer | None = None,
        on_started: Callable[[int], None] | None = None,
        on_draining: Callable[[], None] | None = None,
        on_stopping: Callable[[], Awaitable[None]] | None = None,
        install_signals: bool = True,
        stop_grace_ms: int = 0,
        goodbye_seconds_max: float = 5.0,
        stop_seconds_max: int = 5,
    ) -> None:
        options = transport.options if transport else TransportOptions()
        self._headers: Deadlines[HeaderDeadline] = Deadlines(options.handshake_seconds_max, HeaderDeadline.expire)
        super().__init__(
            uvicorn.Config(
                app,
                http=guarded_protocol(
                    options.header_bytes_max, self._headers, transport.counter if transport else Refusals()
                ),
                ws=transport.ws_protocol if transport else "none",  # type: ignore[arg-type]
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=stop_seconds_max,
            )
        )
        self._transport = transport
        self._on_started = on_started
        self._on_draining = on_draining
        self._on_stopping = on_stopping
        self._stop_grace_s = stop_grace_ms / 1000
        self._goodbye_seconds_max = goodbye_seconds_max
        self._install_signals = install_signals
        self._sweeper: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        """Asks the server to stop; `serve` returns when it has. Safe to call twice and from a signal handler."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Uvicorn's, then the timers."""
        if self._transport:
            self._transport.start()
        await super().startup(sockets)
        if not self.started:
            return
        self._sweep()
        if self._on_started:
            self._on_started(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tells, waits, stops accepting, says goodbye, closes websockets, then uvicorn's."""
        if self._on_draining:
            self._on_draining()
        await asyncio.sleep(self._stop_grace_s)
        for server in self.servers:
            server.close()
        if self._transport:
            self._transport.refuse_new()
        try:
            if self._on_stopping:
                async with asyncio.timeout(self._goodbye_seconds_max):
                    await self._on_stopping()
        except TimeoutError:
            logger.warning("on_stopping took longer than %g s; the stop goes on", self._goodbye_seconds_max)
        except Exception:
            logger.exception("on_stopping failed; the stop goes on")
        if self._transport:
            await self._transport.stop()
        await super().shutdown(sockets)
        if self._sweeper:
            self._sweeper.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Uvicorn's, without its raising the signal again afterwards: the caller has its own ending."""
        if not self._install_signals:
            yield
            return
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._headers.sweep(loop.time())
        self._sweeper = loop.call_later(_HEADER_SWEEP_SECONDS, self._sweep)


def bind(host: str, port: int, *, shared: bool = False) -> list[socket.socket]:
    """Listening sockets for every address of the host.

    Args:
        host: A name or address; empty: all.
        port: 0 takes a free one.
        shared: Other processes of this user may listen on the port too, if they also say so; the kernel spreads
            connections over them.

    Raises:
        OSError: If one cannot be bound: taken, forbidden, unknown host.
    """
    addresses = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(addresses):
            listener = socket.socket(family, kind, protocol)
            sockets.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if shared:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
            listener.setblocking(False)
    except OSError:
        for listener in sockets:
            listener.close()
        raise
    return sockets


async def serve(
    app: AsgiApp,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    sockets: list[socket.socket] | None = None,
    transport: TransportServer | None = None,
    on_started: Callable[[int], None] | None = None,
    on_stopping: Callable[[], Awaitable[None]] | None = None,
    install_signals: bool = True,
) -> None:
    """Serves until SIGINT, SIGTERM or cancellation of a `WebServer` of one's own.

    Args:
        app: As for `WebServer`, and so are the others.
        host: Where to listen unless `sockets` are given.
        port: 0 takes a free one.
        sockets: Ready, listening or bound.
        transport: As for `WebServer`.
        on_started: As for `WebServer`.
        on_stopping: As for `WebServer`.
        install_signals: As for `WebServer`.

    Raises:
        OSError: If the port cannot be bound.
    """
    server = WebServer(
        transport.asgi(app) if transport else app,
        transport=transport,
        on_started=on_started,
        on_stopping=on_stopping,
        install_signals=install_signals,
    )
    await server.serve(sockets if sockets is not None else bind(host, port))
