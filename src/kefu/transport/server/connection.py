"""One client's connection to one namespace: the endpoint's calls, and what the endpoint may ask for.

Knows Socket.IO packets and one endpoint; which namespaces a client is in is `socket_client.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kefu.transport.endpoint import ConnectRefusedError, EncodedEvent, Endpoint, Handshake
from kefu.transport.server import frames
from kefu.transport.server.faults import log_endpoint_fault
from kefu.transport.server.hub import new_public_sid
from kefu.transport.server.sender import Held
from kefu.transport.socketio import packets, session
from kefu.transport.socketio.packets import ROOT, Packet, PacketType
from kefu.transport.socketio.session import Signal, State

if TYPE_CHECKING:
    from kefu.transport.server.socket_client import SocketClient


_OPEN = (State.CONNECTED, State.CONNECTING)


class Ack:
    """Answers one event, once."""

    __slots__ = ("_connection", "_id")

    def __init__(self, connection: NamespaceConnection, ack_id: int) -> None:
        self._connection: NamespaceConnection | None = connection
        self._id = ack_id

    def __call__(self, *args: object) -> None:
        """Sends the answer; nothing happens the second time, or when the client is gone."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.answer(self._id, args)


class NamespaceConnection:
    """Implements `Connection`.

    Attributes:
        sid: Public id of the Socket.IO session.
        namespace: `/`, or `/name`.
        state: The endpoint's.
    """

    __slots__ = ("_client", "_endpoint", "_session", "namespace", "sid", "state")

    def __init__(self, client: SocketClient, endpoint: Endpoint, namespace: str) -> None:
        self.sid = new_public_sid()
        self.namespace = namespace
        self.state: Any = None
        self._client = client
        self._endpoint = endpoint
        self._session = State.NEW

    # --- Connection ---------------------------------------------------------------------------------------

    @property
    def handshake(self) -> Handshake:
        """What is known of the client."""
        return self._client.handshake

    @property
    def is_open(self) -> bool:
        """Whether events may still reach the client."""
        return self._session in _OPEN

    def emit(self, event: str, *args: object) -> None:
        """Queues an event."""
        if self.is_open:
            self._client.channel.send(*packets.encode_event(event, args, self.namespace))

    def send_encoded(self, encoded: EncodedEvent) -> None:
        """Queues an event that was encoded before."""
        if self.namespace is ROOT:
            if self.is_open:
                self._client.channel.send_encoded(encoded)
        elif self.is_open:
            self._client.channel.send(packets.in_namespace(encoded.packet, self.namespace), encoded.attachments)

    def answer(self, ack_id: int, args: tuple[object, ...]) -> None:
        """Queues the answer to an event."""
        if self.is_open:
            self._client.channel.send(*packets.encode_ack(ack_id, args, self.namespace))

    def leave(self) -> None:
        """Disconnects from this namespace alone."""
        if self.is_open:
            self.say_disconnect()
            self._session = State.LEFT
            self._client.left(self, "server")

    def close(self, code: int = frames.CLOSE_OK, reason: str = "") -> None:
        """Sends what is queued and closes the client."""
        self._client.close(code, reason)

    # --- the client's calls -------------------------------------------------------------------------------

    def connect(self, auth: object) -> None:
        """Asks the endpoint and answers the client; what the endpoint sends meanwhile goes after the answer."""
        client = self._client
        channel, held = client.channel, Held()
        self._session, _ = session.step(self._session, PacketType.CONNECT)
        client.channel = held
        refusal: dict[str, object] | None = None
        try:
            self._endpoint.on_connect(self, auth)
        except ConnectRefusedError as refused:
            refusal = {"message": refused.message} | ({} if refused.data is None else {"data": refused.data})
        except Exception as error:  # noqa: BLE001 (logged; whatever it is, it ends this client alone)
            self._session, client.channel = State.CLOSED, channel
            self._failed("on_connect", error)
            return
        client.channel = channel
        if refusal is not None:
            self._session = State.CLOSED
            self._send(Packet(PacketType.CONNECT_ERROR, refusal, self.namespace))
            client.refused(self)
            return
        if self._session is State.CONNECTING:
            self._session = State.CONNECTED
        self._send(Packet(PacketType.CONNECT, {"sid": self.sid}, self.namespace))
        held.replay(channel)

    def receive(self, packet: Packet) -> None:
        """Takes a packet that is no CONNECT.

        Raises:
            SessionError: If it may not come now.
        """
        self._session, signal = session.step(self._session, packet.type)
        if signal is Signal.EVENT:
            data = packet.data
            ack = None if packet.id is None else Ack(self, packet.id)
            try:
                self._endpoint.on_event(self, data[0], data[1:], ack)
            except Exception as error:  # noqa: BLE001 (logged; whatever it is, it ends this client alone)
                self._failed("on_event", error)
        elif signal is Signal.ATTACHMENTS:
            self._client.await_attachments(packet)
        elif signal is Signal.DISCONNECT:
            self._session = State.CLOSED
            self._client.left(self, "client")

    @property
    def has_left(self) -> bool:
        """Whether the server has disconnected this one, so that the client may connect anew."""
        return self._session is State.LEFT

    def say_disconnect(self) -> None:
        """Sends DISCONNECT."""
        self._send(Packet(PacketType.DISCONNECT, None, self.namespace))

    def lost(self) -> bool:
        """The client is gone; True if the endpoint has to be told."""
        was_open, self._session = self.is_open, State.CLOSED
        return was_open

    def tell_disconnect(self, reason: str) -> None:
        """Tells the endpoint that it is over, and lets go of the endpoint's record."""
        try:
            self._endpoint.on_disconnect(self, reason)
        except Exception as error:  # noqa: BLE001 (logged; whatever it is, it ends this client alone)
            self._failed("on_disconnect", error)
        self.state = None  # breaks a circle: records know their connection, and all of it would wait for the collector

    def _send(self, packet: Packet) -> None:
        self._client.channel.send(*packets.encode(packet))

    def _failed(self, call: str, error: Exception) -> None:
        log_endpoint_fault(call, self.handshake.path, error)
        self._client.end(frames.CLOSE_INTERNAL_ERROR, "internal error", "server error")
