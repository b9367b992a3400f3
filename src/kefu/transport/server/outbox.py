"""What is on its way to a websocket.

Everything sent in one turn of the event loop leaves in one `transport.write`. A reader that lets more than
`outbox_bytes_max` wait is cut off; nobody else waits for it. Sending never calls back into the sender.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kefu.transport.endpoint import EncodedEvent
from kefu.transport.server.frames import close_frame, message_frame, text_frame


class Flusher:
    """Writes out, at the end of the loop's turn, every outbox that got something in it.

    Attributes:
        on_closing: Gives an outbox that sent its close frame a deadline.
    """

    __slots__ = ("_dirty", "_loop", "on_closing")

    def __init__(self, on_closing: Callable[[Outbox], None]) -> None:
        self.on_closing = on_closing
        self._dirty: list[Outbox] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Names the loop whose turns count."""
        self._loop = loop

    def add(self, outbox: Outbox) -> None:
        """Notes an outbox that was empty."""
        if not self._dirty:
            assert self._loop is not None
            self._loop.call_soon(self._flush)
        self._dirty.append(outbox)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for outbox in dirty:
            outbox.flush()


class Outbox:
    """The sending half of one websocket.

    Attributes:
        is_closing: A close frame was queued, or the socket is cut; what is sent now is dropped.
    """

    __slots__ = ("_bytes_max", "_flusher", "_frames", "_on_slow", "_size", "_transport", "is_closing")

    def __init__(
        self, transport: asyncio.Transport, flusher: Flusher, bytes_max: int, on_slow: Callable[[], None]
    ) -> None:
        """`on_slow` is called, in a later turn, after the socket was cut because its reader was too slow."""
        self._transport = transport
        self._flusher = flusher
        self._bytes_max = bytes_max
        self._on_slow = on_slow
        self._frames: list[bytes] = []
        self._size = 0
        self.is_closing = False

    def send(self, packet: bytes) -> None:
        """Queues a Socket.IO packet."""
        self.write(message_frame(packet))

    def send_encoded(self, encoded: EncodedEvent) -> None:
        """Queues an event encoded before."""
        self.write(encoded.frame)

    def send_control(self, text: bytes) -> None:
        """Queues an Engine.IO packet, whole."""
        self.write(text_frame(text))

    def write(self, frame: bytes) -> None:
        """Queues a websocket frame."""
        if self.is_closing:
            return
        frames = self._frames
        if not frames:
            self._flusher.add(self)
        frames.append(frame)
        self._size += len(frame)
        if self._size > self._bytes_max:
            self.flush()

    def flush(self) -> None:
        """Hands everything to the socket now."""
        frames = self._frames
        if not frames:
            return
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        frames.clear()
        self._size = 0
        transport = self._transport
        transport.write(data)
        if transport.get_write_buffer_size() > self._bytes_max:
            self._cut_slow_reader()

    def close(self, code: int, reason: str) -> None:
        """Sends what is queued and a close frame; the peer's answer, or a deadline, ends the socket."""
        if not self.is_closing:
            self.write(close_frame(code, reason))
            self.flush()
            self.is_closing = True
            self._flusher.on_closing(self)

    @property
    def waiting_bytes(self) -> int:
        """What the peer has not taken yet, as far as this process knows."""
        return self._size + self._transport.get_write_buffer_size()

    @property
    def is_gone(self) -> bool:
        """Nothing will be read any more; what was written may still be on its way out."""
        return self._transport.is_closing()

    def expire(self) -> None:
        """The peer had its time to answer the close frame."""
        self._transport.abort()

    def lost(self) -> None:
        """The socket is gone, and what is queued with it."""
        self.is_closing = True
        self._frames.clear()
        self._on_slow = _do_nothing  # breaks a circle: whoever listens holds this outbox

    def abort(self) -> None:
        """Ends the socket now."""
        self.is_closing = True
        self._frames.clear()
        self._transport.abort()

    def _cut_slow_reader(self) -> None:
        if not self.is_closing:
            # Before the abort, whose own news would come first otherwise and hide the reason.
            asyncio.get_running_loop().call_soon(self._on_slow)
            self.abort()


def _do_nothing() -> None:
    pass
