"""Every cap of the transport: who passes one loses their own socket, with a reason that is counted and logged once."""

from __future__ import annotations

import asyncio

import pytest
from raw_socket import BINARY, CONTINUATION, PING, PONG, TEXT, RawSocket, frame
from test_polling import Poller


def counted(server):
    return {reason: count for reason, count in server.transport.refusals.items() if count}


@pytest.mark.parametrize(
    ("limits", "frames", "code", "reason"),
    [
        ({"message_bytes_max": 1000}, [frame(b"4" * 1001)], 1009, "message too big"),
        (
            {"message_bytes_max": 1000},
            [frame(b"4" * 600, fin=False), frame(b"4" * 600, CONTINUATION)],
            1009,
            "message too big",
        ),
        (
            {"message_bytes_max": 1000},
            [frame(b'452-["a"]'), frame(b"x" * 600, BINARY), frame(b"x" * 600, BINARY)],
            1009,
            "message too big",
        ),
        ({"fragments_max": 2}, [frame(b"4", fin=False)] + [frame(b"", 0, fin=False)] * 2, 1008, "too many fragments"),
        ({"attachments_max": 1}, [frame(b'452-["a"]')], 1008, "too many attachments"),
        ({"json_depth_max": 8}, [frame(b'42["a",' + b"[" * 9)], 1008, "json too deep"),
        ({"packets_per_second_max": 20}, [frame(b"", PING)] * 60, 1008, "too many packets"),
        ({}, [frame(b'42["a')], 1002, "malformed packet"),
        ({}, [frame(b"4", rsv=4)], 1002, "protocol error"),
        ({}, [frame(b'42["\xff"]')], 1007, "not utf-8"),
    ],
)
async def test_messages(run_server, limits, frames, code, reason):
    server = await run_server(**limits)
    raw = await RawSocket.connect(server.port)
    raw.write(b"".join(frames))
    while (got := await raw.frame())[0] not in (8, None):
        pass
    assert got == (8, code.to_bytes(2, "big") + reason.encode())
    assert counted(server) == {reason: 1}


async def test_fragments_that_do_not_end(run_server):
    pieces = [frame(b"4", fin=False), frame(b"a", CONTINUATION, fin=False), frame(b"", PING)]
    server = await run_server(message_seconds_max=0.6)
    bystander = await RawSocket.connect(server.port)
    raw = await RawSocket.connect(server.port)
    before = asyncio.get_running_loop().time()
    for piece in pieces:
        raw.write(piece)
        await asyncio.sleep(0.05)
    assert await raw.close_code() == 1008
    assert 0.2 < asyncio.get_running_loop().time() - before < 1.5
    assert counted(server) == {"message too slow": 1}
    bystander.send(b'421["a"]')
    assert await bystander.text() == b"431[]"


@pytest.mark.parametrize("size", [200, 3000, 20_000])
async def test_a_frame_that_does_not_end(run_server, size):
    """One frame that trickles; before it, one that made the parser's buffer grow."""
    server = await run_server(message_seconds_max=0.6)
    bystander = await RawSocket.connect(server.port)
    raw = await RawSocket.connect(server.port)
    raw.send(b'421["a","' + b"x" * 5000 + b'"]')
    assert (await raw.text()).startswith(b"431")
    before = asyncio.get_running_loop().time()
    stream = frame(b"4" * (size + 100))
    raw.write(stream[:size])

    async def trickle():
        for byte in stream[size:]:
            raw.write(bytes((byte,)))
            await asyncio.sleep(0.05)

    trickling = asyncio.create_task(trickle())
    assert await raw.close_code() == 1008
    trickling.cancel()
    assert 0.2 < asyncio.get_running_loop().time() - before < 1.5
    assert counted(server) == {"message too slow": 1}
    bystander.send(b'421["a"]')
    assert await bystander.text() == b"431[]"


async def test_idle_sockets_are_left_alone(run_server):
    """Whatever size came before, in one piece or two, whole frames leave nothing behind."""
    server = await run_server(message_seconds_max=0.4)
    sockets = []
    for size in (1, 100, 1500, 1900, 2033, 2048, 4000, 6000, 16_384, 60_000):
        for cut in (0, 1, 3, 7, size // 2):
            raw = await RawSocket.connect(server.port)
            stream = frame(b'421["a","' + b"x" * size + b'"]') + frame(b"", PING)
            raw.write(stream[:cut])
            await asyncio.sleep(0.002)
            raw.write(stream[cut:])
            sockets.append(raw)
    for raw in sockets:
        assert (await raw.text()).startswith(b"431")
        assert (await raw.frame())[0] == PONG
    await asyncio.sleep(1)
    assert not counted(server)
    for raw in sockets:
        raw.send(b'422["a"]')
        assert await raw.text() == b"432[]"


async def test_slow_messages_that_end_are_no_fault(run_server):
    server = await run_server(message_seconds_max=0.6)
    raw = await RawSocket.connect(server.port)
    whole = frame(b'421["a"]')
    for _ in range(12):
        raw.write(whole[:5])
        await asyncio.sleep(0.1)
        raw.write(whole[5:])
        assert await raw.text() == b"431[]"
    await asyncio.sleep(1)
    assert not counted(server)


async def test_polling(run_server, http):
    server = await run_server(packets_per_poll_max=5, body_seconds_max=0.1)
    await (await Poller(http, server).connect()).post("\x1e".join(["3"] * 6))
    assert counted(server) == {"too many packets in a poll": 1}

    async def trickle():
        yield b"42"
        await asyncio.sleep(0.4)
        yield b'["a"]'

    await (await Poller(http, server).connect()).post(trickle())
    assert counted(server)["body too slow"] == 1


async def test_handshakes(run_server):
    server = await run_server(connections_per_address_max=1, header_bytes_max=2000, handshake_seconds_max=0.3)
    kept = await RawSocket.connect(server.port, X_Forwarded_For="203.0.113.1")
    assert (await RawSocket.open(server.port, X_Forwarded_For="203.0.113.1")).status == 429
    assert (await RawSocket.open(server.port, Origin="http://evil.example")).status == 403
    assert (await RawSocket.open(server.port, X="a" * 3000)).status == 431
    silent = await RawSocket.open(server.port)
    assert await silent.close_code() == 1008
    assert kept.connected
    assert counted(server) == {
        "too many connections of an address": 1,
        "origin": 1,
        "headers too big": 1,
        "connect timeout": 1,
    }


async def test_an_endpoint_counts_its_own(server):
    raw = await RawSocket.connect(server.port)
    raw.send(b'42["close",1008,"no token"]')
    assert await raw.close_code() == 1008
    assert counted(server) == {"no token": 1}


async def test_one_line_a_reason_and_interval(run_server, caplog):
    server = await run_server(close_seconds_max=0.1)
    caplog.set_level("INFO", "kefu.transport")
    for _ in range(3):
        raw = await RawSocket.connect(server.port)
        raw.send(b"9")
        await raw.closed()
    await server.until(lambda: "malformed packet" in caplog.text)
    hub = server.transport._hub
    hub.refusals.log(hub.now() + 61)
    lines = [line for line in caplog.text.splitlines() if "malformed packet" in line]
    assert 1 <= len(lines) <= 2
    assert lines[-1].endswith("3 in all")
    assert "127.0.0.1" not in caplog.text


async def test_a_slow_reader_delays_nobody(run_server):
    """One socket reads nothing while a thousand events go to everybody: the others get each of them without delay."""
    server = await run_server(outbox_bytes_max=200_000, packets_per_second_max=100_000)
    slow, sender, other = [await RawSocket.connect(server.port) for _ in range(3)]
    slow.writer.transport.pause_reading()
    loop, waits = asyncio.get_running_loop(), []
    for number in range(1000):
        before = loop.time()
        sender.send(b'42["broadcast",%d,"%b"]' % (number, b"x" * 20_000))
        assert (await other.text()).startswith(b'42["news",%d,' % number)
        waits.append(loop.time() - before)
    assert ("disconnect", "slow reader") in server.visitor.calls
    assert counted(server) == {"slow reader": 1}
    assert sorted(waits)[990] < 0.1
    sender.send(b'421["a"]')
    assert await sender.text() == b"431[]"


async def test_a_slow_reader_that_reads_again_hears_why(run_server):
    server = await run_server(outbox_bytes_max=200_000)
    slow = await RawSocket.connect(server.port)
    slow.writer.transport.pause_reading()
    slow.send(b'42["flood",200,65000]')
    await server.until(lambda: ("disconnect", "slow reader") in server.visitor.calls)
    slow.writer.transport.resume_reading()
    while (got := await slow.frame())[0] == TEXT:
        pass
    assert got == (8, (1013).to_bytes(2, "big") + b"slow reader")
