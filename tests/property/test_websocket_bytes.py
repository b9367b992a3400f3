"""The seam to picows: frames of every size, fragmented and cut anywhere on the wire, come out as the same messages."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.transport.server.options import TransportOptions
from kefu.transport.server.serve import TransportServer

REQUEST = (
    b"GET /ws/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
LENGTHS = st.integers(0, 300) | st.sampled_from([60_000])


class Endpoint:
    def __init__(self):
        self.heard = []

    def admits_origin(self, _handshake):
        return True

    def on_connect(self, connection, _auth):
        pass

    def on_event(self, connection, event, args, ack):
        self.heard.append((event, *args))

    def on_disconnect(self, connection, reason):
        self.heard.append(reason)


class Socket:
    """Both the transport and its socket."""

    def __init__(self):
        self.written = b""
        self.closing = False

    def get_extra_info(self, name):
        return {"peername": ("127.0.0.1", 1), "socket": self}.get(name)

    def fileno(self):
        return -1

    def setsockopt(self, *_args):
        pass

    def getsockopt(self, *_args):
        return 0

    def write(self, data):
        self.written += data

    def get_write_buffer_size(self):
        return 0

    def is_closing(self):
        return self.closing

    def close(self):
        self.closing = True

    abort = write_eof = close

    def can_write_eof(self):
        return True

    def get_protocol(self):
        return None

    def set_protocol(self, protocol):
        self.protocol = protocol


def frame(payload, kind, fin):
    size = len(payload)
    head = bytes(((0x80 if fin else 0) | kind,))
    head += bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    mask = b"\xa1\x02\xb3\x44"
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def cut(draw, data, most=6):
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=most)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def send(chunks):
    """Everything that an endpoint hears when these bytes come in these pieces."""

    async def run():
        endpoint, socket = Endpoint(), Socket()
        server = TransportServer({"/ws": endpoint}, TransportOptions(packets_per_second_max=10**6))
        server.start()
        protocol = server.ws_protocol()
        protocol.connection_made(socket)
        protocol.data_received(REQUEST)
        protocol.data_received(frame(b"40", 1, fin=True))
        for chunk in chunks:
            if not hasattr(socket, "protocol"):
                protocol.data_received(chunk)
        await asyncio.sleep(0)
        server._hub.stop()
        return endpoint.heard, socket

    return asyncio.run(run())


@settings(max_examples=60, deadline=None)
@given(st.lists(LENGTHS, min_size=1, max_size=4), st.data())
def test_messages_come_out_however_they_are_cut(lengths, data):
    stream = b""
    for length in lengths:
        pieces = cut(data.draw, b'42["m","' + b"x" * length + b'"]', most=3)
        for number, piece in enumerate(pieces):
            stream += frame(piece, 0 if number else 1, fin=number == len(pieces) - 1)
            if data.draw(st.booleans()):
                stream += frame(b"", 9, fin=True)
    heard, _ = send(cut(data.draw, stream))
    assert heard == [("m", "x" * length) for length in lengths]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=80), max_size=5))
def test_any_bytes_end_at_most_their_socket(chunks):
    heard, socket = send(chunks)
    assert heard in ([], ["transport close"], ["malformed packet"]) or isinstance(heard[0], tuple)
    assert socket.written.startswith(b"HTTP/1.1 101 ")
