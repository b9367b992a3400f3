"""The seam between the transport and what it serves: a connection below, an endpoint above.

The transport knows paths, packets, acks and rooms; it has never heard of chat. An endpoint serves one path. All calls
happen on the event loop, in the order in which the packets came; none of them may block. An exception out of one ends
that connection alone, and is logged without its message. Nothing that a connection is asked to do calls the endpoint
before it returns: `on_disconnect` comes in a later turn of the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Handshake:
    """What is known of a connection before its first packet.

    Attributes:
        path: The endpoint's path without a trailing slash, `/ws-visitor`.
        address: The client's address by the trusted-proxy rule, text form.
        headers: Request headers, names in lower case, the last value of each. Empty once `on_connect` has returned: an
            endpoint that wants one later copies it into `state`.
        transport: `websocket` or `polling`, as first opened.
    """

    path: str
    address: str
    headers: Mapping[str, str]
    transport: str


class EncodedEvent(Protocol):
    """An event encoded once for any number of connections; made by `encode_event` of `transport.rooms`.

    Attributes:
        packet: The text of the Socket.IO packet.
        frame: The same as a whole websocket frame.
    """

    packet: bytes
    frame: bytes


class Connection(Protocol):
    """One Socket.IO connection (namespace `/`) over whichever transport it uses at the moment."""

    sid: str
    """Public id of the Socket.IO session; not the Engine.IO sid, which is a credential and is never logged."""
    handshake: Handshake
    state: Any
    """The endpoint's own record of this connection; None until it sets one."""

    def emit(self, event: str, *args: object) -> None:
        """Queues an event. Arguments are anything msgspec encodes to JSON. Never raises for a closed connection."""

    def send_encoded(self, encoded: EncodedEvent) -> None:
        """Queues an event that was encoded before."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Sends what is queued, disconnects from the namespace and closes. Safe to call twice.

        A client that was disconnected does not come back by itself; with 1001, 1012 or 1013 it is only closed, and
        does.
        """

    @property
    def is_open(self) -> bool:
        """Whether events may still reach the client."""


class ConnectRefusedError(Exception):
    """Raised by `on_connect`: the client gets CONNECT_ERROR with `message` and optional `data`, then is closed."""

    def __init__(self, message: str, data: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class Endpoint(Protocol):
    """What serves one path."""

    def admits_origin(self, handshake: Handshake) -> bool:
        """Whether this handshake or polling request may go on; False is answered with HTTP 403."""

    def on_connect(self, connection: Connection, auth: object) -> None:
        """A client sent CONNECT to `/`; `auth` is its payload or None.

        Raises:
            ConnectRefusedError: To refuse the connection.
        """

    def on_event(self, connection: Connection, event: str, args: list[Any], ack: Callable[..., None] | None) -> None:
        """An event came. `args` follow its name; binary ones are bytes.

        `ack(*args)` answers it, once, now or later, safely also when the client is gone. None: it wants no answer.
        """

    def on_disconnect(self, connection: Connection, reason: str) -> None:
        """The connection is gone; called once for each that `on_connect` let in.

        Reasons: `client` (it disconnected), `transport close`, `ping timeout`, `slow reader`, `too many packets`,
        `malformed packet`, `transport error` (polling), `server` (`close` was called), `server error`,
        `server restart`.
        """
