"""Which Socket.IO packet may come when on a connection that has one namespace, `/`.

Knows states and packet types; holds no data.

Laws:

* Every change of state that a packet can cause is in `TABLE`; what is not there is a `SessionError`.
* CONNECT to another namespace is answered with CONNECT_ERROR and changes nothing; any other packet there is an error.
* A packet never closes a connection, it asks for it: the caller closes, and then, in `CLOSED`, nothing is legal.
"""

from __future__ import annotations

from enum import IntEnum

from kefu.transport.socketio.packets import ROOT, Packet, PacketType


class State(IntEnum):
    """How far a connection is."""

    NEW = 0
    CONNECTING = 1
    """CONNECT came and is being decided."""
    CONNECTED = 2
    CLOSED = 3


class Signal(IntEnum):
    """What the caller has to do about a packet."""

    CONNECT = 0
    """Ask the endpoint, then answer."""
    EVENT = 1
    """Hand it to the endpoint."""
    ATTACHMENTS = 2
    """Collect its attachments, then hand in what they make."""
    DISCONNECT = 3
    """The client leaves."""
    UNKNOWN_NAMESPACE = 4
    """Answer with CONNECT_ERROR."""
    NOTHING = 5
    """An answer that nobody waits for."""


class SessionError(ValueError):
    """A packet that may not come in this state."""


TABLE: dict[tuple[State, PacketType], tuple[State, Signal]] = {
    (State.NEW, PacketType.CONNECT): (State.CONNECTING, Signal.CONNECT),
    (State.CONNECTED, PacketType.EVENT): (State.CONNECTED, Signal.EVENT),
    (State.CONNECTED, PacketType.ACK): (State.CONNECTED, Signal.NOTHING),
    (State.CONNECTED, PacketType.BINARY_EVENT): (State.CONNECTED, Signal.ATTACHMENTS),
    (State.CONNECTED, PacketType.BINARY_ACK): (State.CONNECTED, Signal.ATTACHMENTS),
    (State.CONNECTED, PacketType.DISCONNECT): (State.CONNECTED, Signal.DISCONNECT),
}

_TYPES = len(PacketType)
_FLAT = tuple(TABLE.get((state, kind)) for state in State for kind in PacketType)
# Enums hash slowly, and this is asked for every event.


def step(state: State, packet: Packet) -> tuple[State, Signal]:
    """The next state and what to do.

    Raises:
        SessionError: If the packet is not legal now.
    """
    if packet.namespace != ROOT:
        if packet.type is PacketType.CONNECT and state is not State.CLOSED:
            return state, Signal.UNKNOWN_NAMESPACE
        raise SessionError(f"{packet.type.name} for a namespace that is not connected")
    entry = _FLAT[state * _TYPES + packet.type]
    if entry is None:
        raise SessionError(f"{packet.type.name} is not expected in {state.name}")
    return entry
