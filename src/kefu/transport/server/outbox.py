"""What is on its way to a websocket.

Everything sent in one turn of the event loop leaves in one `transport.write`. A reader that lets more than
`outbox_bytes_max` wait is closed with 1013, which makes it come back and resume; if it does not even read that in time,
it is cut off. Nobody else waits for it. Sending never calls back into the sender.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from kefu.transport.endpoint import EncodedEvent
from kefu.transport.server.frames import (
    CLOSE_TRY_LATER,
    binary_frame,
    close_frame,
    message_frame,
    message_frames,
    text_frame,
)
from kefu.transport.server.refusals import Reason

PART_SECONDS = 0.01
"""How long after the answer to a CONNECT the first events leave. Clients that begin to listen only once they have read
the answer, as the protocol's own test suite does, would miss what comes in the same read."""


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

    def put_off(self, outbox: Outbox, seconds: float) -> None:
        """Writes it out that much later, and not at the end of this turn."""
        assert self._loop is not None
        if outbox in self._dirty:
            self._dirty.remove(outbox)
        self._loop.call_later(seconds, outbox.flush)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for outbox in dirty:
            outbox.flush()


class Receiver(Protocol):
    """The receiving half of the same websocket."""

    def slow_reader(self) -> None:
        """The outbox has closed because its reader was too slow; called in a later turn."""

    def check_progress(self) -> None:
        """As `Sender.check_progress`."""


class Outbox:
    """The sending half of one websocket.

    Attributes:
        is_closing: A close frame was queued, or the socket is cut; what is sent now is dropped.
    """

    __slots__ = ("_bytes_max", "_flusher", "_frames", "_receiver", "_size", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, flusher: Flusher, bytes_max: int, receiver: Receiver) -> None:
        self._transport = transport
        self._flusher = flusher
        self._bytes_max = bytes_max
        self._receiver: Receiver | None = receiver
        self._frames: list[bytes] = []
        self._size = 0
        self.is_closing = False

    def send(self, packet: bytes, attachments: Sequence[bytes] = ()) -> None:
        """Queues a text message, a Socket.IO packet, and the binary ones that follow it."""
        self.write(message_frames(packet, attachments) if attachments else message_frame(packet))

    def send_encoded(self, encoded: EncodedEvent) -> None:
        """Queues an event encoded before."""
        self.write(encoded.frame)

    def send_bytes(self, data: bytes) -> None:
        """Queues a binary message."""
        self.write(binary_frame(data))

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
            self._close_slow_reader()

    def part(self) -> None:
        """Hands over what is queued; what follows leaves `PART_SECONDS` later, or when there is much of it."""
        self.flush()
        self._frames.append(b"")  # not empty, so that what follows does not tell the flusher
        self._flusher.put_off(self, PART_SECONDS)

    def client_closed(self) -> None:
        """Nothing waits for a last answer here."""

    def abandon(self) -> None:
        """What was sent cannot be called back."""

    def check_progress(self) -> None:
        """Refuses a client whose unfinished message was there at the last check already."""
        if self._receiver is not None:
            self._receiver.check_progress()

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
        self._receiver = None  # breaks a circle: it holds this outbox

    def _close_slow_reader(self) -> None:
        if not self.is_closing and self._receiver is not None:
            asyncio.get_running_loop().call_soon(self._receiver.slow_reader)
            self._transport.write(close_frame(CLOSE_TRY_LATER, Reason.SLOW_READER))
            self.is_closing = True
            self._flusher.on_closing(self)
