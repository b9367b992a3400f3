"""What a hostile or broken client can do to a websocket: at most lose it."""

from __future__ import annotations

import asyncio
import json

import pytest
from raw_socket import BINARY, CLOSE, CONTINUATION, PING, PONG, TARGET, TEXT, RawSocket, frame


async def alive(bystander):
    bystander.send(b'421["echo","still here"]')
    assert await bystander.text() == b'42["echo","still here"]'
    assert await bystander.text() == b'431["still here"]'


async def test_connect_event_and_ack(server):
    raw = await RawSocket.connect(server.port)
    assert json.loads(raw.connected[2:])["sid"] == json.loads(raw.welcome[2:])[1]
    raw.send(b'427["hello",{"a":[1,null,"\\u00e9"]}]')
    assert json.loads((await raw.text())[3:]) == [{"a": [1, None, "é"]}]
    assert server.visitor.calls[-1] == ("hello", [{"a": [1, None, "é"]}])


async def test_open_packet_tells_the_limits(server):
    raw = await RawSocket.open(server.port)
    packet = json.loads((await raw.text())[1:])
    assert len(packet.pop("sid")) == 22
    assert packet == {"upgrades": [], "pingInterval": 25000, "pingTimeout": 20000, "maxPayload": 65536}


@pytest.mark.parametrize("path", ["/ws-visitor", "/ws-visitor/"])
async def test_path_with_and_without_slash(server, path):
    assert (await RawSocket.open(server.port, path + "?EIO=4&transport=websocket")).status == 101


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("/other/?EIO=4&transport=websocket", 404, 3),
        ("/ws-visitor//?EIO=4&transport=websocket", 404, 3),
        ("/ws-visitor/?EIO=3&transport=websocket", 400, 5),
        ("/ws-visitor/?transport=websocket", 400, 5),
        ("/ws-visitor/?EIO=4", 400, 0),
        ("/ws-visitor/?EIO=4&transport=flash", 400, 0),
        ("/ws-visitor/?EIO=4&transport=polling", 400, 0),
        ("/ws-visitor/?EIO=4&transport=websocket&sid=nobody", 400, 1),
    ],
)
async def test_refusals_before_the_101(server, target, status, code):
    raw = await RawSocket.open(server.port, target)
    assert raw.status == status
    assert json.loads(raw.body)["code"] == code


async def test_refused_origin(server):
    raw = await RawSocket.open(server.port, Origin="http://evil.example")
    assert (raw.status, json.loads(raw.body)) == (403, {"code": 4, "message": "Forbidden"})


@pytest.mark.parametrize("header", [{"Sec_WebSocket_Key": "short"}, {"Sec_WebSocket_Version": "8"}])
async def test_bad_upgrade_headers(server, header):
    assert (await RawSocket.open(server.port, **header)).status == 400


async def test_address_comes_from_trusted_proxies(server):
    await RawSocket.connect(server.port, X_Forwarded_For="203.0.113.9, 127.0.0.1")
    assert server.visitor.calls[0][2] == "203.0.113.9"


async def test_headers_are_dropped_after_connect(server):
    await RawSocket.connect(server.port)
    (connection,) = server.visitor.connections.values()
    assert connection.handshake.headers == {}


async def test_fragments_with_a_ping_between(server):
    raw = await RawSocket.connect(server.port)
    raw.send(b'421["ec', fin=False)
    raw.send(b"hi", PING)
    raw.send(b"", CONTINUATION, fin=False)
    raw.send(b'ho",1]', CONTINUATION)
    assert await raw.frame() == (PONG, b"hi")
    assert await raw.text() == b'42["echo",1]'


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([frame(b"4", mask=None)], 1002),
        ([frame(b"4", rsv=4)], 1002),
        ([frame(b"4", rsv=2)], 1002),
        ([frame(b"4", rsv=1)], 1002),
        ([frame(b"4", kind=3)], 1002),
        ([frame(b"x", PING, fin=False)], 1002),
        ([frame(b"x" * 126, PING)], 1002),
        ([frame(b"x", CONTINUATION)], 1002),
        ([frame(b"4", fin=False), frame(b"4")], 1002),
        ([frame(b"\x03", CLOSE)], 1002),
        ([frame((999).to_bytes(2, "big"), CLOSE)], 1002),
        ([frame(b"\x03\xe8\xff", CLOSE)], 1007),
        ([frame(b'42["\xff"]')], 1007),
        ([frame(b'42["\xc0\x80"]')], 1007),
        ([frame(b"\xff")], 1007),
        ([frame(b"x" * 65537)], 1009),
        ([frame(b"x" * 40000, fin=False), frame(b"x" * 40000, CONTINUATION)], 1009),
        ([frame(b"4", fin=False)] + [frame(b"", CONTINUATION, fin=False)] * 128, 1008),
        ([frame(b"")], 1002),
        ([frame(b"9")], 1002),
        ([frame(b"2")], 1002),
        ([frame(b"5")], 1002),
        ([frame(b"40")], 1002),
        ([frame(b'42["a')], 1002),
        ([frame(b"42")], 1002),
        ([frame(b"42{}")], 1002),
        ([frame(b"42[]")], 1002),
        ([frame(b"42[1]")], 1002),
        ([frame(b'42["a"]]')], 1002),
        ([frame(b'42["a",NaN]')], 1002),
        ([frame(b'42["a",1e999]')], 1002),
        ([frame(b'42["a\x00"]')], 1002),
        ([frame(b'42["a",' + b"[" * 40 + b"]" * 40 + b"]")], 1008),
        ([frame(b'42["a",' + b"[" * 60000)], 1008),
        ([frame(b'42/other,["a"]')], 1002),
        ([frame(b'4511-["a"]')], 1008),
        ([frame(b'451-["a",{"_placeholder":true,"num":1}]'), frame(b"x", BINARY)], 1002),
        ([frame(b'451-["a",{"_placeholder":true,"num":0}]'), frame(b'42["a"]')], 1002),
        ([frame(b"x", BINARY)], 1002),
    ],
)
async def test_bad_frames_cost_their_own_socket(server, frames, code):
    bystander = await RawSocket.connect(server.port)
    raw = await RawSocket.connect(server.port)
    raw.writer.write(b"".join(frames))
    assert await raw.close_code() == code
    raw.writer.close()
    await server.until(lambda: ("disconnect", "transport close") in server.visitor.calls or _bad(server))
    await alive(bystander)


def _bad(server):
    return ("disconnect", "malformed packet") in server.visitor.calls


async def test_three_megabytes_are_not_kept(server):
    bystander = await RawSocket.connect(server.port)
    raw = await RawSocket.connect(server.port)
    raw.writer.write(frame(b"x" * 3_000_000))
    assert await raw.close_code() == 1009
    await raw.closed()
    await alive(bystander)


async def test_lone_surrogates_are_replaced(server):
    raw = await RawSocket.connect(server.port)
    raw.send(b'42["echo","a\\ud800b","\\ud83d\\ude00","c\xed\xa0\x80d"]')
    assert json.loads((await raw.text())[2:]) == ["echo", "a\ufffdb", "😀", "c\ufffdd"]


async def test_nul_is_a_character(server):
    raw = await RawSocket.connect(server.port)
    raw.send(b'42["echo","a\\u0000b"]')
    assert json.loads((await raw.text())[2:]) == ["echo", "a\0b"]


async def test_binary_event(server):
    raw = await RawSocket.connect(server.port)
    raw.send(b'452-3["x",{"_placeholder":true,"num":1},{"b":{"_placeholder":true,"num":0}}]')
    raw.send(b"zero", BINARY)
    raw.send(b"one", BINARY)
    await raw.text()
    assert server.visitor.calls[-1] == ("x", [b"one", {"b": b"zero"}])


async def test_close_is_answered_and_the_socket_ends(server):
    raw = await RawSocket.connect(server.port)
    raw.send((1001).to_bytes(2, "big") + b"bye", CLOSE)
    assert await raw.close_code() == 1001
    assert await raw.frame() == (None, b"")
    await server.until(lambda: ("disconnect", "transport close") in server.visitor.calls)


async def test_dropped_connection_is_noticed(server):
    raw = await RawSocket.connect(server.port)
    raw.drop()
    await server.until(lambda: server.visitor.calls[-1] == ("disconnect", "transport close"))
    assert not server.visitor.connections
    assert server.transport.connections["/ws-visitor"] == []


async def test_unknown_namespace(server):
    raw = await RawSocket.connect(server.port)
    raw.send(b"40/other,{}")
    assert await raw.text() == b'44/other,{"message":"Invalid namespace"}'
    await alive(raw)


async def test_refused_connect(server):
    raw = await RawSocket.connect(server.port, b'{"refuse":true}')
    assert raw.connected == b'44{"message":"no","data":{"code":7}}'
    assert await raw.close_code() == 1000
    await server.until(lambda: not server.transport._hub.clients["/ws-visitor"])
    assert all(call[0] != "disconnect" for call in server.visitor.calls)


async def test_close_by_the_endpoint_sends_what_is_queued(server):
    raw = await RawSocket.connect(server.port)
    raw.send(b'421["close",4001,"enough"]')
    assert await raw.text() == b"41"
    assert await raw.close_code() == 4001
    await server.until(lambda: server.visitor.calls[-1] == ("disconnect", "server"))


@pytest.mark.parametrize("how", ["fail", "connect"])
async def test_failing_endpoint_ends_one_socket_and_logs_no_payload(server, caplog, how):
    bystander = await RawSocket.connect(server.port)
    if how == "fail":
        raw = await RawSocket.connect(server.port)
        raw.send(b'42["fail","private"]')
    else:
        raw = await RawSocket.open(server.port)
        raw.send(b'40{"fail":"private"}')
    assert await raw.close_code() == 1011
    await alive(bystander)
    assert "RuntimeError" in caplog.text
    for secret in ("private", "127.0.0.1"):
        assert secret not in caplog.text


async def test_failing_origin_check_refuses_one_request(server, caplog):
    assert (await RawSocket.open(server.port, X_Fail="private")).status == 500
    assert (await RawSocket.open(server.port)).status == 101
    assert "RuntimeError" in caplog.text
    assert "private" not in caplog.text


async def test_slow_reader_is_cut_and_nobody_waits(run_server):
    server = await run_server(outbox_bytes_max=100_000)
    bystander = await RawSocket.connect(server.port)
    raw = await RawSocket.connect(server.port)
    raw.writer.transport.pause_reading()
    for _ in range(40):
        raw.send(b'42["flood",10,65536]')
        await asyncio.sleep(0.001)
    await server.until(lambda: ("disconnect", "slow reader") in server.visitor.calls)
    await alive(bystander)


async def test_everything_of_a_turn_leaves_in_order(server):
    raw = await RawSocket.connect(server.port)
    raw.send(b'421["flood",500,100]')
    for _ in range(500):
        assert (await raw.text()).startswith(b'42["flood"')
    assert await raw.text() == b"431[500,100]"


async def test_broadcast_reaches_both_transports(server):
    first, second = await RawSocket.connect(server.port), await RawSocket.connect(server.port)
    first.send(b'42["broadcast",{"n":1}]')
    assert await second.text() == b'42["news",{"n":1}]'
    first.send(b'421["broadcast",2]')
    assert await first.text() == b'42["news",2]'


async def test_too_many_packets(run_server):
    server = await run_server(packets_per_second_max=20)
    raw = await RawSocket.connect(server.port)
    for _ in range(60):
        raw.send(b"", PING)
    assert await raw.close_code() == 1008


async def test_ping_timeout(run_server):
    server = await run_server(ping_interval_ms=200, ping_timeout_ms=100)
    raw = await RawSocket.connect(server.port)
    kind, payload = await raw.frame()
    assert (kind, payload) == (TEXT, b"2")
    await server.until(lambda: server.visitor.calls[-1] == ("disconnect", "ping timeout"))


async def test_pongs_keep_a_socket_open(run_server):
    server = await run_server(ping_interval_ms=100, ping_timeout_ms=50)
    raw = await RawSocket.connect(server.port)
    for _ in range(5):
        assert await raw.frame() == (TEXT, b"2")
        raw.send(b"3")
    assert server.visitor.connections


async def test_connect_deadline(run_server):
    server = await run_server(handshake_seconds_max=0.3, ping_interval_ms=1000, ping_timeout_ms=500)
    raw = await RawSocket.open(server.port)
    assert await raw.close_code() == 1008


async def test_silent_tcp_connection_is_closed(run_server):
    server = await run_server(handshake_seconds_max=0.2)
    raw = await RawSocket.dial(server.port)
    raw.writer.write(b"GET /ws-visitor/ HT")
    assert await asyncio.wait_for(raw.reader.read(), 3) == b""


async def test_long_headers(run_server):
    server = await run_server(header_bytes_max=2000)
    assert (await RawSocket.open(server.port, X="a" * 3000)).status == 431
    raw = await RawSocket.dial(server.port)
    raw.write(b"GET / HTTP/1.1\r\nX: ")
    await asyncio.sleep(0.01)
    raw.write(b"a" * 3000)
    assert (await asyncio.wait_for(raw.reader.read(), 3)).startswith(b"HTTP/1.1 431 ")


async def test_connections_of_an_address(run_server):
    server = await run_server(connections_per_address_max=2)
    kept = [await RawSocket.connect(server.port, X_Forwarded_For=f"2001:db8::{n}") for n in (1, 2)]
    assert (await RawSocket.open(server.port, X_Forwarded_For="2001:db8::3")).status == 429
    assert (await RawSocket.open(server.port, X_Forwarded_For="2001:db8:0:1::3")).status == 101
    assert (await RawSocket.open(server.port)).status == 101
    kept.pop().drop()
    await server.until(lambda: ("disconnect", "transport close") in server.visitor.calls)
    assert (await RawSocket.open(server.port, X_Forwarded_For="2001:db8::3")).status == 101


async def test_handshakes_of_an_address(run_server):
    server = await run_server(handshakes_per_second_max=3)
    statuses = [(await RawSocket.open(server.port, X_Forwarded_For="203.0.113.1")).status for _ in range(8)]
    assert statuses[0] == 101
    assert 429 in statuses


async def test_full_server(run_server):
    server = await run_server(connections_max=1)
    first = await RawSocket.connect(server.port)
    assert (await RawSocket.open(server.port)).status == 503
    first.drop()
    await server.until(lambda: not server.visitor.connections)
    assert (await RawSocket.open(server.port)).status == 101


async def test_stop_closes_with_1012_and_lets_nobody_in(server):
    raw = await RawSocket.connect(server.port)
    late = await RawSocket.open(server.port, TARGET)
    stop = asyncio.create_task(server.stop())
    assert await raw.close_code() == 1012
    assert await late.close_code() == 1012
    raw.send((1012).to_bytes(2, "big"), CLOSE)
    await stop
    assert server.visitor.calls[-1] == ("disconnect", "server restart")
