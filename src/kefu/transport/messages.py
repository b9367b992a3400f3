"""The seam for whoever wants Engine.IO alone: a session below that carries texts and bytes, an endpoint above.

The same rules as in `endpoint.py`: calls happen on the event loop in the order in which the messages came, none may
block, and an exception out of one ends that session alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from kefu.transport.endpoint import Handshake


class MessageSession(Protocol):
    """One client's Engine.IO session."""

    state: Any
    """The endpoint's own record of this session; None until it sets one."""

    @property
    def handshake(self) -> Handshake:
        """What is known of the client."""

    def send(self, message: str | bytes) -> None:
        """Queues a message. Nothing happens once the session is over."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Sends what is queued and closes. Safe to call twice."""


class MessageEndpoint(Protocol):
    """What serves one path."""

    def admits_origin(self, handshake: Handshake) -> bool:
        """Whether this handshake or polling request may go on; False is answered with HTTP 403."""

    def on_message(self, session: MessageSession, message: str | bytes) -> None:
        """A message came."""

    def on_close(self, session: MessageSession, reason: str) -> None:
        """The session is over; called once for each, with a reason of `Endpoint.on_disconnect`."""


@dataclass(frozen=True, slots=True)
class Messages:
    """Says that a path is served by a `MessageEndpoint`."""

    endpoint: MessageEndpoint
