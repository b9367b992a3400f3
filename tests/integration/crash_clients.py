"""Visitors as the crash test needs them: they survive their server, repeat what was not acked, and remember each ack.

Engine.IO and Socket.IO are written out by hand on aiohttp's websocket, so that nothing of Kefu's own code is asked
whether it is right.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import uuid
from collections.abc import Callable
from typing import Any

import aiohttp

IN_FLIGHT_MAX = 5
HELLO_ID = 0


class Message:
    """A text, and the ack that it got."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.client_id = str(uuid.uuid4())
        self.sent = 0
        self.ack: dict[str, Any] | None = None


class Visitor:
    """Sends its messages in order, a few at a time, over as many connections as that takes.

    Args:
        number: Tells visitors apart.
        texts: What it sends, once everybody is there.
        everybody: Meets once, after the first hello of each.
        on_ack: Called for each ack.
    """

    def __init__(self, number: int, texts: list[str], everybody: asyncio.Barrier, on_ack: Callable[[], None]) -> None:
        self.session_id = f"crash-test-{number:04d}-{uuid.uuid4()}"
        self.token: str | None = None
        self.conversation_id: str | None = None
        self.messages = [Message(text) for text in texts]
        self._everybody = everybody
        self._on_ack = on_ack

    async def run(self, http: aiohttp.ClientSession, url: str, up: asyncio.Event) -> None:
        """Returns when every message is acked. `up` is set while there is a server to connect to."""
        while self._unacked():
            await up.wait()
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                async with http.ws_connect(f"{url}/ws-visitor/?EIO=4&transport=websocket") as socket:
                    await _Talk(self, socket).run()

    def _unacked(self) -> list[Message]:
        return [message for message in self.messages if message.ack is None]

    def hello(self) -> dict[str, Any]:
        """The same visitor on every connection."""
        return {"sessionId": self.session_id} | ({"visitorToken": self.token} if self.token else {})

    async def greeted(self, ack: dict[str, Any]) -> list[Message]:
        """Takes the hello's ack; what is still to be sent, in order."""
        assert ack["ok"], ack
        if self.conversation_id is None:
            await self._everybody.wait()
        assert self.conversation_id in (None, ack["conversationId"]), "the visitor was not recognised"
        assert self.token in (None, ack["visitorToken"])
        self.conversation_id, self.token = ack["conversationId"], ack["visitorToken"]
        return self._unacked()

    def acked(self, message: Message, ack: dict[str, Any]) -> None:
        """Takes a message's ack."""
        assert ack["ok"], ack
        assert message.ack is None
        message.ack = ack
        self._on_ack()


class _Talk:
    """One connection: hello, then the messages, never more than a few unanswered."""

    def __init__(self, visitor: Visitor, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._visitor = visitor
        self._socket = socket
        self._ids = itertools.count(HELLO_ID + 1)
        self._waiting: dict[int, Message] = {}
        self._queue: list[Message] = []
        self._is_greeted = False

    async def run(self) -> None:
        """Until everything is acked or the connection is gone."""
        async for frame in self._socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                return
            await self._take(frame.data)
            if self._is_greeted and not self._queue and not self._waiting:
                return

    async def _take(self, packet: str) -> None:
        if packet.startswith("0"):
            await self._socket.send_str("40")
        elif packet == "2":
            await self._socket.send_str("3")
        elif packet.startswith("40"):
            await self._emit(HELLO_ID, "visitor_hello", self._visitor.hello())
        elif packet.startswith("43"):
            digits, _, data = packet[2:].partition("[")
            await self._answered(int(digits), json.loads(f"[{data}")[0])
        else:
            assert packet.startswith('42["'), packet

    async def _answered(self, ack_id: int, ack: dict[str, Any]) -> None:
        if ack_id == HELLO_ID:
            self._queue = (await self._visitor.greeted(ack))[::-1]
            self._is_greeted = True
        else:
            self._visitor.acked(self._waiting.pop(ack_id), ack)
        while self._queue and len(self._waiting) < IN_FLIGHT_MAX:
            await self._send(self._queue.pop())

    async def _send(self, message: Message) -> None:
        ack_id = next(self._ids)
        self._waiting[ack_id] = message
        message.sent += 1
        await self._emit(
            ack_id,
            "visitor_message",
            {
                "conversationId": self._visitor.conversation_id,
                "bodyText": message.text,
                "clientId": message.client_id,
            },
        )

    async def _emit(self, ack_id: int, event: str, payload: dict[str, Any]) -> None:
        await self._socket.send_str(f"42{ack_id}{json.dumps([event, payload])}")
