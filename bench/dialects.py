"""What the generator speaks to a server: how visitors and the agent open, send, and recognise what comes back.

Every message has a client id that names its visitor and its number, so that each ack, echo and delivery can be told.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

from sockets import Socket

BODY = "有蓝色的 42 码吗？I would need it by Friday, is that possible?"


class Load(Protocol):
    """Who hears what became of the messages. `visitor` is its number, `n` the message's, from 1."""

    def acked(self, visitor: int, n: int) -> None:
        """The server says that it is stored."""

    def echoed(self, visitor: int, n: int) -> None:
        """It came back to its visitor."""

    def delivered(self, visitor: int, n: int) -> None:
        """It came to the agent."""

    def failed(self, reason: str) -> None:
        """Something that must not happen."""


def client_id(visitor: int, n: int) -> bytes:
    """The UUID of a message."""
    return b"%08x-0000-4000-8000-%012x" % (visitor, n)


def from_client_id(text: bytes) -> tuple[int, int]:
    """The opposite of `client_id`."""
    return int(text[:8], 16), int(text[24:36], 16)


class Visitor(Socket):
    """A visitor's socket.

    Attributes:
        conversation_id: Known once `ready`, where visitors greet.
    """

    def __init__(self, path: str, number: int, load: Load) -> None:
        super().__init__(path)
        self.number = number
        self.load = load
        self.conversation_id = ""

    def send_message(self, n: int) -> None:
        """Sends the visitor's message number `n`."""
        raise NotImplementedError

    def on_end(self, reason: str) -> None:
        self.load.failed(f"visitor {self.number}: {reason}")


class SocketIoVisitor(Visitor):
    """Kefu's contract: Engine.IO, Socket.IO, `visitor_hello`, `visitor_message` with acks."""

    def __init__(self, number: int, load: Load, *, greets: bool) -> None:
        super().__init__("/ws-visitor/?EIO=4&transport=websocket", number, load)
        self._greets = greets

    def on_text(self, text: bytes) -> None:
        kind = text[:2]
        if kind == b"43":
            self._ack(text)
        elif kind == b"42":
            if text[4:15] == b"message_new":
                at = text.rfind(b'"clientId":"') + 12
                self.load.echoed(*from_client_id(text[at : at + 36]))
        elif text == b"2":
            self.send(b"3")
        elif kind[:1] == b"0":
            self.send(b"40")
        elif kind == b"40":
            self._connected()
        else:
            self.load.failed(f"visitor {self.number} got {text[:80]!r}")

    def send_message(self, n: int) -> None:
        self.send(
            b'42%d["visitor_message",{"conversationId":"%b","bodyText":"%b %d","clientId":"%b"}]'
            % (n, self.conversation_id.encode(), _BODY, n, client_id(self.number, n))
        )

    def _connected(self) -> None:
        if self._greets:
            hello = {"sessionId": f"bench-{self.number:08d}-{id(self):x}", "entryUrl": "https://shop.example/shoes"}
            self.send(b"420" + json.dumps(["visitor_hello", hello]).encode())
        else:
            self.ready.set_result(None)

    def _ack(self, text: bytes) -> None:
        n = int(text[2 : text.index(b"[")])
        if b'"ok":true' not in text:
            self.load.failed(f"visitor {self.number} was refused: {text[:200]!r}")
        elif n == 0:
            self.conversation_id = json.loads(text[3:])[0]["conversationId"]
            self.ready.set_result(None)
        elif b'"seq":%d,' % n not in text:
            self.load.failed(f"visitor {self.number}: expected seq {n}, got {text[:200]!r}")
        else:
            self.load.acked(self.number, n)


class SocketIoAgent(Socket):
    """An agent's socket that joins every conversation; its acks are counted until the last one is there."""

    def __init__(self, load: Load, visitors: Sequence[Visitor], token: str) -> None:
        super().__init__("/ws-admin/?EIO=4&transport=websocket")
        self._load = load
        self._visitors = visitors
        self._token = token
        self._joined = 0

    def on_text(self, text: bytes) -> None:
        kind = text[:2]
        if kind == b"42":
            event = text[4:15]
            if event == b"message_new":
                at = text.rfind(b'"clientId":"') + 12
                self._load.delivered(*from_client_id(text[at : at + 36]))
            elif event == b"admin_authe":
                self._join()
        elif kind == b"43":
            self._joined_one(text)
        elif text == b"2":
            self.send(b"3")
        elif kind[:1] == b"0":
            self.send(b"40" + json.dumps({"token": self._token}).encode())
        elif kind != b"40":
            self._load.failed(f"the agent got {text[:80]!r}")

    def on_end(self, reason: str) -> None:
        self._load.failed(f"agent: {reason}")

    def _join(self) -> None:
        """Asks for the next conversation: one at a time, as no more than a few may wait."""
        wanted = {"conversationId": self._visitors[self._joined].conversation_id}
        self.send(b"42%d" % self._joined + json.dumps(["admin_join", wanted]).encode())

    def _joined_one(self, text: bytes) -> None:
        if b'"ok":true' not in text:
            self._load.failed(f"the agent was refused: {text[:200]!r}")
            return
        self._joined += 1
        if self._joined < len(self._visitors):
            self._join()
        else:
            self.ready.set_result(None)


class FloorVisitor(Visitor):
    """The floor: a client id and a text in a frame, `A` for the ack, `M` for the message itself."""

    def __init__(self, number: int, load: Load, *, greets: bool) -> None:  # noqa: ARG002 - there is no greeting
        super().__init__(f"/visitor/{number}", number, load)

    def on_open(self) -> None:
        self.ready.set_result(None)

    def on_text(self, text: bytes) -> None:
        visitor, n = from_client_id(text[1:37])
        if text[:1] == b"A":
            if text[37:] != b"%d" % n:
                self.load.failed(f"visitor {visitor}: expected seq {n}, got {text[37:]!r}")
            self.load.acked(visitor, n)
        else:
            self.load.echoed(visitor, n)

    def send_message(self, n: int) -> None:
        self.send(b"%b%b %d" % (client_id(self.number, n), _BODY, n))


class FloorAgent(Socket):
    """The floor's agent hears everything."""

    def __init__(self, load: Load, visitors: Sequence[Visitor], token: str) -> None:  # noqa: ARG002 - no joins, no tokens
        super().__init__("/agent")
        self._load = load

    def on_open(self) -> None:
        self.ready.set_result(None)

    def on_text(self, text: bytes) -> None:
        self._load.delivered(*from_client_id(text[1:37]))

    def on_end(self, reason: str) -> None:
        self._load.failed(f"agent: {reason}")


_BODY = BODY.encode()

DIALECTS: dict[str, tuple[type[SocketIoVisitor | FloorVisitor], type[SocketIoAgent | FloorAgent]]] = {
    "socketio": (SocketIoVisitor, SocketIoAgent),
    "floor": (FloorVisitor, FloorAgent),
}
"""Visitor and agent of each dialect."""
