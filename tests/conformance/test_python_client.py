"""python-socketio's client, which is not ours, against this server."""

from __future__ import annotations

import asyncio

import pytest
import socketio

TRANSPORTS = [["websocket"], ["polling"], ["polling", "websocket"]]


@pytest.fixture
async def dial(server):
    clients = []
    refusals = []

    async def connect(transports, **how):
        client = socketio.AsyncClient(reconnection=False)
        client.seen = []
        client.on("*", lambda event, *args: client.seen.append((event, *args)))
        client.on("connect_error", refusals.append)
        clients.append(client)
        path = how.pop("path", "/ws-visitor")
        await client.connect(server.url, socketio_path=path, transports=transports, wait_timeout=5, **how)
        return client

    connect.refusals = refusals
    yield connect
    for client in clients:
        await client.disconnect()


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
async def test_events_acks_and_binary(server, dial, transports):
    client = await dial(transports, auth={"token": "t"})
    assert client.transport() == transports[-1]
    assert await client.call("ask", {"n": 1}, timeout=5) == {"n": 1}
    for number in range(50):
        await client.emit("echo", number)
    await client.emit("echo", b"\x00\xff")
    await server.until(lambda: len(client.seen) == 52)
    assert [event[1] for event in client.seen[1:]] == [*range(50), repr(b"\x00\xff")]
    assert server.visitor.calls[0][:2] == ("connect", {"token": "t"})


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
async def test_disconnect_is_told(server, dial, transports):
    client = await dial(transports)
    await client.disconnect()
    await server.until(lambda: server.visitor.calls[-1][0] == "disconnect")
    assert server.visitor.calls[-1][1] in ("client", "transport close")


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
async def test_refusal_is_told(dial, transports):
    with pytest.raises(socketio.exceptions.ConnectionError):
        await dial(transports, auth={"refuse": True})
    assert dial.refusals == [{"message": "no", "data": {"code": 7}}]


async def test_paths_are_apart(server, dial):
    visitor = await dial(["websocket"])
    await dial(["websocket"], path="/ws-admin/")
    await visitor.call("broadcast", 1, timeout=5)
    await asyncio.sleep(0.05)
    assert ("news", 1) in visitor.seen
    assert server.admin.calls[0][0] == "connect"
    assert len(server.admin.calls) == 1
