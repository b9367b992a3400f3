"""Long polling, request by request."""

from __future__ import annotations

import asyncio
import json

import pytest

PATH = "/ws-visitor/"
ORIGIN = {"Origin": "http://shop.example"}


class Poller:
    """A session as the requests of a client that polls."""

    def __init__(self, http, server):
        self.http = http
        self.url = server.url + PATH
        self.query = {"EIO": "4", "transport": "polling"}

    async def open(self):
        _, text = await self.get()
        self.query["sid"] = json.loads(text[1:])["sid"]
        return self

    async def connect(self):
        await self.open()
        assert await self.post("40") == (200, "ok")
        self.first = (await self.get())[1]
        return self

    async def get(self, **headers):
        async with self.http.get(self.url, params=self.query, headers=headers) as answer:
            return answer.status, await answer.text()

    async def post(self, body, **headers):
        async with self.http.post(self.url, params=self.query, data=body, headers=headers) as answer:
            return answer.status, await answer.text()


async def test_open_packet(server, http):
    async with http.get(server.url + "/ws-visitor?EIO=4&transport=polling", headers=ORIGIN) as answer:
        packet = json.loads((await answer.text())[1:])
        assert len(packet["sid"]) == 22
        assert packet["upgrades"] == ["websocket"]
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Vary"] == "Origin"


async def test_connect_event_and_ack(server, http):
    poller = await Poller(http, server).connect()
    connected, welcome = poller.first.split("\x1e")
    assert json.loads(connected[2:])["sid"] == json.loads(welcome[2:])[1]
    await poller.post('421["echo","é"]\x1e42["echo",2]')
    assert (await poller.get())[1] == '42["echo","é"]\x1e431["é"]\x1e42["echo",2]'


async def test_a_poll_waits_for_a_packet(server, http):
    poller = await Poller(http, server).connect()
    waiting = asyncio.create_task(poller.get())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    next(iter(server.visitor.connections.values())).emit("late", 1)
    assert await waiting == (200, '42["late",1]')


async def test_a_long_queue_takes_several_answers(server, http):
    poller = await Poller(http, server).connect()
    await poller.post('421["flood",40,1]')
    answers = [(await poller.get())[1].split("\x1e") for _ in range(3)]
    assert [len(answer) for answer in answers] == [16, 16, 9]
    assert answers[2][-1] == "431[40,1]"


async def test_binary_attachment(server, http):
    poller = await Poller(http, server).connect()
    await poller.post('451-["x",{"_placeholder":true,"num":0}]\x1ebaGVsbG8=')
    assert server.visitor.calls[-1] == ("x", [b"hello"])


async def test_ping_and_pong(run_server, http):
    server = await run_server(ping_interval_ms=200, ping_timeout_ms=150)
    poller = await Poller(http, server).connect()
    for _ in range(3):
        assert await poller.get() == (200, "2")
        await poller.post("3")
    await server.until(lambda: server.visitor.calls[-1] == ("disconnect", "ping timeout"))
    assert (await poller.get())[0] == 400


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("EIO=3&transport=polling", 5),
        ("EIO=4", 0),
        ("EIO=4&transport=x", 0),
        ("EIO=4&transport=websocket", 3),
        ("EIO=4&transport=polling&sid=nobody", 1),
    ],
)
async def test_refusals(server, http, query, code):
    async with http.get(f"{server.url}{PATH}?{query}") as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, code)


async def test_a_session_begins_with_get(server, http):
    assert await Poller(http, server).post("40") == (400, '{"code":2,"message":"Bad handshake method"}')


async def test_a_sid_is_valid_on_its_path_only(server, http):
    poller = await Poller(http, server).open()
    poller.url = server.url + "/ws-admin/"
    assert (await poller.get())[0] == 400


async def test_origin_is_asked_at_every_request(server, http):
    poller = await Poller(http, server).connect()
    for status, text in (await poller.get(Origin="http://evil.example"), await poller.post("40", Origin="null")):
        assert (status, json.loads(text)["code"]) == (403, 4)
    assert server.visitor.connections


async def test_preflight(server, http):
    headers = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a"}
    url = f"{server.url}{PATH}?EIO=4&transport=polling"
    async with http.options(url, headers=headers) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Headers"] == "x-a"
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    async with http.options(url, headers={**headers, "Origin": "http://evil.example"}) as answer:
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_two_polls_at_once_end_the_session(server, http):
    poller = await Poller(http, server).connect()
    first = asyncio.create_task(poller.get())
    await asyncio.sleep(0.05)
    assert (await poller.get())[0] == 400
    assert await first == (200, "1")
    await server.until(lambda: server.visitor.calls[-1] == ("disconnect", "transport error"))
    assert (await poller.get())[0] == 400


async def test_a_poll_that_goes_away_ends_the_session(server, http):
    poller = await Poller(http, server).connect()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(poller.get(), 0.05)
    await server.until(lambda: server.visitor.calls[-1] == ("disconnect", "transport close"))


@pytest.mark.parametrize("body", ["", "9", "b!", '42["a', "42", "5", "2probe", '42["a"]\x1e'])
async def test_malformed_bodies_end_the_session(server, http, body):
    poller = await Poller(http, server).connect()
    await poller.post(body)
    await server.until(lambda: server.visitor.calls[-1][0] == "disconnect")
    assert not server.visitor.connections


async def test_body_limits(run_server, http):
    server = await run_server(message_bytes_max=1000, packets_per_poll_max=5)
    poller = await Poller(http, server).connect()
    assert (await poller.post("4" * 1001))[0] == 413
    await server.until(lambda: server.visitor.calls[-1] == ("disconnect", "transport error"))
    poller = await Poller(http, server).connect()
    assert (await poller.post("\x1e".join(["3"] * 6)))[0] == 400
    await server.until(lambda: not server.visitor.connections)


async def test_slow_body(run_server, http):
    server = await run_server(body_seconds_max=0.1)
    poller = await Poller(http, server).connect()

    async def trickle():
        yield b"42"
        await asyncio.sleep(0.5)
        yield b'["a"]'

    assert (await poller.post(trickle()))[0] == 400
    await server.until(lambda: not server.visitor.connections)


async def test_what_nobody_fetches_is_bounded(run_server, http):
    server = await run_server(outbox_bytes_max=10_000)
    poller = await Poller(http, server).connect()
    await poller.post('42["flood",20,1000]')
    await server.until(lambda: server.visitor.calls[-1] == ("disconnect", "slow reader"))
    assert (await poller.get())[0] == 400


async def test_refused_connect_is_told(server, http):
    poller = await Poller(http, server).open()
    await poller.post('40{"refuse":true}')
    assert (await poller.get())[1] == '44{"message":"no","data":{"code":7}}\x1e1'
    assert (await poller.get())[0] == 400


async def test_client_disconnects(server, http):
    poller = await Poller(http, server).connect()
    await poller.post("41")
    await server.until(lambda: server.visitor.calls[-1] == ("disconnect", "client"))


async def test_everything_else_is_the_applications(server, http):
    for path in ("/", "/ws-visitorx", "/ws-visitor/x", "/ws-visitor//"):
        async with http.get(server.url + path) as answer:
            assert await answer.text() == "inner"


async def test_stop_ends_polls(server, http):
    poller = await Poller(http, server).connect()
    waiting = asyncio.create_task(poller.get())
    await asyncio.sleep(0.05)
    await server.stop()
    assert await waiting == (200, "1")
    assert server.visitor.calls[-1] == ("disconnect", "server restart")
