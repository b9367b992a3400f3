"""NATS' core protocol as bytes: however a stream is cut, the same is heard; what is not of the protocol ends it."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kefu.bus import nats_protocol
from kefu.bus.nats_protocol import LINE_BYTES_MAX, Info, ProtocolError, Reader

STREAM = (
    b'INFO {"server_id":"x","max_payload":4096,"tls_required":true,"connect_urls":["a:1"]}\r\n'
    b"+OK\r\nPING\r\nMSG kefu.a 1 5\r\nhello\r\nMSG kefu.b 12 reply.to 9\r\nMSG \r\n\r\nx\r\nPONG\r\n"
    b"MSG kefu.c 3 0\r\n\r\n"
    b"-ERR 'Permissions Violation for Publish to \"x\"'\r\nPONG \r\n"
)
HEARD = [
    ("info", Info(4096, True)),
    "ping",
    ("message", b"hello"),
    ("message", b"MSG \r\n\r\nx"),
    "pong",
    ("message", b""),
    ("error", 'Permissions Violation for Publish to "x"'),
    "pong",
]


class Heard(list):
    """Records calls."""

    def on_info(self, info: Info) -> None:
        self.append(("info", info))

    def on_message(self, data: bytes) -> None:
        self.append(("message", data))

    def on_ping(self) -> None:
        self.append("ping")

    def on_pong(self) -> None:
        self.append("pong")

    def on_error(self, text: str) -> None:
        self.append(("error", text))


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_cuts_change_nothing(cuts: list[int]) -> None:
    heard = Heard()
    reader = Reader(heard)
    places = [0, *sorted(cuts), len(STREAM)]
    for start, stop in itertools.pairwise(places):
        reader.feed(STREAM[start:stop])
    assert heard == HEARD


def test_byte_by_byte() -> None:
    heard = Heard()
    reader = Reader(heard)
    for byte in STREAM:
        reader.feed(bytes((byte,)))
    assert heard == HEARD


@pytest.mark.parametrize(
    "wrong",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"\r\n",
        b"INFO nothing\r\n",
        b'INFO {"max_payload":"many"}\r\n',
        b"MSG kefu.a\r\n",
        b"MSG kefu.a 1 -5\r\n",
        b"MSG kefu.a 1 99999999999\r\n",
        b"MSG kefu.a 1 x\r\n",
        b"MSG kefu.a 1 " + b"9" * 5000 + b"\r\n",
        b"x" * (LINE_BYTES_MAX + 1),
    ],
)
def test_what_is_not_of_the_protocol(wrong: bytes) -> None:
    with pytest.raises(ProtocolError):
        Reader(Heard()).feed(wrong)


@given(st.binary(max_size=400))
def test_any_bytes_are_heard_or_refused(data: bytes) -> None:
    """Nothing else is raised."""
    with contextlib.suppress(ProtocolError):
        Reader(Heard()).feed(data)


def test_commands() -> None:
    assert nats_protocol.publish(b"a.b", "你好".encode()) == b"PUB a.b 6\r\n\xe4\xbd\xa0\xe5\xa5\xbd\r\n"
    assert nats_protocol.subscribe(b"a.b", 7) == b"SUB a.b 7\r\n"
    assert nats_protocol.unsubscribe(7) == b"UNSUB 7\r\n"
    assert nats_protocol.connect({"verbose": False, "pass": '"'}) == b'CONNECT {"verbose":false,"pass":"\\""}\r\n'
