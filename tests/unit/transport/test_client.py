import asyncio

import pytest

from kefu.transport.endpoint import ConnectRefusedError, Handshake, Namespaces
from kefu.transport.engineio import session as engine
from kefu.transport.engineio.session import Channel
from kefu.transport.messages import Messages
from kefu.transport.rooms import encode_event
from kefu.transport.server.hub import Hub
from kefu.transport.server.options import TransportOptions
from kefu.transport.server.service import service
from kefu.transport.socketio.packets import Attachment

HANDSHAKE = Handshake("/ws", "203.0.113.1", {"user-agent": "x"}, "websocket")
WEBSOCKET = Channel.WEBSOCKET


class Endpoint:
    def __init__(self):
        self.heard = []
        self.during_connect = lambda _connection: None
        self.acks = []
        self.connection = None

    def on_connect(self, connection, auth):
        self.connection = connection
        self.heard.append(("connect", auth, dict(connection.handshake.headers)))
        self.during_connect(connection)

    def on_event(self, connection, event, args, ack):
        self.heard.append((event, args))
        self.acks.append(ack)

    def on_disconnect(self, connection, reason):
        self.heard.append(("disconnect", reason))


class Sent(list):
    """A channel that keeps what goes through it."""

    def send(self, packet, attachments=()):
        self.extend([packet, *attachments])

    def send_encoded(self, encoded):
        self.extend([encoded.packet, *encoded.attachments])

    def send_bytes(self, data):
        self.append(data)

    def part(self):
        self.append("apart")

    def client_closed(self):
        pass

    def abandon(self):
        pass

    def send_control(self, text):
        self.append(text)

    def close(self, code, reason):
        self.append((code, reason))


def dial(hub, handshake=HANDSHAKE):
    client = hub.services["/ws"].new_client(hub, handshake, engine.State.WEBSOCKET)
    client.channel = Sent()
    hub.add(client)
    return client


@pytest.fixture
async def made():
    endpoint = Endpoint()
    options = TransportOptions(packets_per_second_max=50, connections_per_address_max=2)
    hub = Hub({"/ws": service(endpoint)}, options)
    hub.start()
    client = dial(hub)
    yield client, client.channel, endpoint, hub
    hub.stop()


@pytest.fixture
async def branched():
    main, custom = Endpoint(), Endpoint()
    hub = Hub({"/ws": service(Namespaces({"/": main, "/custom": custom}))}, TransportOptions())
    hub.start()
    client = dial(hub)
    yield client, client.channel, main, custom
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
    assert sent == [b'0{"sid":"%b"}' % endpoint.connection.sid.encode(), "apart", b'2["hello"]', b'2["again"]']
    assert endpoint.heard == [("connect", {"token": "t"}, {"user-agent": "x"})]
    assert client.handshake.headers == {}
    assert endpoint.connection.is_open


async def test_closing_while_connecting(made):
    client, sent, endpoint, hub = made
    endpoint.during_connect = lambda connection: connection.close(4001, "no")
    client.receive_text(WEBSOCKET, b"40")
    assert sent[1:] == ["apart", b"1", (4001, "no")]
    assert not endpoint.connection.is_open
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
    connection = endpoint.connection
    connection.close()
    connection.close()
    client.lost("transport close")
    connection.emit("late")
    connection.send_encoded(encode_event("late"))
    connection.leave()
    assert sent == [b"1", (1000, "server")]
    assert len(endpoint.heard) == 1
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert endpoint.heard[1:] == [("disconnect", "server")]
    assert not hub._by_address


@pytest.mark.parametrize("code", [1001, 1012, 1013])
async def test_codes_that_invite_back_send_no_disconnect(made, code):
    client, sent, endpoint, _ = made
    connect(client)
    endpoint.connection.close(code, "soon")
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


async def test_only_a_client_without_namespace_expires(made):
    client, sent, _endpoint, hub = made
    idle = dial(hub)
    connect(client)
    hub.handshakes.sweep(hub.now() + 11)
    assert sent == []
    assert idle.channel == [(1008, "connect timeout")]
    assert hub.refusals.counts["connect timeout"] == 1


async def test_who_disconnects_may_connect_again_within_the_deadline(made):
    client, sent, endpoint, hub = made
    connect(client)
    hub.handshakes.sweep(hub.now() + 11)
    client.receive_text(WEBSOCKET, b"41")
    assert sent == []
    await asyncio.sleep(0)
    assert endpoint.heard[-1] == ("disconnect", "client")
    first = endpoint.connection.sid
    client.receive_text(WEBSOCKET, b"40")
    assert endpoint.connection.sid != first
    client.receive_text(WEBSOCKET, b"41")
    sent.clear()
    hub.handshakes.sweep(hub.now() + 11)
    assert sent == [(1008, "connect timeout")]


async def test_attachments_both_ways(made):
    client, sent, endpoint, _ = made
    connect(client)
    client.receive_text(WEBSOCKET, b'452-7["a",{"_placeholder":true,"num":1},[{"_placeholder":true,"num":0}]]')
    client.receive_binary(WEBSOCKET, b"zero")
    client.receive_binary(WEBSOCKET, b"one")
    assert endpoint.heard[-1] == ("a", [b"one", [b"zero"]])
    endpoint.acks[0](*endpoint.heard[-1][1])
    assert sent == [
        b'62-7[{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]',
        b"one",
        b"zero",
    ]
    sent.clear()
    endpoint.connection.send_encoded(encode_event("b", Attachment(b"x")))
    assert sent == [b'51-["b",{"_placeholder":true,"num":0}]', b"x"]


# --- namespaces -------------------------------------------------------------------------------------------


def connect_both(client):
    client.receive_text(WEBSOCKET, b"40")
    client.receive_text(WEBSOCKET, b'40/custom,{"a":1}')
    client.channel.clear()


async def test_each_namespace_has_its_own_connection(branched):
    client, sent, main, custom = branched
    connect_both(client)
    assert main.connection.sid != custom.connection.sid
    assert (main.connection.namespace, custom.connection.namespace) == ("/", "/custom")
    assert custom.heard[0][1] == {"a": 1}
    assert custom.connection.handshake is main.connection.handshake
    custom.connection.emit("x", 1)
    custom.connection.send_encoded(encode_event("y", Attachment(b"z")))
    client.receive_text(WEBSOCKET, b'42/custom,3["ask"]')
    custom.acks[0]()
    assert sent == [
        b'2/custom,["x",1]',
        b'51-/custom,["y",{"_placeholder":true,"num":0}]',
        b"z",
        b"3/custom,3[]",
    ]
    assert main.heard[1:] == []


async def test_leaving_one_namespace_keeps_the_others(branched):
    client, sent, main, custom = branched
    connect_both(client)
    client.receive_text(WEBSOCKET, b"41/custom,")
    client.receive_text(WEBSOCKET, b'42["still"]')
    await asyncio.sleep(0)
    assert custom.heard[-1] == ("disconnect", "client")
    assert main.heard[-1] == ("still", [])
    assert sent == []
    client.receive_text(WEBSOCKET, b'42/custom,["gone"]')
    assert sent == [(1002, "malformed packet")]


async def test_the_server_leaves_one_namespace(branched):
    client, sent, _main, custom = branched
    connect_both(client)
    left = custom.connection
    left.leave()
    left.leave()
    left.emit("late")
    client.receive_text(WEBSOCKET, b'42/custom,["sent before it knew"]')
    client.receive_text(WEBSOCKET, b'451-/custom,["so was this",{"_placeholder":true,"num":0}]')
    client.receive_binary(WEBSOCKET, b"x")
    await asyncio.sleep(0)
    assert sent == [b"1/custom,"]
    assert custom.heard[1:] == [("disconnect", "server")]
    client.receive_text(WEBSOCKET, b"40/custom,")
    assert custom.connection is not left
    assert custom.connection.is_open


async def test_the_end_is_told_to_every_namespace(branched):
    client, sent, main, custom = branched
    connect_both(client)
    main.connection.close(4001, "enough")
    assert sent == [b"1", b"1/custom,", (4001, "enough")]
    await asyncio.sleep(0)
    assert main.heard[-1] == custom.heard[-1] == ("disconnect", "server")
    assert not custom.connection.is_open


async def test_a_refusal_costs_the_namespace_alone(branched):
    client, sent, main, custom = branched

    def refuse(_connection):
        raise ConnectRefusedError("no")

    client.receive_text(WEBSOCKET, b"40")
    sent.clear()
    custom.during_connect = refuse
    client.receive_text(WEBSOCKET, b"40/custom,")
    assert sent == [b'4/custom,{"message":"no"}']
    assert main.connection.is_open


@pytest.mark.parametrize("text", [b"40", b"40/custom,"])
async def test_connecting_twice_closes(branched, text):
    client, sent, *_ = branched
    connect_both(client)
    client.receive_text(WEBSOCKET, text)
    assert sent == [(1002, "malformed packet")]


# --- Engine.IO alone --------------------------------------------------------------------------------------


class MessageEcho:
    def __init__(self):
        self.closed = []

    def admits_origin(self, handshake):
        return True

    def on_message(self, session, message):
        if message == "failing":
            raise RuntimeError(message)
        session.send(message)

    def on_close(self, session, reason):
        self.closed.append(reason)


@pytest.fixture
async def plain():
    echo = MessageEcho()
    hub = Hub({"/ws": service(Messages(echo))}, TransportOptions())
    hub.start()
    client = dial(hub)
    yield client, client.channel, echo
    hub.stop()


async def test_messages_come_and_go(plain):
    client, sent, echo = plain
    client.receive_text(WEBSOCKET, "4é".encode())
    client.receive_text(WEBSOCKET, b"4")
    client.receive_binary(WEBSOCKET, b"\xff")
    assert sent == ["é".encode(), b"", b"\xff"]
    client.close()
    client.send("late")
    assert sent[3:] == [(1000, "server")]
    await asyncio.sleep(0)
    assert echo.closed == ["server"]


async def test_a_message_that_is_no_utf8(plain):
    client, sent, _ = plain
    client.receive_text(WEBSOCKET, b"4\xed\xa0\x80")
    assert sent == [(1007, "not utf-8")]


async def test_a_failing_message_endpoint_ends_its_client(plain, caplog):
    client, sent, echo = plain
    client.receive_text(WEBSOCKET, b"4failing")
    assert sent == [(1011, "internal error")]
    await asyncio.sleep(0)
    assert echo.closed == ["server error"]
    assert "RuntimeError" in caplog.text
    assert "failing" not in caplog.text.replace("test_a_failing_message", "")
