"""What is on its way to a client that polls, and the poll that waits for it.

Packets wait here between two polls, in order, as they stand in a payload. More than `outbox_bytes_max` ends the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from kefu.transport.endpoint import EncodedEvent
from kefu.transport.engineio.packets import CLOSE, MESSAGE_DIGIT, NOOP, SEPARATOR, binary_entry
from kefu.transport.server.hub import Hub

_UPGRADE_POLL_SECONDS = 0.1
"""How long a poll may wait while the client moves to a websocket: neither spinning nor stalling the move."""


class PollQueue:
    """The sending half of polling.

    Attributes:
        sid: The Engine.IO sid, by which requests find the client.
        is_polled: A poll waits now.
        is_posting: A request body is being read now.
    """

    __slots__ = (
        "_bytes_max",
        "_has_moved",
        "_hub",
        "_is_closed",
        "_is_upgrading",
        "_on_slow",
        "_size",
        "_texts",
        "_waiter",
        "is_posting",
        "sid",
    )

    def __init__(self, hub: Hub, sid: str, on_slow: Callable[[], None]) -> None:
        """`on_slow` is called, in a later turn, when the client fetches too slowly; not after the end."""
        self.sid = sid
        self.is_posting = False
        self._hub = hub
        self._bytes_max = hub.options.outbox_bytes_max
        self._on_slow: Callable[[], None] | None = on_slow
        self._texts: list[bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._is_closed = False
        self._is_upgrading = False
        self._has_moved = False

    @property
    def is_polled(self) -> bool:
        """Whether a poll waits now."""
        return self._waiter is not None

    def send(self, packet: bytes, attachments: Sequence[bytes] = ()) -> None:
        """Queues a text message, a Socket.IO packet, and the binary ones that follow it."""
        self.send_control(MESSAGE_DIGIT + packet)
        for attachment in attachments:
            self.send_bytes(attachment)

    def send_encoded(self, encoded: EncodedEvent) -> None:
        """Queues an event encoded before."""
        self.send(encoded.packet, encoded.attachments)

    def send_bytes(self, data: bytes) -> None:
        """Queues a binary message."""
        self.send_control(binary_entry(data))

    def send_control(self, text: bytes) -> None:
        """Queues an Engine.IO packet, whole."""
        if self._is_closed:
            return
        self._size += len(text)
        if self._size > self._bytes_max:
            if self._on_slow is not None:
                asyncio.get_running_loop().call_soon(self._on_slow)
            self._is_closed = True
            self._drop()
            return
        self._texts.append(text)
        self._wake()

    def part(self) -> None:
        """Does nothing: whoever polls takes what an answer holds one by one."""

    def close(self, _code: int, _reason: str) -> None:
        """Queues the last packet. Who does not fetch it in time finds the session gone."""
        if not self._is_closed:
            self.send_control(CLOSE)
            self._is_closed = True
            self._hub.closings.add(self, self._hub.now())

    def client_closed(self) -> None:
        """Answers the poll that waits, or a late one, with a noop and nothing more."""
        if not self._is_closed:
            self._is_closed = True
            self._texts = [NOOP]
            self._hub.closings.add(self, self._hub.now())
            self._wake()

    def abandon(self) -> None:
        """Tells a poll that waits; no other finds the session."""
        if not self._is_closed:
            self._is_closed = True
            self._drop()
            self._texts = [CLOSE]

    def check_progress(self) -> None:
        """Does nothing: bodies of requests have a deadline of their own."""

    @property
    def is_gone(self) -> bool:
        """No request will find the session."""
        return self._hub.sessions.get(self.sid) is None

    def expire(self) -> None:
        """Nobody fetched the last packet."""
        self._drop()

    @property
    def waiting_bytes(self) -> int:
        """What nobody has fetched yet."""
        return self._size

    def begin_upgrade(self) -> None:
        """Lets the waiting poll return, and later ones soon, so that the client can stop polling."""
        self._is_upgrading = True
        self._wake()

    def end_upgrade(self) -> None:
        """The upgrade failed; polls wait again."""
        self._is_upgrading = False

    def finish(self) -> list[bytes]:
        """Ends polling for good; what nobody fetched goes elsewhere.

        The session is still found for a while, so that late requests are told from strangers.
        """
        texts, self._texts = self._texts, []
        self._is_closed = self._has_moved = True
        self._hub.closings.add(self, self._hub.now())
        self._wake()
        return texts

    async def wait(self) -> None:
        """Waits until there is something to fetch; returns early while the client moves. Only one may wait."""
        if self._texts or self._is_closed:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait([self._waiter], timeout=_UPGRADE_POLL_SECONDS if self._is_upgrading else None)
        finally:
            self._waiter = None

    def take(self) -> bytes:
        """The oldest packets, as the body of an answer."""
        texts = self._texts[: self._hub.options.packets_per_answer_max]
        del self._texts[: len(texts)]
        self._size -= sum(map(len, texts))
        if self._is_closed and not self._texts and not self._has_moved:
            self._drop()
        return SEPARATOR.join(texts) or NOOP

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _drop(self) -> None:
        self._on_slow = None  # breaks a circle: it is the client's, who has this queue
        self._texts.clear()
        self._hub.sessions.pop(self.sid, None)
        self._wake()
