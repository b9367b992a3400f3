"""Which Socket.IO packet may come when on a connection to one namespace.

Knows states and packet types; holds no data, knows no names.

Laws:

* Every change of state that a packet can cause is in `TABLE`; what is not there is a `SessionError`.
* A connection that the client ended is over: to come back it connects anew. One that the server ended (`LEFT`) swallows
  what the client had sent before it knew.
* A packet never closes a connection, it asks for it: the caller closes, and then, in `CLOSED`, nothing is legal.
"""

from __future__ import annotations

from enum import IntEnum

from kefu.transport.socketio.packets import PacketType


class State(IntEnum):
    """How far a connection is."""

    NEW = 0
    CONNECTING = 1
    """CONNECT came and is being decided."""
    CONNECTED = 2
    LEFT = 3
    """The server has disconnected; the client may not know yet."""
    CLOSED = 4


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
    NOTHING = 4
    """An answer that nobody waits for, or something said to a server that has left."""


class SessionError(ValueError):
    """A packet that may not come in this state."""


TABLE: dict[tuple[State, PacketType], tuple[State, Signal]] = {
    (State.NEW, PacketType.CONNECT): (State.CONNECTING, Signal.CONNECT),
    (State.CONNECTED, PacketType.EVENT): (State.CONNECTED, Signal.EVENT),
    (State.CONNECTED, PacketType.ACK): (State.CONNECTED, Signal.NOTHING),
    (State.CONNECTED, PacketType.BINARY_EVENT): (State.CONNECTED, Signal.ATTACHMENTS),
    (State.CONNECTED, PacketType.BINARY_ACK): (State.CONNECTED, Signal.ATTACHMENTS),
    (State.CONNECTED, PacketType.DISCONNECT): (State.CONNECTED, Signal.DISCONNECT),
    (State.LEFT, PacketType.EVENT): (State.LEFT, Signal.NOTHING),
    (State.LEFT, PacketType.ACK): (State.LEFT, Signal.NOTHING),
    (State.LEFT, PacketType.BINARY_EVENT): (State.LEFT, Signal.ATTACHMENTS),
    (State.LEFT, PacketType.BINARY_ACK): (State.LEFT, Signal.ATTACHMENTS),
    (State.LEFT, PacketType.DISCONNECT): (State.LEFT, Signal.NOTHING),
}

_TYPES = len(PacketType)
_FLAT = tuple(TABLE.get((state, kind)) for state in State for kind in PacketType)
# Enums hash slowly, and this is asked for every event.


def step(state: State, kind: PacketType) -> tuple[State, Signal]:
    """The next state and what to do.

    Raises:
        SessionError: If the packet is not legal now.
    """
    entry = _FLAT[state * _TYPES + kind]
    if entry is None:
        raise SessionError(f"{kind.name} is not expected in {state.name}")
    return entry
