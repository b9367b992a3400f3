"""What the official Engine.IO 4 test suite asks, case by case, of the echo at the same paths and times."""

from __future__ import annotations

import asyncio
import itertools
import json

import aiohttp
import pytest
from raw_socket import BINARY, TEXT, RawSocket

POLLING = "/engine.io/?EIO=4&transport=polling"
WEBSOCKET = "/engine.io/?EIO=4&transport=websocket"
LIMITS = {"pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000}


@pytest.fixture
async def engine(run_echo):
    return await run_echo("/engine.io")


@pytest.fixture
async def ask(engine, http):
    """Asks over HTTP: (status, text)."""

    async def request(method, query, body=None):
        async with http.request(method, engine.url + query, data=body) as answer:
            return answer.status, await answer.text()

    return request


@pytest.fixture
async def session(ask):
    """A polling session: the path and query of its requests."""
    _, text = await ask("GET", POLLING)
    return f"{POLLING}&sid={json.loads(text[1:])['sid']}"


async def dial(engine, query=WEBSOCKET):
    raw = await RawSocket.open(engine.port, query)
    assert raw.status == 101
    if "sid=" not in query:
        assert (await raw.frame())[1].startswith(b"0")
    return raw


def websocket_of(session):
    return session.replace("polling", "websocket")


# --- handshake --------------------------------------------------------------------------------------------


async def test_polling_opens(ask):
    status, text = await ask("GET", POLLING)
    packet = json.loads(text[1:])
    assert (status, text[0]) == (200, "0")
    assert isinstance(packet.pop("sid"), str)
    assert packet == {"upgrades": ["websocket"], **LIMITS}


async def test_websocket_opens(engine):
    raw = await RawSocket.open(engine.port, WEBSOCKET)
    kind, text = await raw.frame()
    packet = json.loads(text[1:])
    assert (kind, text[:1]) == (TEXT, b"0")
    assert isinstance(packet.pop("sid"), str)
    assert packet == {"upgrades": [], **LIMITS}


@pytest.mark.parametrize(
    ("method", "query"),
    [
        ("GET", "/engine.io/?transport=polling"),
        ("GET", "/engine.io/?EIO=abc&transport=polling"),
        ("GET", "/engine.io/?EIO=4"),
        ("GET", "/engine.io/?EIO=4&transport=abc"),
        ("POST", POLLING),
        ("PUT", POLLING),
    ],
)
async def test_polling_is_refused(ask, method, query):
    assert (await ask(method, query))[0] == 400


@pytest.mark.parametrize(
    "query",
    [
        "/engine.io/?transport=websocket",
        "/engine.io/?EIO=abc&transport=websocket",
        "/engine.io/?EIO=4",
        "/engine.io/?EIO=4&transport=abc",
    ],
)
async def test_websocket_is_refused(engine, query):
    assert (await RawSocket.open(engine.port, query)).status == 400


# --- messages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA==", "4", "b", "4€\x1e4\x1ebAA=="]
)
async def test_polling_echo(ask, session, body):
    assert await ask("POST", session, body.encode()) == (200, "ok")
    assert await ask("GET", session) == (200, body)


@pytest.mark.parametrize("body", ["abc", "", "4a\x1e", "b?", "bAA", "0", "2", "5", "6"])
async def test_polling_malformed(ask, session, body):
    status, _ = await ask("POST", session, body.encode())
    assert status in (200, 400)
    assert (await ask("GET", session))[0] == 400


async def test_a_malformed_body_is_told_to_a_waiting_poll(ask, session):
    waiting = asyncio.create_task(ask("GET", session))
    await asyncio.sleep(0.02)
    assert (await ask("POST", session, b"abc"))[0] == 400
    assert await waiting == (200, "1")


async def test_duplicate_polls(ask, session):
    first = asyncio.create_task(ask("GET", session))
    await asyncio.sleep(0.005)
    assert (await ask("GET", session + "&t=burst"))[0] == 400
    assert await first == (200, "1")
    assert (await ask("GET", session))[0] == 400


async def test_concurrent_posts(ask, session):
    async def slow():
        yield b"4a"
        await asyncio.sleep(0.05)
        yield b"b"

    first = asyncio.create_task(ask("POST", session, slow()))
    await asyncio.sleep(0.02)
    assert (await ask("POST", session, b"4c"))[0] == 400
    assert (await first)[0] == 400
    assert (await ask("GET", session))[0] == 400


async def test_a_cancelled_poll_closes(engine, session):
    async with aiohttp.ClientSession() as gone:
        waiting = asyncio.create_task(gone.get(engine.url + session))
        await asyncio.sleep(0.05)
        waiting.cancel()
    async with aiohttp.ClientSession() as other, other.get(engine.url + session) as answer:
        assert answer.status == 400


@pytest.mark.parametrize("payload", [b"4hello", b"4", "4€".encode()])
async def test_websocket_echo(engine, payload):
    raw = await dial(engine)
    raw.send(payload)
    assert await raw.frame() == (TEXT, payload)


async def test_websocket_binary_echo(engine):
    raw = await dial(engine)
    raw.send(b"\x01\x02\x03\x04", BINARY)
    assert await raw.frame() == (BINARY, b"\x01\x02\x03\x04")


@pytest.mark.parametrize("payload", [b"abc", b"", b"2", b"5", b"0", b"6"])
async def test_websocket_malformed(engine, payload):
    raw = await dial(engine)
    raw.send(payload)
    assert await raw.close_code() == 1002


async def test_a_message_over_max_payload(run_echo):
    engine = await run_echo("/engine.io", message_bytes_max=100)
    raw = await dial(engine)
    raw.send(b"4" + b"x" * 99)
    assert (await raw.frame())[1] == b"4" + b"x" * 99
    raw.send(b"4" + b"x" * 100)
    assert await raw.close_code() == 1009


# --- heartbeat --------------------------------------------------------------------------------------------


async def test_polling_heartbeat(ask, session):
    for _ in range(3):
        assert await ask("GET", session) == (200, "2")
        assert (await ask("POST", session, b"3"))[0] == 200


async def test_polling_timeout(ask, session):
    await asyncio.sleep(0.5)
    assert (await ask("GET", session))[0] == 400


async def test_websocket_heartbeat(engine):
    raw = await dial(engine)
    loop = asyncio.get_running_loop()
    times = [loop.time()]
    for _ in range(3):
        assert await raw.frame() == (TEXT, b"2")
        times.append(loop.time())
        raw.send(b"3")
    first, *others = [after - before for before, after in itertools.pairwise(times)]
    assert 0.15 < first < 0.35, "no ping may disturb the first moments of a session"
    assert all(0.2 < wait < 0.4 for wait in others)


async def test_websocket_timeout(engine):
    raw = await dial(engine)
    before = asyncio.get_running_loop().time()
    assert await raw.close_code() == 1008
    assert asyncio.get_running_loop().time() - before < 0.6


# --- close ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("poll_first", [True, False], ids=["poll first", "close first"])
async def test_polling_close(ask, session, poll_first):
    """The two requests race on two connections; a late poll gets the same noop."""
    if poll_first:
        waiting = asyncio.create_task(ask("GET", session))
        await asyncio.sleep(0.02)
        await ask("POST", session, b"1")
    else:
        await ask("POST", session, b"1")
        waiting = asyncio.create_task(ask("GET", session))
    assert await waiting == (200, "6")
    assert (await ask("GET", session))[0] == 400
    assert (await ask("POST", session, b"4a"))[0] == 400


async def test_websocket_close(engine):
    raw = await dial(engine)
    raw.send(b"1")
    assert await raw.close_code() == 1000


# --- upgrade ----------------------------------------------------------------------------------------------


async def test_upgrade(engine, ask, session):
    raw = await dial(engine, websocket_of(session))
    raw.send(b"2probe")
    assert await raw.frame() == (TEXT, b"3probe")
    assert await ask("GET", session) == (200, "6")
    raw.send(b"5")
    raw.send(b"4hello")
    assert await raw.frame() == (TEXT, b"4hello")


async def test_binary_that_nobody_fetched_moves_too(engine, ask, session):
    await ask("POST", session, b"4hello\x1ebAQIDBA==")
    raw = await dial(engine, websocket_of(session))
    raw.send(b"2probe")
    assert await raw.frame() == (TEXT, b"3probe")
    raw.send(b"5")
    assert await raw.frame() == (TEXT, b"4hello")
    assert await raw.frame() == (BINARY, b"\x01\x02\x03\x04")


@pytest.mark.parametrize("awaits_probe", [True, False])
async def test_requests_after_an_upgrade_are_ignored(engine, ask, session, awaits_probe):
    raw = await dial(engine, websocket_of(session))
    raw.send(b"2probe")
    if awaits_probe:
        await raw.frame()
    raw.send(b"5")
    assert (await ask("GET", session))[0] == 400
    assert (await ask("POST", session, b"4late"))[0] == 400
    raw.send(b"4hello")
    if not awaits_probe:
        assert await raw.frame() == (TEXT, b"3probe")
    assert await raw.frame() == (TEXT, b"4hello")


@pytest.mark.parametrize("awaits_probe", [True, False])
async def test_a_second_websocket_after_an_upgrade_is_closed(engine, session, awaits_probe):
    raw = await dial(engine, websocket_of(session))
    raw.send(b"2probe")
    if awaits_probe:
        assert await raw.frame() == (TEXT, b"3probe")
    raw.send(b"5")
    second = await dial(engine, websocket_of(session))
    assert await second.close_code() == 1008
    raw.send(b"4hello")
    if not awaits_probe:
        assert await raw.frame() == (TEXT, b"3probe")
    assert await raw.frame() == (TEXT, b"4hello")
