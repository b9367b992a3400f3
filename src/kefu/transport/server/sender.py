"""What a client needs of the way out, whichever transport it is.

`Outbox` (websocket) and `PollQueue` (polling) are the two ways; `Held` stands in while a CONNECT is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from kefu.transport.endpoint import EncodedEvent
from kefu.transport.engineio.session import Signal


class Sender(Protocol):
    """The sending half of a channel."""

    def send(self, packet: bytes, attachments: Sequence[bytes] = ()) -> None:
        """Queues a text message, a Socket.IO packet, and the binary ones that follow it."""

    def send_encoded(self, encoded: EncodedEvent) -> None:
        """Queues an event encoded before."""

    def send_bytes(self, data: bytes) -> None:
        """Queues a binary message."""

    def send_control(self, text: bytes) -> None:
        """Queues an Engine.IO packet, whole."""

    def part(self) -> None:
        """What is queued leaves now, and what follows a moment later, so that no read of a websocket brings both."""

    def client_closed(self) -> None:
        """The client has said that it leaves; comes before `close`."""

    def abandon(self) -> None:
        """The client broke the rules, or is dead: what it has not fetched is dropped; comes before `close`."""

    def check_progress(self) -> None:
        """Refuses a client whose unfinished message was there at the last check already."""

    def close(self, code: int, reason: str) -> None:
        """Sends what is queued, then closes."""

    @property
    def is_gone(self) -> bool:
        """The client can neither send nor fetch anything any more."""

    @property
    def waiting_bytes(self) -> int:
        """Bytes that the client has not taken yet."""

    def expire(self) -> None:
        """Ends at once what was closed."""


class Move(Protocol):
    """A client's move from polling to a websocket."""

    outbox: Sender

    def on_signal(self, signal: Signal) -> None:
        """The probe came (PROBE), or the client has stopped polling (UPGRADE)."""


class Held:
    """Keeps what an endpoint sends while it decides on a CONNECT, because the answer to that goes first."""

    def __init__(self) -> None:
        self._calls: list[tuple[str, tuple[Any, ...]]] = []

    def send(self, packet: bytes, attachments: Sequence[bytes] = ()) -> None:
        """Keeps a packet."""
        self._calls.append(("send", (packet, attachments)))

    def send_encoded(self, encoded: EncodedEvent) -> None:
        """Keeps an event."""
        self._calls.append(("send_encoded", (encoded,)))

    def send_bytes(self, data: bytes) -> None:
        """Keeps a binary message."""
        self._calls.append(("send_bytes", (data,)))

    def send_control(self, text: bytes) -> None:
        """Keeps an Engine.IO packet."""
        self._calls.append(("send_control", (text,)))

    def part(self) -> None:
        """Nothing leaves from here."""

    def client_closed(self) -> None:
        """Nothing comes from the client meanwhile."""

    def abandon(self) -> None:
        """Drops what was kept."""
        self._calls.clear()

    def check_progress(self) -> None:
        """Nothing comes from the client meanwhile."""

    def close(self, code: int, reason: str) -> None:
        """Keeps the end."""
        self._calls.append(("close", (code, reason)))

    @property
    def is_gone(self) -> bool:
        """False: it never was a channel."""
        return False

    @property
    def waiting_bytes(self) -> int:
        """None: it stands in for no longer than a call."""
        return 0

    def expire(self) -> None:
        """Nothing was closed yet."""

    def replay(self, channel: Sender) -> None:
        """Does everything again, on the real channel, apart from the answer that was sent there."""
        if self._calls:
            channel.part()
        for name, args in self._calls:
            getattr(channel, name)(*args)
