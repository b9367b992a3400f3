"""The move from polling to a websocket: nothing lost, doubled or reordered."""

from __future__ import annotations

import asyncio
import json

import pytest
from raw_socket import TEXT, RawSocket
from test_polling import Poller


async def probe(server, poller):
    raw = await RawSocket.open(server.port, f"/ws-visitor/?EIO=4&transport=websocket&sid={poller.query['sid']}")
    assert raw.status == 101
    raw.send(b"2probe")
    assert await raw.frame() == (TEXT, b"3probe")
    return raw


def connection(server):
    return next(iter(server.visitor.connections.values()))


async def test_upgrade_by_the_book(server, http):
    poller = await Poller(http, server).connect()
    waiting = asyncio.create_task(poller.get())
    await asyncio.sleep(0.02)
    raw = await probe(server, poller)
    assert await waiting == (200, "6")
    connection(server).emit("before", 1)
    raw.send(b"5")
    raw.send(b'421["after"]')
    assert await raw.text() == b'42["before",1]'
    assert await raw.text() == b"431[]"


async def test_polling_goes_on_while_probing(server, http):
    poller = await Poller(http, server).connect()
    raw = await probe(server, poller)
    await poller.post('421["x"]')
    assert await poller.get() == (200, "431[]")
    assert await poller.get() == (200, "6")
    raw.send(b"5")
    raw.send(b'422["x"]')
    assert await raw.text() == b"432[]"


async def test_late_requests_are_refused(server, http):
    poller = await Poller(http, server).connect()
    raw = await probe(server, poller)
    raw.send(b"5")
    raw.send(b'421["x"]')
    await raw.text()
    for status, text in (await poller.get(), await poller.post('42["late"]')):
        assert (status, json.loads(text)["code"]) == (400, 1)
    assert server.visitor.calls[-1] == ("x", [])


async def test_a_lost_probe_leaves_polling(server, http):
    poller = await Poller(http, server).connect()
    raw = await probe(server, poller)
    raw.drop()
    await server.until(lambda: next(iter(server.transport._hub.sessions.values())).move is None)
    await poller.post('421["x"]')
    assert await poller.get() == (200, "431[]")
    await probe(server, poller)


async def test_only_one_probe(server, http):
    poller = await Poller(http, server).connect()
    raw = await probe(server, poller)
    target = f"/ws-visitor/?EIO=4&transport=websocket&sid={poller.query['sid']}"
    for move in (b"", b"5"):  # while the session is probed, and after it has moved
        if move:
            raw.send(move)
        second = await RawSocket.open(server.port, target)
        assert second.status == 101
        second.send(b'42["stranger"]')
        assert await second.close_code() == 1008
    raw.send(b'421["x"]')
    assert await raw.text() == b"431[]"
    assert [call[0] for call in server.visitor.calls] == ["connect", "x"]


async def test_a_probe_belongs_to_its_path(server, http):
    poller = await Poller(http, server).connect()
    target = f"/ws-admin/?EIO=4&transport=websocket&sid={poller.query['sid']}"
    assert (await RawSocket.open(server.port, target)).status == 400


@pytest.mark.parametrize("first", [b"5", b'42["x"]', b"3", b"nonsense"])
async def test_other_packets_than_a_probe_end_the_session(server, http, first):
    poller = await Poller(http, server).connect()
    raw = await RawSocket.open(server.port, f"/ws-visitor/?EIO=4&transport=websocket&sid={poller.query['sid']}")
    raw.send(first)
    await server.until(lambda: server.visitor.calls[-1] == ("disconnect", "malformed packet"))
    assert await raw.close_code() is not None


async def test_upgrade_deadline(run_server, http):
    server = await run_server(handshake_seconds_max=0.2, ping_interval_ms=1000, ping_timeout_ms=500)
    poller = await Poller(http, server).connect()
    raw = await probe(server, poller)
    assert await raw.close_code() == 1008
    await poller.post('421["x"]')
    assert "431[]" in (await poller.get())[1]


async def test_upgrade_while_messages_flow(server, http):
    """Numbers go both ways all the time; each side must see its own sequence."""
    poller = await Poller(http, server).connect()
    seen, stop = [], asyncio.Event()

    async def emit():
        number = 0
        while not stop.is_set():
            connection(server).emit("n", number)
            number += 1
            await asyncio.sleep(0.001)
        connection(server).emit("end")

    def note(text):
        seen.extend(json.loads(packet[2:])[1] for packet in text.split("\x1e") if packet.startswith('42["n"'))

    emitting = asyncio.create_task(emit())
    for number in range(10):
        await poller.post(f'42["up",{number}]')
        note((await poller.get())[1])
    raw = await probe(server, poller)
    await poller.post('42["up",10]')
    note((await poller.get())[1])
    raw.send(b"5")
    for number in range(11, 20):
        raw.send(f'42["up",{number}]'.encode())
        note((await raw.text()).decode())
    stop.set()
    await emitting
    while (text := await raw.text()) != b'42["end"]':
        note(text.decode())
    assert seen == list(range(len(seen)))
    assert len(seen) > 10
    assert [call[1][0] for call in server.visitor.calls if call[0] == "up"] == list(range(20))
