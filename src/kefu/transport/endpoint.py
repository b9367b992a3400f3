"""The seam between the transport and what it serves: a connection below, an endpoint above.

The transport knows paths, packets, acks and rooms; it has never heard of chat. An endpoint serves one path. All calls
happen on the event loop, in the order in which the packets came; none of them may block. An exception out of one ends
that connection alone, and is logged without its message. Nothing that a connection is asked to do calls the endpoint
before it returns: `on_disconnect` comes in a later turn of the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Handshake:
    """What is known of a connection before its first packet.

    Attributes:
        path: The endpoint's path without a trailing slash, `/ws-visitor`.
        address: The client's address by the trusted-proxy rule, text form.
        headers: Request headers, names in lower case, the last value of each. Empty once `on_connect` has returned
            where `/` is the only namespace: an endpoint that wants one later copies it into `state`.
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
        attachments: What follows it, where arguments held bytes.
        frame: Packet and attachments as whole websocket frames.
    """

    packet: bytes
    attachments: Sequence[bytes]
    frame: bytes


class Connection(Protocol):
    """One client's connection to one namespace, over whichever transport it uses at the moment."""

    sid: str
    """Public id of the Socket.IO session; not the Engine.IO sid, which is a credential and is never logged."""
    state: Any
    """The endpoint's own record of this connection; None until it sets one, and after `on_disconnect`."""

    @property
    def handshake(self) -> Handshake:
        """What is known of the client."""

    @property
    def namespace(self) -> str:
        """`/`, or `/name`."""

    def emit(self, event: str, *args: object) -> None:
        """Queues an event. Never raises for a closed connection.

        Arguments are anything msgspec encodes to JSON, and `Attachment` anywhere in it for bytes that travel beside it.
        """

    def send_encoded(self, encoded: EncodedEvent) -> None:
        """Queues an event that was encoded before, for this namespace."""

    def leave(self) -> None:
        """Disconnects from this namespace alone; the client keeps its others, and may connect to this one again."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Sends what is queued, disconnects from every namespace and closes the client. Safe to call twice.

        A client that was disconnected does not come back by itself; with 1001, 1012 or 1013 it is only closed, and
        does. With 1008 it is counted as refused, under `reason`.
        """

    @property
    def is_open(self) -> bool:
        """Whether events may still reach the client."""


class ConnectRefusedError(Exception):
    """Raised by `on_connect`: the client gets CONNECT_ERROR with `message` and optional `data`.

    Then it is closed, unless it is connected to another namespace.
    """

    def __init__(self, message: str, data: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class Endpoint(Protocol):
    """What serves one namespace; given alone for a path, its namespace `/`."""

    def admits_origin(self, handshake: Handshake) -> bool:
        """Whether this handshake or polling request may go on; False is answered with HTTP 403."""

    def on_connect(self, connection: Connection, auth: object) -> None:
        """A client sent CONNECT to the namespace; `auth` is its payload or None.

        Raises:
            ConnectRefusedError: To refuse the connection.
        """

    def on_event(self, connection: Connection, event: str, args: list[Any], ack: Callable[..., None] | None) -> None:
        """An event came. `args` follow its name; binary ones are `Attachment`, which is bytes.

        `ack(*args)` answers it, once, now or later, safely also when the client is gone. None: it wants no answer.
        """

    def on_disconnect(self, connection: Connection, reason: str) -> None:
        """The connection is gone; called once for each that `on_connect` let in.

        Reasons: `client` (it disconnected), `transport close`, `ping timeout`, `slow reader`, `too many packets`,
        `malformed packet`, `transport error` (polling), `server` (`leave` or `close` was called), `server error`,
        `server restart`.
        """


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Several namespaces on one path.

    Attributes:
        endpoints: By name: `/`, `/name`. A handshake's origin must be admitted by each of them, because no namespace is
            named yet.
    """

    endpoints: Mapping[str, Endpoint]
