import asyncio

import pytest

from kefu.transport.endpoint import ConnectRefusedError, Handshake
from kefu.transport.engineio import session as engine
from kefu.transport.engineio.session import Channel
from kefu.transport.rooms import encode_event
from kefu.transport.server.client import Client
from kefu.transport.server.hub import Hub
from kefu.transport.server.options import TransportOptions

HANDSHAKE = Handshake("/ws", "203.0.113.1", {"user-agent": "x"}, "websocket")
WEBSOCKET = Channel.WEBSOCKET


class Endpoint:
    def __init__(self):
        self.heard = []
        self.during_connect = lambda _connection: None
        self.acks = []

    def on_connect(self, connection, auth):
        self.heard.append(("connect", auth, dict(connection.handshake.headers)))
        self.during_connect(connection)

    def on_event(self, connection, event, args, ack):
        self.heard.append((event, args))
        self.acks.append(ack)

    def on_disconnect(self, connection, reason):
        self.heard.append(("disconnect", reason))


class Sent(list):
    """A channel that keeps what goes through it."""

    def send(self, packet):
        self.append(packet)

    def send_encoded(self, encoded):
        self.append(encoded.packet)

    def send_control(self, text):
        self.append(text)

    def close(self, code, reason):
        self.append((code, reason))


@pytest.fixture
async def made():
    endpoint = Endpoint()
    hub = Hub({"/ws": endpoint}, TransportOptions(packets_per_second_max=50, connections_per_address_max=2))
    hub.start()
    client = Client(hub, endpoint, HANDSHAKE, engine.State.WEBSOCKET)
    client.channel = Sent()
    hub.add(client)
    yield client, client.channel, endpoint, hub
    hub.stop()


def connect(client):
    client.receive_text(WEBSOCKET, b"40")
    client.channel.clear()


async def test_the_answer_to_connect_goes_first(made):
    client, sent, endpoint, _ = made

    def greet(connection):
        connection.emit("hello")
        connection.send_encoded(encode_event("again"))

    endpoint.during_connect = greet
    client.receive_text(WEBSOCKET, b'40{"token":"t"}')
    assert sent == [b'0{"sid":"%b"}' % client.sid.encode(), b'2["hello"]', b'2["again"]']
    assert endpoint.heard == [("connect", {"token": "t"}, {"user-agent": "x"})]
    assert client.handshake.headers == {}
    assert client.is_open


async def test_closing_while_connecting(made):
    client, sent, endpoint, hub = made
    endpoint.during_connect = lambda connection: connection.close(4001, "no")
    client.receive_text(WEBSOCKET, b"40")
    assert sent[1:] == [b"1", (4001, "no")]
    assert not client.is_open
    await asyncio.sleep(0)
    assert endpoint.heard[-1] == ("disconnect", "server")
    assert not hub.clients["/ws"]


async def test_refusal(made):
    client, sent, endpoint, _ = made

    def refuse(_connection):
        raise ConnectRefusedError("no", {"code": 1})

    endpoint.during_connect = refuse
    client.receive_text(WEBSOCKET, b"40")
    assert sent == [b'4{"message":"no","data":{"code":1}}', (1000, "refused")]
    await asyncio.sleep(0)
    assert len(endpoint.heard) == 1


async def test_an_ack_answers_once_and_not_after_the_end(made):
    client, sent, endpoint, _ = made
    connect(client)
    client.receive_text(WEBSOCKET, b'425["a",1]')
    client.receive_text(WEBSOCKET, b'426["a"]')
    client.receive_text(WEBSOCKET, b'42["a"]')
    first, second, none = endpoint.acks
    first({"ok": True})
    first("again")
    assert sent == [b'35[{"ok":true}]']
    assert none is None
    client.lost("transport close")
    second()
    assert len(sent) == 1


async def test_the_end_is_told_once_and_later(made):
    client, sent, endpoint, hub = made
    connect(client)
    client.close()
    client.close()
    client.lost("transport close")
    client.emit("late")
    assert sent == [b"1", (1000, "server")]
    assert len(endpoint.heard) == 1
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert endpoint.heard[1:] == [("disconnect", "server")]
    assert not hub._by_address


@pytest.mark.parametrize("code", [1001, 1012, 1013])
async def test_codes_that_invite_back_send_no_disconnect(made, code):
    client, sent, *_ = made
    connect(client)
    client.close(code, "soon")
    assert sent == [(code, "soon")]


async def test_nothing_is_heard_after_the_end(made):
    client, _, endpoint, _ = made
    connect(client)
    client.receive_text(WEBSOCKET, b"41")
    client.receive_text(WEBSOCKET, b'42["a"]')
    client.receive_binary(WEBSOCKET, b"x")
    await asyncio.sleep(0)
    assert endpoint.heard[1:] == [("disconnect", "client")]


async def test_packets_are_counted_by_the_second(made):
    client, sent, _, hub = made
    connect(client)
    for _ in range(3):
        for _ in range(49):
            client.receive_text(WEBSOCKET, b"3")
        hub.second += 1
    assert sent == []
    for _ in range(51):
        client.receive_text(WEBSOCKET, b"3")
    assert sent == [(1008, "too many packets")]


async def test_pings_and_pongs(made):
    client, sent, endpoint, _ = made
    connect(client)
    client.ping()
    assert (sent, client.awaits_pong) == ([b"2"], True)
    client.receive_text(WEBSOCKET, b"3")
    assert not client.awaits_pong
    client.time_out()
    await asyncio.sleep(0)
    assert endpoint.heard[-1] == ("disconnect", "ping timeout")


async def test_only_a_client_that_never_connected_expires(made):
    client, sent, endpoint, hub = made
    idle = Client(hub, endpoint, HANDSHAKE, engine.State.WEBSOCKET)
    idle.channel = Sent()
    hub.add(idle)
    connect(client)
    client.expire()
    idle.expire()
    assert sent == []
    assert idle.channel == [(1008, "connect timeout")]
