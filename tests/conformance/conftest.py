"""A server for each test: the echo application on a free port, on uvloop, in the test's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import aiohttp
import pytest
import uvloop

sys.path.insert(0, str(Path(__file__).parent))

import echo
import echo_app

from kefu.transport.server.options import TransportOptions
from kefu.transport.server.serve import TransportServer, WebServer, bind


def pytest_asyncio_loop_factories(config, item):
    return {"uvloop": uvloop.new_event_loop}


class Running:
    """A server that runs."""

    def __init__(self, transport, visitor=None, admin=None):
        self.visitor = visitor
        self.admin = admin
        self.transport = transport
        self.web = WebServer(self.transport.asgi(echo_app.inner_app), transport=self.transport, install_signals=False)

    @classmethod
    def with_echo(cls, options):
        """The two paths of `echo_app`."""
        visitor, admin = echo_app.Echo(), echo_app.Echo()
        return cls(TransportServer({"/ws-visitor": visitor, "/ws-admin": admin}, options), visitor, admin)

    async def start(self):
        sockets = bind("127.0.0.1", 0)
        self.port = sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.task = asyncio.create_task(self.web.serve(sockets))
        while not self.web.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.005)

    async def stop(self):
        self.web.stop()
        await self.task

    async def kill(self):
        """Ends the server without its stop, which takes a third of a second and is tested elsewhere."""
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        for listener in self.web.servers:
            listener.close()
        for clients in self.transport._hub.clients.values():
            for client in list(clients):
                client.end(1012, "", "killed")
        for connection in list(self.web.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        self.transport._hub.stop()

    async def until(self, condition, seconds=5):
        """Waits until the condition holds."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 (any condition at all)
                await asyncio.sleep(0.005)


@pytest.fixture
async def started():
    """Starts servers; stops them all afterwards."""
    running = []

    async def start(server):
        await server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        if not server.task.done():
            await server.kill()


@pytest.fixture
async def run_server(started):
    """Starts servers with the echo application and given options."""

    async def run(**options):
        return await started(Running.with_echo(TransportOptions(**{"stop_seconds_max": 0.2, **options})))

    return run


@pytest.fixture
async def run_echo(started):
    """Starts `echo.py` on a path: `/engine.io` or `/socket.io`, with the times of the official test suites."""

    async def run(path, **options):
        times = {"ping_interval_ms": 300, "ping_timeout_ms": 200, "handshake_seconds_max": 1.0}
        given = TransportOptions(**{**times, "message_bytes_max": 1_000_000, **options})
        return await started(Running(echo.transport(path, None, given)))

    return run


@pytest.fixture
async def http():
    """An HTTP client."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def server(run_server):
    """A server with the default limits."""
    return await run_server()
