import json

import pytest

from kefu.transport.server.handshake import RefusedError, Request, admit, parse_query, parse_request, service_path
from kefu.transport.server.options import TransportOptions


class Picky:
    def __init__(self):
        self.asked = []

    def admits_origin(self, handshake):
        self.asked.append(handshake)
        return "origin" not in handshake.headers


def ask(transport="websocket", query="EIO=4&transport=websocket", headers=(), path="/ws-visitor/"):
    endpoint = Picky()
    request = Request("GET", path, query, list(headers), "127.0.0.1")
    return admit(request, transport, {"/ws-visitor": endpoint}, TransportOptions())


def test_admission():
    headers = [(b"x-forwarded-for", b"8.8.8.8"), (b"user-agent", b"a"), (b"user-agent", b"b")]
    admission = ask(query="sid=s&EIO=4&t=1&transport=websocket", headers=headers)
    assert admission.sid == "s"
    handshake = admission.handshake
    assert (handshake.path, handshake.address, handshake.transport) == ("/ws-visitor", "8.8.8.8", "websocket")
    assert handshake.headers["user-agent"] == "b"


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ({"path": "/ws-other"}, 404, 3),
        ({"query": "EIO=4"}, 400, 0),
        ({"query": "EIO=2&transport=websocket"}, 400, 5),
        ({"query": ""}, 400, 0),
        ({"transport": "polling"}, 400, 3),
        ({"headers": [(b"origin", b"x")]}, 403, 4),
    ],
)
def test_refusals(how, status, code):
    with pytest.raises(RefusedError) as refused:
        ask(**how)
    assert refused.value.status == status
    assert json.loads(refused.value.body)["code"] == code


def test_paths():
    endpoints = {"/ws-visitor": Picky()}
    paths = ["/ws-visitor", "/ws-visitor/", "/ws-visitor//", "/ws-visitor/x", "/", ""]
    assert [service_path(path, endpoints) for path in paths] == ["/ws-visitor"] * 2 + [None] * 4


def test_query():
    assert parse_query("a=1&b&c=d=e&") == {"a": "1", "b": "", "c": "d=e", "": ""}


def test_request_bytes():
    request = parse_request(b"GET /a/?b=c HTTP/1.1\r\nhost: x\r\norigin:  y \r\n\r\n", None)
    assert request == Request("GET", "/a/", "b=c", [(b"host", b"x"), (b"origin", b"y")], None)
