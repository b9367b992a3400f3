"""What the official Socket.IO 5 test suite asks, case by case, of the echo at the same path and times.

Its part about Engine.IO is `test_engineio_suite.py`; here it is asked only what differs.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from raw_socket import BINARY, TEXT, RawSocket

WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
POLLING = "/socket.io/?EIO=4&transport=polling"


@pytest.fixture
async def server(run_echo):
    return await run_echo("/socket.io")


@pytest.fixture
async def opened(server):
    """A websocket whose Engine.IO handshake is read."""
    raw = await RawSocket.open(server.port, WEBSOCKET)
    assert (await raw.frame())[1].startswith(b"0{")
    return raw


@pytest.fixture
async def connected(opened):
    """A websocket that is connected to `/`."""
    opened.send(b"40")
    assert (await opened.text()).startswith(b"40{")
    assert await opened.text() == b'42["auth",{}]'
    return opened


# --- connect ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b"", b'{"token":"123"}'])
@pytest.mark.parametrize("namespace", [b"", b"/custom,"])
async def test_connect(opened, namespace, payload):
    opened.send(b"40" + namespace + payload)
    answer = await opened.text()
    assert answer.startswith(b"40" + namespace)
    handshake = json.loads(answer.removeprefix(b"40" + namespace))
    assert list(handshake) == ["sid"]
    assert isinstance(handshake["sid"], str)
    assert await opened.text() == b"42" + namespace + b'["auth",' + (payload or b"{}") + b"]"


async def test_connect_without_comma(opened):
    opened.send(b"40/custom")
    assert (await opened.text()).startswith(b"40/custom,{")


async def test_unknown_namespace(opened):
    opened.send(b"40/random")
    assert await opened.text() == b'44/random,{"message":"Invalid namespace"}'
    opened.send(b"40")
    assert (await opened.text()).startswith(b"40{")


@pytest.mark.parametrize(
    "first", [b"4abc", b'42["message"]', b"41", b'43["a"]', b"4", b'42/custom,["message"]', b"40[]"]
)
async def test_a_connection_begins_with_connect(opened, first):
    opened.send(first)
    assert await opened.close_code() == 1002


async def test_no_connect_at_all(run_echo):
    server = await run_echo("/socket.io", handshake_seconds_max=0.2)
    raw = await RawSocket.open(server.port, WEBSOCKET)
    assert await raw.close_code() == 1008


@pytest.mark.parametrize("namespace", [b"", b"/custom,"])
async def test_connecting_twice(opened, namespace):
    opened.send(b"40" + namespace)
    opened.send(b"40" + namespace)
    assert await opened.close_code() == 1002


async def test_several_namespaces_on_one_connection(connected):
    connected.send(b'40/custom,{"n":1}')
    assert (await connected.text()).startswith(b"40/custom,{")
    assert await connected.text() == b'42/custom,["auth",{"n":1}]'
    connected.send(b'42["message","main"]')
    connected.send(b'42/custom,["message","custom"]')
    assert await connected.text() == b'42["message-back","main"]'
    assert await connected.text() == b'42/custom,["message-back","custom"]'


# --- disconnect -------------------------------------------------------------------------------------------


async def test_disconnect_leaves_the_connection(connected):
    connected.send(b"41")
    assert await connected.frame() == (TEXT, b"2")


async def test_events_after_disconnect(connected):
    connected.send(b"41")
    connected.send(b'42["message"]')
    assert await connected.close_code() == 1002


@pytest.mark.parametrize("comma", [b"", b","])
async def test_disconnect_from_one_of_two(connected, comma):
    connected.send(b"40/custom" + comma)
    await connected.text()
    await connected.text()
    connected.send(b"41/custom" + comma)
    connected.send(b'42["message","message to main namespace"]')
    assert await connected.text() == b'42["message-back","message to main namespace"]'
    connected.send(b"40/custom" + comma)
    assert (await connected.text()).startswith(b"40/custom,{")


# --- messages ---------------------------------------------------------------------------------------------

TWO = b'{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b'42["message",1,"2",{"3":[true]}]', b'42["message-back",1,"2",{"3":[true]}]'),
        (b'42456["message-with-ack",1,"2",{"3":[false]}]', b'43456[1,"2",{"3":[false]}]'),
        (b'420["message-with-ack"]', b"430[]"),
    ],
)
async def test_plain(connected, sent, answer):
    connected.send(sent)
    assert await connected.text() == answer


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b'452-["message",' + TWO + b"]", b'452-["message-back",' + TWO + b"]"),
        (b'452-789["message-with-ack",' + TWO + b"]", b"462-789[" + TWO + b"]"),
        (b'452-["message",{"a":[' + TWO + b"]}]", b'452-["message-back",{"a":[' + TWO + b"]}]"),
    ],
)
@pytest.mark.parametrize("namespace", [b"", b"/custom,"])
async def test_binary(connected, sent, answer, namespace):
    if namespace:
        connected.send(b"40/custom,")
        await connected.text()
        await connected.text()
        sent, answer = (text[:4] + namespace + text[4:] for text in (sent, answer))
    connected.send(sent)
    connected.send(b"\x01\x02\x03", BINARY)
    connected.send(b"\x04\x05\x06", BINARY)
    assert await connected.text() == answer
    assert await connected.frame() == (BINARY, b"\x01\x02\x03")
    assert await connected.frame() == (BINARY, b"\x04\x05\x06")


async def test_binary_by_polling(server, http):
    async def ask(method, body=None):
        async with http.request(method, server.url + query, data=body) as answer:
            return await answer.text()

    query = POLLING
    query += "&sid=" + json.loads((await ask("GET"))[1:])["sid"]
    await ask("POST", b"40")
    await ask("GET")
    await ask("POST", b'452-["message",' + TWO + b"]\x1ebAQID\x1ebBAUG")
    assert await ask("GET") == '452-["message-back",' + TWO.decode() + "]\x1ebAQID\x1ebBAUG"


@pytest.mark.parametrize(
    "text",
    [
        b"4abc",
        b"42{}",
        b'42abc["message-with-ack",1,"2",{"3":[false]}]',
        b"42",
        b"42[]",
        b'42["message"',
        b"47",
        b'44{"message":"no"}',
        b'451["message"]',
        b'45-["message"]',
        b'40{"again":true}',
    ],
)
async def test_malformed(connected, text):
    connected.send(text)
    assert await connected.close_code() == 1002


@pytest.mark.parametrize("next_frame", [(b'42["message"]', TEXT), (b"41", TEXT)])
async def test_text_in_place_of_an_attachment(connected, next_frame):
    connected.send(b'452-["message",' + TWO + b"]")
    connected.send(*next_frame)
    assert await connected.close_code() == 1002


async def test_heartbeat_between_a_packet_and_its_attachment(connected):
    connected.send(b'451-["message",{"_placeholder":true,"num":0}]')
    assert await connected.frame() == (TEXT, b"2")
    connected.send(b"3")
    connected.send(b"\x01", BINARY)
    assert await connected.text() == b'451-["message-back",{"_placeholder":true,"num":0}]'


@pytest.mark.parametrize(
    ("flags", "paths"),
    [
        ((), ("/engine.io", "/socket.io")),
        (("--engineio",), ("/engine.io",)),
        (("--socketio", "--path", "/chat"), ("/chat",)),
    ],
)
async def test_the_echo_as_a_program(flags, paths):
    """As the suites' runner starts it."""
    program = Path(__file__).with_name("echo.py")
    process = await asyncio.create_subprocess_exec(sys.executable, program, "--port", "0", *flags, stdout=-1)
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), 20))
        for path in paths:
            raw = await RawSocket.open(port, WEBSOCKET.replace("/socket.io", path))
            assert json.loads((await raw.text())[1:])["pingInterval"] == 300
            raw.send(b"4hello" if path == "/engine.io" else b"40")
            assert (await raw.text()).startswith(b"4hello" if path == "/engine.io" else b"40{")
            raw.drop()
        missing = {"/engine.io", "/socket.io", "/chat"}.difference(paths).pop()
        assert (await RawSocket.open(port, WEBSOCKET.replace("/socket.io", missing))).status == 404
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)
    assert process.returncode == 0
