"""Disabling an agent closes their sockets on every node within two seconds."""

from __future__ import annotations

import asyncio
import time

import pytest
from typer.testing import CliRunner

from integration.nats_server import NatsServer
from kefu.cli import agent as command
from kefu.gateway import revoke

from .conftest import SECRET

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLOSED_WITHIN_S = 2.0


@pytest.fixture(scope="module")
def nats():
    server = NatsServer()
    server.start()
    yield server
    server.stop()


async def disabled(server, agent_id: str, monkeypatch, tmp_path, **environment: str) -> None:
    """As an operator does it."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"CHAT_DATABASE_URL": server.url, "CHAT_ADMIN_JWT_SECRET": SECRET, **environment}.items():
        monkeypatch.setenv(name, value)
    result = await asyncio.to_thread(CliRunner().invoke, command.app, ["disable", agent_id])
    assert result.output == f"{agent_id} is disabled\n"


async def all_closed(clients) -> None:
    async with asyncio.timeout(CLOSED_WITHIN_S):
        while any(client.connected for client in clients):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("way", ["the bus", "the database alone"])
async def test_disabling_closes_every_socket_on_every_node(
    serve, nats, way: str, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    """By the bus at once (the look at the database is made too rare to help), and by the database alone."""
    agent_id, keeper = ("dora", "kit") if way == "the bus" else ("dave", "ken")
    environment = {}
    if way == "the bus":
        monkeypatch.setattr(revoke, "INTERVAL_S", 3600)
        environment["KEFU_NATS_URL"] = nats.url
    nodes = [await serve(nats_url=nats.url) for _ in range(2)]
    clients = [await node.agent(agent_id) for node in nodes for _ in range(2)]
    others = [await node.agent(keeper) for node in nodes]
    await disabled(nodes[0], agent_id, monkeypatch, tmp_path, **environment)
    began = time.monotonic()
    await all_closed(clients)
    if way == "the bus":
        assert time.monotonic() - began < revoke.PAUSE_S + 0.5
    assert all(other.connected for other in others)
    again = await nodes[0].agent_socket()
    assert (await again.ask("admin_auth", {"token": nodes[0].token(agent_id)}))["error"] == "FORBIDDEN"
    for node in nodes:
        await node.stop()


async def test_the_command_does_not_need_the_bus(serve, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """An operator can shut somebody out while NATS is away."""
    server = await serve()
    client = await server.agent("frank")
    await disabled(server, "frank", monkeypatch, tmp_path, KEFU_NATS_URL="nats://127.0.0.1:9")
    await all_closed([client])
    await server.stop()
