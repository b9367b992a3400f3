"""One client: Engine.IO and Socket.IO state, the endpoint's calls, whichever channel it uses at the moment.

Packets come in through `receive_text` and `receive_binary`, in order; everything out goes through the channel. Whatever
a client or an endpoint does wrong ends this client alone. Knows no sockets and no HTTP.
"""

from __future__ import annotations

import logging
from typing import Any

from kefu import metrics
from kefu.transport.endpoint import ConnectRefusedError, EncodedEvent, Endpoint, Handshake
from kefu.transport.engineio import packets as engine_packets
from kefu.transport.engineio import session as engine
from kefu.transport.engineio.packets import MESSAGE_DIGIT, PING
from kefu.transport.engineio.session import Channel, SessionError, Signal
from kefu.transport.server import frames
from kefu.transport.server.faults import log_endpoint_fault
from kefu.transport.server.hub import Hub, new_public_sid
from kefu.transport.server.sender import Held, Move, Sender
from kefu.transport.socketio import jsontext, packets
from kefu.transport.socketio import session as socketio
from kefu.transport.socketio.packets import Packet, PacketType

logger = logging.getLogger("kefu.transport")

_NO_HEADERS: dict[str, str] = {}
_COMING_BACK = (1001, frames.CLOSE_RESTART, frames.CLOSE_TRY_LATER)
_MALFORMED = (ValueError, RecursionError)


class Ack:
    """Answers one event, once."""

    __slots__ = ("_client", "_id")

    def __init__(self, client: Client, ack_id: int) -> None:
        self._client: Client | None = client
        self._id = ack_id

    def __call__(self, *args: object) -> None:
        """Sends the answer; nothing happens the second time, or when the client is gone."""
        client, self._client = self._client, None
        if client is not None:
            client.answer(self._id, args)


class Client:
    """Implements `Connection`.

    Attributes:
        sid: Public id of the Socket.IO session.
        handshake: What is known of the client; its headers are dropped once `on_connect` has returned.
        state: The endpoint's.
        slot: The heartbeat's.
        awaits_pong: A ping is unanswered.
        channel: Where packets to the client go.
        move: The upgrade that is under way.
    """

    __slots__ = (
        "_assembly",
        "_endpoint",
        "_engine",
        "_hub",
        "_packets",
        "_second",
        "_session",
        "awaits_pong",
        "channel",
        "handshake",
        "move",
        "sid",
        "slot",
        "state",
    )

    def __init__(self, hub: Hub, endpoint: Endpoint, handshake: Handshake, engine_state: engine.State) -> None:
        self.sid = new_public_sid()
        self.handshake = handshake
        self.state: Any = None
        self.slot = 0
        self.awaits_pong = False
        self.channel: Sender
        self.move: Move | None = None
        self._hub = hub
        self._endpoint = endpoint
        self._engine = engine_state
        self._session = socketio.State.NEW
        self._assembly: packets.Assembly | None = None
        self._second = 0
        self._packets = 0

    # --- Connection ---------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether events may still reach the client."""
        return self._session in (socketio.State.CONNECTED, socketio.State.CONNECTING)

    def emit(self, event: str, *args: object) -> None:
        """Queues an event."""
        if self.is_open:
            self.channel.send(packets.encode_event(event, args))

    def send_encoded(self, encoded: EncodedEvent) -> None:
        """Queues an event that was encoded before."""
        self.channel.send_encoded(encoded)

    def answer(self, ack_id: int, args: tuple[object, ...]) -> None:
        """Queues the answer to an event."""
        if self.is_open:
            self.channel.send(packets.encode_ack(ack_id, args))

    def close(self, code: int = frames.CLOSE_OK, reason: str = "") -> None:
        """Sends what is queued and closes. A code that invites the client back leaves out DISCONNECT."""
        if self._engine is engine.State.CLOSED:
            return
        if self.is_open and code not in _COMING_BACK:
            self.channel.send(packets.DISCONNECT)
        self.end(code, reason or "server", "server")

    # --- heartbeat ----------------------------------------------------------------------------------------

    def ping(self) -> None:
        """Sends a ping and awaits its pong."""
        self.awaits_pong = True
        self.channel.send_control(PING)

    def time_out(self) -> None:
        """No pong came in time."""
        self.end(frames.CLOSE_POLICY, "ping timeout", "ping timeout")

    def expire(self) -> None:
        """The time for CONNECT is over."""
        if self._session is socketio.State.NEW and self._engine is not engine.State.CLOSED:
            self.end(frames.CLOSE_POLICY, "connect timeout", "connect timeout")

    # --- packets in ---------------------------------------------------------------------------------------

    def receive_text(self, channel: Channel, text: bytes) -> None:
        """Takes an Engine.IO text packet."""
        if not self.count_packet():
            return
        try:
            if self._engine is engine.State.WEBSOCKET and channel and text[:1] == MESSAGE_DIGIT:
                self._receive_message(text[1:])
            else:
                self._receive_packet(channel, engine_packets.decode_packet(text))
        except _MALFORMED as error:
            self._malformed(error, text)

    def receive_packet(self, channel: Channel, packet: engine_packets.Packet) -> None:
        """Takes an Engine.IO packet that is no binary message."""
        if not self.count_packet():
            return
        try:
            self._receive_packet(channel, packet)
        except _MALFORMED as error:
            self._malformed(error, packet.data)

    def receive_binary(self, channel: Channel, data: bytes) -> None:
        """Takes an Engine.IO binary message: an attachment."""
        if not self.count_packet():
            return
        try:
            self._engine, _ = engine.step(self._engine, channel, engine_packets.PacketType.MESSAGE)
            if self._assembly is None:
                raise SessionError("expected no attachment")
            packet = self._assembly.add(data)
            if packet is not None:
                self._assembly = None
                self._handle(packet)
        except _MALFORMED as error:
            self._malformed(error, b"")

    def count_packet(self) -> bool:
        """Counts a packet; False if the client is closed, or was closed now for sending too many."""
        hub = self._hub
        if self._second != hub.second:
            self._second = hub.second
            self._packets = 0
        self._packets += 1
        if self._packets > hub.options.packets_per_second_max:
            self.end(frames.CLOSE_POLICY, "too many packets", "too many packets")
        return self._engine is not engine.State.CLOSED

    def _receive_packet(self, channel: Channel, packet: engine_packets.Packet) -> None:
        self._engine, signal = engine.step(self._engine, channel, packet.type)
        if signal is Signal.MESSAGE:
            self._receive_message(packet.data)
        elif signal is Signal.PONG:
            self.awaits_pong = False
        elif signal is Signal.CLOSE:
            self.end(frames.CLOSE_OK, "", "transport close")
        elif self.move is not None:
            self.move.on_signal(signal)

    def _receive_message(self, text: bytes) -> None:
        if self._assembly is not None:
            raise SessionError("expected an attachment, got text")
        options = self._hub.options
        packet = packets.decode(text, depth_max=options.json_depth_max, attachments_max=options.attachments_max)
        self._handle(packet)

    def _handle(self, packet: Packet) -> None:
        self._session, signal = socketio.step(self._session, packet)
        if signal is socketio.Signal.EVENT:
            data = packet.data
            ack = None if packet.id is None else Ack(self, packet.id)
            try:
                self._endpoint.on_event(self, data[0], data[1:], ack)
            except Exception as error:  # noqa: BLE001 (logged; whatever it is, it ends this client alone)
                self._endpoint_failed("on_event", error)
        elif signal is socketio.Signal.CONNECT:
            self._connect(packet.data)
        elif signal is socketio.Signal.ATTACHMENTS:
            self._assemble(packet)
        elif signal is socketio.Signal.DISCONNECT:
            self.end(frames.CLOSE_OK, "", "client")
        elif signal is socketio.Signal.UNKNOWN_NAMESPACE:
            refusal = {"message": "Invalid namespace"}
            self.channel.send(packets.encode(Packet(PacketType.CONNECT_ERROR, refusal, namespace=packet.namespace)))

    def _assemble(self, packet: Packet) -> None:
        if packet.attachments:
            self._assembly = packets.Assembly(packet, self._hub.options.message_bytes_max)
        else:
            self._handle(packets.assemble(packet, []))

    # --- the endpoint -------------------------------------------------------------------------------------

    def _connect(self, auth: object) -> None:
        channel, held = self.channel, Held()
        self.channel = held
        try:
            self._endpoint.on_connect(self, auth)
        except ConnectRefusedError as refused:
            self.channel = channel
            self._refuse(refused)
            return
        except Exception as error:  # noqa: BLE001 (logged; whatever it is, it ends this client alone)
            self.channel = channel
            self._session = socketio.State.NEW
            self._endpoint_failed("on_connect", error)
            return
        self.channel = channel
        if self._session is socketio.State.CONNECTING:
            self._session = socketio.State.CONNECTED
        channel.send(packets.encode(Packet(PacketType.CONNECT, {"sid": self.sid})))
        held.replay(channel)
        self.handshake = _without_headers(self.handshake)

    def _refuse(self, refused: ConnectRefusedError) -> None:
        answer: dict[str, object] = {"message": refused.message}
        if refused.data is not None:
            answer["data"] = refused.data
        self._session = socketio.State.NEW
        self.channel.send(packets.encode(Packet(PacketType.CONNECT_ERROR, answer)))
        self.end(frames.CLOSE_OK, "refused", "refused")

    def _endpoint_failed(self, call: str, error: Exception) -> None:
        log_endpoint_fault(call, self.handshake.path, error)
        self.end(frames.CLOSE_INTERNAL_ERROR, "internal error", "server error")

    # --- the end ------------------------------------------------------------------------------------------

    def _malformed(self, error: Exception, text: bytes) -> None:
        code = frames.CLOSE_PROTOCOL_ERROR
        if isinstance(error, jsontext.NotUtf8Error) or not _is_utf8(text):
            code = frames.CLOSE_NOT_UTF8
        logger.info("closed a client of %s: %s", self.handshake.path, type(error).__name__)
        self.end(code, "malformed packet", "malformed packet")

    def end(self, code: int, words: str, reason: str) -> None:
        """Closes the channel with `code` and `words` and tells the endpoint `reason`; does nothing the second time."""
        if self._engine is not engine.State.CLOSED:
            self.channel.close(code, words)
            self.lost(reason)

    def lost(self, reason: str) -> None:
        """The channel is gone or closing; an endpoint that was connected hears `reason` in a later turn, once."""
        if self._engine is engine.State.CLOSED:
            return
        self._engine = engine.State.CLOSED
        connected = self.is_open
        self._session = socketio.State.CLOSED
        self._assembly = None
        if self.move is not None:
            self.move.outbox.close(frames.CLOSE_OK, "closed")
            self.move = None
        self._hub.remove(self)
        metrics.CLOSES.add(self.handshake.path, reason)
        if connected:
            assert self._hub.loop is not None
            self._hub.loop.call_soon(self._tell_disconnect, reason)

    def _tell_disconnect(self, reason: str) -> None:
        try:
            self._endpoint.on_disconnect(self, reason)
        except Exception as error:  # noqa: BLE001 (logged; whatever it is, it ends this client alone)
            self._endpoint_failed("on_disconnect", error)

    # --- upgrade ------------------------------------------------------------------------------------------

    @property
    def engine_state(self) -> engine.State:
        """Where messages flow."""
        return self._engine

    def probe_lost(self) -> None:
        """The websocket of a move is gone; polling goes on."""
        self.move = None
        if self._engine is engine.State.PROBING:
            self._engine = engine.State.POLLING


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _without_headers(handshake: Handshake) -> Handshake:
    return Handshake(handshake.path, handshake.address, _NO_HEADERS, handshake.transport)
