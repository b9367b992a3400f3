"""One client's Engine.IO session over whichever channel it uses at the moment; the base of what speaks on top of it.

Packets come in through `receive_text`, `receive_packet` and `receive_binary`, in order; everything out goes through
the channel. Whatever a client does wrong ends this client alone. Knows no sockets, no HTTP, no Socket.IO.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from kefu import metrics
from kefu.transport.endpoint import Handshake
from kefu.transport.engineio import packets, session
from kefu.transport.engineio.packets import MESSAGE_DIGIT, PING, Packet, PacketType
from kefu.transport.engineio.session import Channel, Signal, State
from kefu.transport.server import frames
from kefu.transport.server.hub import Hub
from kefu.transport.server.refusals import Reason
from kefu.transport.server.sender import Move, Sender

_MALFORMED = (ValueError, RecursionError)


class Fault(NamedTuple):
    """How a socket is closed for what its client sent."""

    code: int
    reason: Reason


class Client(ABC):
    """One client.

    Attributes:
        handshake: What is known of the client.
        slot: The heartbeat's.
        awaits_pong: A ping is unanswered.
        channel: Where packets to the client go.
        move: The upgrade that is under way.
    """

    __slots__ = ("_engine", "_hub", "_packets", "_second", "awaits_pong", "channel", "handshake", "move", "slot")

    def __init__(self, hub: Hub, handshake: Handshake, engine_state: State) -> None:
        self.handshake = handshake
        self.slot = 0
        self.awaits_pong = False
        self.channel: Sender
        self.move: Move | None = None
        self._hub = hub
        self._engine = engine_state
        self._second = 0
        self._packets = 0

    # --- what speaks on top -------------------------------------------------------------------------------

    @abstractmethod
    def _receive_message(self, text: bytes) -> None:
        """A text message came.

        Raises:
            ValueError: If it is wrong; the client is closed then, as `_fault` says.
        """

    @abstractmethod
    def _receive_bytes(self, data: bytes) -> None:
        """A binary message came; as `_receive_message`."""

    @abstractmethod
    def _over(self, reason: str) -> None:
        """The session is over; whoever is told is told in a later turn of the loop."""

    @abstractmethod
    def opened(self) -> None:
        """The session has begun."""

    def _fault(self, error: Exception) -> Fault | None:  # noqa: ARG002 (others know more errors)
        """How an error of `_receive_message` closes the client; None: as malformed."""
        return None

    # --- the end ------------------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Nothing goes either way any more."""
        return self._engine is State.CLOSED

    def close(self, code: int = frames.CLOSE_OK, reason: str = "") -> None:
        """Sends what is queued and closes; with 1008 it counts as refused."""
        if code == frames.CLOSE_POLICY and not self.is_over:
            self._hub.refusals.count(reason)
        self.end(code, reason or "server", "server")

    def refuse(self, code: int, reason: Reason, told: str) -> None:
        """Ends the client for what it did, and counts that; does nothing the second time."""
        if not self.is_over:
            self._hub.refusals.count(reason)
            self.end(code, reason, told)

    def slow_reader(self) -> None:
        """More waited for the client than may; its channel has closed itself."""
        if not self.is_over:
            self._hub.refusals.count(Reason.SLOW_READER)
            self.lost("slow reader")

    def end(self, code: int, words: str, reason: str) -> None:
        """Closes the channel with `code` and `words` and tells the endpoint `reason`; does nothing the second time."""
        if not self.is_over:
            self.channel.close(code, words)
            self.lost(reason)

    def lost(self, reason: str) -> None:
        """The channel is gone or closing; what speaks on top hears `reason`, once."""
        if self.is_over:
            return
        self._engine = State.CLOSED
        if self.move is not None:
            self.move.outbox.close(frames.CLOSE_OK, "closed")
            self.move = None
        self._hub.remove(self)
        metrics.CLOSES.add(self.handshake.path, reason)
        self._over(reason)

    # --- heartbeat ----------------------------------------------------------------------------------------

    def ping(self) -> None:
        """Sends a ping and awaits its pong."""
        self.awaits_pong = True
        self.channel.send_control(PING)

    def time_out(self) -> None:
        """No pong came in time."""
        self.channel.abandon()
        self.refuse(frames.CLOSE_POLICY, Reason.PING_TIMEOUT, "ping timeout")

    # --- packets in ---------------------------------------------------------------------------------------

    def receive_text(self, channel: Channel, text: bytes) -> None:
        """Takes an Engine.IO text packet."""
        if not self.count_packet():
            return
        try:
            if self._engine is State.WEBSOCKET and channel and text[:1] == MESSAGE_DIGIT:
                self._receive_message(text[1:])
            else:
                self._receive_packet(channel, packets.decode_packet(text))
        except _MALFORMED as error:
            self._malformed(error, text)

    def receive_packet(self, channel: Channel, packet: Packet) -> None:
        """Takes an Engine.IO packet that is no binary message."""
        if not self.count_packet():
            return
        try:
            self._receive_packet(channel, packet)
        except _MALFORMED as error:
            self._malformed(error, packet.data)

    def receive_binary(self, channel: Channel, data: bytes) -> None:
        """Takes an Engine.IO binary message."""
        if not self.count_packet():
            return
        try:
            self._engine, _ = session.step(self._engine, channel, PacketType.MESSAGE)
            self._receive_bytes(data)
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
            self.refuse(frames.CLOSE_POLICY, Reason.TOO_MANY_PACKETS, "too many packets")
        return self._engine is not State.CLOSED

    def _receive_packet(self, channel: Channel, packet: Packet) -> None:
        self._engine, signal = session.step(self._engine, channel, packet.type)
        if signal is Signal.MESSAGE:
            self._receive_message(packet.data)
            return
        packet.data.decode()  # nobody reads it, but a text that is no UTF-8 is refused wherever it stands
        if signal is Signal.PONG:
            self.awaits_pong = False
        elif signal is Signal.CLOSE:
            self.channel.client_closed()
            self.end(frames.CLOSE_OK, "", "transport close")
        elif self.move is not None:
            self.move.on_signal(signal)

    def _malformed(self, error: Exception, text: bytes) -> None:
        fault = self._fault(error)
        if fault is None:
            fault = Fault(frames.CLOSE_PROTOCOL_ERROR, Reason.MALFORMED_PACKET)
            if isinstance(error, UnicodeDecodeError) or not _is_utf8(text):
                fault = Fault(frames.CLOSE_NOT_UTF8, Reason.NOT_UTF8)
        self.channel.abandon()
        self.refuse(*fault, "malformed packet")

    # --- upgrade ------------------------------------------------------------------------------------------

    @property
    def engine_state(self) -> State:
        """Where messages flow."""
        return self._engine

    def probe_lost(self) -> None:
        """The websocket of a move is gone; polling goes on."""
        self.move = None
        if self._engine is State.PROBING:
            self._engine = State.POLLING


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True
