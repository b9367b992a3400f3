"""A real chat-server on a real database, and independent clients (python-socketio) that record what they get.

The tests of this folder run on one event loop a module, so that a module can share a server.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import socketio

from kefu import app
from kefu.actions import compare
from kefu.config import Settings
from kefu.tokens import issue_agent_token
from kefu.transport.server.serve import bind

SECRET = "f3b1c0d9e8a7465b92d1c3e4f5a60718293a4b5c6d7e8f90"
ORIGIN = "https://shop.example"
CONSOLE = "https://desk.example"

_addresses = (f"198.18.{high}.{low}" for high in range(256) for low in range(1, 255))


class Client:
    """One socket. `log` holds, in order, every event and every answered ack as `(name, payload)`."""

    def __init__(self, port: int, path: str, address: str | None = None) -> None:
        self.address = address or next(_addresses)
        self.log: list[tuple[str, Any]] = []
        self._url, self._path = f"http://127.0.0.1:{port}", path
        self._socket = socketio.AsyncClient(reconnection=False)
        self._socket.on("*", self._record)
        self._socket.on("disconnect", lambda *_: self.log.append(("disconnect", None)))

    def _record(self, event: str, *args: Any) -> None:
        self.log.append((event, args[0] if args else None))

    async def connect(self, *, transport: str = "websocket", auth: Any = None, **headers: str) -> Client:
        sent = {"X-Forwarded-For": self.address, **{name.replace("_", "-"): text for name, text in headers.items()}}
        await self._socket.connect(
            self._url, headers=sent, auth=auth, transports=[transport], socketio_path=self._path, wait_timeout=5
        )
        return self

    @property
    def connected(self) -> bool:
        return self._socket.connected

    async def emit(self, event: str, payload: Any = None) -> None:
        """As an older client does: no ack."""
        await self._socket.emit(event, payload)

    async def ask(self, event: str, payload: Any = None) -> Any:
        """With an ack; its answer."""
        answer = asyncio.get_running_loop().create_future()

        def answered(payload: Any = None) -> None:
            self.log.append(("ack " + event, payload))
            answer.set_result(payload)

        await self._socket.emit(event, payload, callback=answered)
        return await asyncio.wait_for(answer, 10)

    async def get(self, event: str, count: int = 1) -> list[Any]:
        """The payloads of an event once there are so many."""
        async with asyncio.timeout(8):
            while len(self.of(event)) < count:  # noqa: ASYNC110 - what is waited for has no event to set
                await asyncio.sleep(0.005)
        return self.of(event)

    def of(self, event: str) -> list[Any]:
        return [payload for name, payload in self.log if name == event]

    def names(self) -> list[str]:
        return [name for name, _ in self.log]

    def everything(self) -> str:
        return json.dumps(self.log, ensure_ascii=False)

    async def close(self) -> None:
        await self._socket.disconnect()


class Server:
    """A running chat-server, its database, and whoever connects."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.url, self.settings = url, settings
        self.chat: app.ChatServer
        self._listeners = bind("127.0.0.1", 0)
        self.port: int = self._listeners[0].getsockname()[1]
        self._stop, self._clients = asyncio.Event(), []
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        started, join = asyncio.Event(), app.join

        def joined(*args: Any, **kwargs: Any) -> app.ChatServer:
            self.chat = join(*args, **kwargs)
            return self.chat

        app.join = joined
        try:
            self._running = asyncio.create_task(
                app.run_chat_server(
                    self.settings,
                    sockets=self._listeners,
                    install_signals=False,
                    started=started.set,
                    stop=self._stop,
                )
            )
            waiting = asyncio.create_task(started.wait())
            await asyncio.wait({self._running, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
            waiting.cancel()
            if not started.is_set():
                await self._running
        finally:
            app.join = join

    async def stop(self) -> None:
        for client in self._clients:
            await client.close()
        self._stop.set()
        if self._running is not None:
            await asyncio.wait_for(self._running, 15)
        for listener in self._listeners:
            listener.close()

    # --- who connects ------------------------------------------------------------------------------------

    async def visitor(self, *, address: str | None = None, transport: str = "websocket", **headers: str) -> Client:
        client = Client(self.port, "/ws-visitor", address)
        self._clients.append(client)
        return await client.connect(transport=transport, **headers)

    async def agent_socket(self, *, auth: Any = None, address: str | None = None, **options: Any) -> Client:
        client = Client(self.port, "/ws-admin", address)
        self._clients.append(client)
        return await client.connect(auth=auth, **options)

    async def agent(self, agent_id: str = "ann", role: str = "agent", name: str | None = "Ann") -> Client:
        """An authenticated agent's socket with an empty log."""
        client = await self.agent_socket(auth={"token": self.token(agent_id, role, name)})
        await client.get("admin_authed")
        client.log.clear()
        return client

    def token(self, agent_id: str = "ann", role: str = "agent", name: str | None = "Ann", *, left_s: int = 900) -> str:
        """A token that ends in so many seconds."""
        now = time.time() - 900 + left_s
        return issue_agent_token(SECRET, agent_id=agent_id, role=role, name=name, seconds=900, now=now)

    async def greeted(self, **hello: Any) -> tuple[Client, dict[str, Any]]:
        """A visitor's socket after its hello, and the ack."""
        client = await self.visitor(address=hello.pop("address", None))
        ack = await client.ask("visitor_hello", {"sessionId": f"s_{uuid.uuid4()}"} | hello)
        assert ack["ok"], ack
        if ack["conversationId"] is not None:
            await client.get("conversation_open")
        return client, ack

    # --- the database past the server ----------------------------------------------------------------------

    async def sql(self, statement: str, *args: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetch(statement, *args)
        finally:
            await connection.close()

    async def texts(self, conversation_id: str) -> list[str]:
        """Stored texts by seq; the numbers must have no hole (promise 1)."""
        rows = await self.sql(
            "select seq, body_text from message where conversation_id = $1 order by seq", conversation_id
        )
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        return [row["body_text"] for row in rows]


def server_settings(url: str, **changes: Any) -> Settings:
    return Settings(
        _env_file=None,
        **{
            "database_url": url,
            "admin_jwt_secret": SECRET,
            "allowed_origins": (ORIGIN,),
            "admin_allowed_origins": (CONSOLE,),
            "db_pool_max": 5,
            **changes,
        },
    )


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def serve(module_database_url: str) -> AsyncIterator[Callable[..., Awaitable[Server]]]:
    """Starts servers with settings of one's own on the module's database."""
    servers: list[Server] = []

    async def start(url: str = module_database_url, **changes: Any) -> Server:
        server = Server(url, server_settings(url, **changes))
        servers.append(server)
        await server.start()
        return server

    # Tests wait for less than production does.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "STALE_INTERVAL_S", 0.1)
        patch.setattr(compare, "INTERVAL_S", 0.5)
        yield start
        for server in servers:
            await server.stop()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server(serve: Callable[..., Awaitable[Server]]) -> Server:
    """The module's server with the default limits."""
    return await serve()
