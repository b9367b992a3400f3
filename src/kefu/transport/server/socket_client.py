"""A client that speaks Socket.IO: its namespaces, and packets put together from a text and attachments.

Knows which namespaces its path has; what happens in one is `connection.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kefu.transport.endpoint import Endpoint, Handshake
from kefu.transport.engineio import session as engine
from kefu.transport.engineio.session import SessionError
from kefu.transport.server import frames
from kefu.transport.server.client import Client, Fault
from kefu.transport.server.connection import NamespaceConnection
from kefu.transport.server.hub import Hub
from kefu.transport.server.refusals import Reason
from kefu.transport.socketio import jsontext, packets
from kefu.transport.socketio.packets import ROOT, Packet, PacketType

_NO_HEADERS: dict[str, str] = {}
_COMING_BACK = (1001, frames.CLOSE_RESTART, frames.CLOSE_TRY_LATER)
_FAULTS: dict[type[Exception], Fault] = {
    packets.TooManyAttachmentsError: Fault(frames.CLOSE_POLICY, Reason.TOO_MANY_ATTACHMENTS),
    packets.AttachmentsTooBigError: Fault(frames.CLOSE_TOO_BIG, Reason.MESSAGE_TOO_BIG),
    jsontext.TooDeepError: Fault(frames.CLOSE_POLICY, Reason.JSON_TOO_DEEP),
    jsontext.NotUtf8Error: Fault(frames.CLOSE_NOT_UTF8, Reason.NOT_UTF8),
}


class SocketClient(Client):
    """One client and its connections to namespaces."""

    __slots__ = ("_assembly", "_endpoints", "_has_deadline", "_others", "_root")

    def __init__(
        self, hub: Hub, endpoints: Mapping[str, Endpoint], handshake: Handshake, engine_state: engine.State
    ) -> None:
        super().__init__(hub, handshake, engine_state)
        self._endpoints = endpoints
        self._root: NamespaceConnection | None = None
        # Of custom namespaces; nearly all clients have none.
        self._others: dict[str, NamespaceConnection] | None = None
        self._assembly: packets.Assembly | None = None
        self._has_deadline = False

    @property
    def connections(self) -> list[NamespaceConnection]:
        """The open ones."""
        return [connection for connection in self._connections() if connection.is_open]

    def opened(self) -> None:
        """The session has begun: a namespace is to be connected in time."""
        self._set_deadline()

    def expire(self) -> None:
        """The time for CONNECT is over."""
        self._has_deadline = False
        if not self._is_connected():
            self.refuse(frames.CLOSE_POLICY, Reason.CONNECT_TIMEOUT, "connect timeout")

    def close(self, code: int = frames.CLOSE_OK, reason: str = "") -> None:
        """Sends what is queued and closes. A code that invites the client back leaves out DISCONNECT."""
        if self.is_over:
            return
        if code not in _COMING_BACK:
            for connection in self.connections:
                connection.say_disconnect()
        super().close(code, reason)

    # --- namespaces ---------------------------------------------------------------------------------------

    def left(self, connection: NamespaceConnection, reason: str) -> None:
        """One side has ended a connection; the client may connect to a namespace again, within a deadline."""
        if reason == "client":
            self._forget(connection)
        self._tell(connection, reason)
        if not self._is_connected():
            self._set_deadline()

    def refused(self, connection: NamespaceConnection) -> None:
        """The endpoint did not let a connection in."""
        self._forget(connection)
        if not self._is_connected():
            self.end(frames.CLOSE_OK, "refused", "refused")

    def _handle(self, packet: Packet) -> None:
        name = packet.namespace
        connection = self._root if name == ROOT else self._other(name)
        if packet.type is not PacketType.CONNECT:
            if connection is None:
                raise SessionError(f"{packet.type.name} for a namespace that is not connected")
            connection.receive(packet)
        elif connection is not None and not connection.has_left:
            raise SessionError("CONNECT for a namespace that is connected")
        else:
            self._connect(name, packet.data)

    def _connect(self, name: str, auth: object) -> None:
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            refusal = Packet(PacketType.CONNECT_ERROR, {"message": "Invalid namespace"}, name)
            self.channel.send(*packets.encode(refusal))
            return
        if name == ROOT:
            self._root = connection = NamespaceConnection(self, endpoint, ROOT)
        else:
            self._others = self._others or {}
            self._others[name] = connection = NamespaceConnection(self, endpoint, name)
        connection.connect(auth)
        if self._endpoints.keys() == {ROOT}:
            self._drop_headers()

    def _other(self, name: str) -> NamespaceConnection | None:
        return self._others.get(name) if self._others is not None else None

    def _drop_headers(self) -> None:
        old = self.handshake
        self.handshake = Handshake(old.path, old.address, _NO_HEADERS, old.transport)

    def _forget(self, connection: NamespaceConnection) -> None:
        if connection is self._root:
            self._root = None
        elif self._others is not None:
            self._others.pop(connection.namespace, None)

    def _connections(self) -> Iterator[NamespaceConnection]:
        if self._root is not None:
            yield self._root
        yield from (self._others or {}).values()

    def _is_connected(self) -> bool:
        return any(connection.is_open for connection in self._connections())

    def _set_deadline(self) -> None:
        if not self._has_deadline and not self.is_over:
            self._has_deadline = True
            self._hub.handshakes.add(self, self._hub.now())

    def _tell(self, connection: NamespaceConnection, reason: str) -> None:
        assert self._hub.loop is not None
        self._hub.loop.call_soon(connection.tell_disconnect, reason)

    # --- what Engine.IO brings ----------------------------------------------------------------------------

    def await_attachments(self, packet: Packet) -> None:
        """The attachments of the packet come next."""
        if packet.attachments:
            self._assembly = packets.Assembly(packet, self._hub.options.message_bytes_max)
        else:
            self._handle(packets.assemble(packet, []))

    def _receive_message(self, text: bytes) -> None:
        if self._assembly is not None:
            raise SessionError("expected an attachment, got text")
        options = self._hub.options
        packet = packets.decode(text, depth_max=options.json_depth_max, attachments_max=options.attachments_max)
        self._handle(packet)

    def _receive_bytes(self, data: bytes) -> None:
        if self._assembly is None:
            raise SessionError("expected no attachment")
        packet = self._assembly.add(data)
        if packet is not None:
            self._assembly = None
            self._handle(packet)

    def _fault(self, error: Exception) -> Fault | None:
        return _FAULTS.get(type(error))

    def _over(self, reason: str) -> None:
        self._assembly = None
        for connection in list(self._connections()):
            if connection.lost():
                self._tell(connection, reason)
        self._root = self._others = None
