"""Which Engine.IO packet may come when, and what it brings about.

Knows states, channels and packet types; never holds data, never asks who the peer is.

Laws:

* Every change of state that a packet can cause is in `TABLE`; what is not there is a `SessionError`.
* While a websocket is probed, messages still come and go by polling. `UPGRADE` moves all of them at once.
* A packet never closes a session, it asks for it: the caller closes, and then, in `CLOSED`, nothing is legal.
"""

from __future__ import annotations

from enum import IntEnum

from kefu.transport.engineio.packets import PacketType


class Channel(IntEnum):
    """What a packet came by."""

    POLLING = 0
    WEBSOCKET = 1


class State(IntEnum):
    """Where a session's messages flow."""

    POLLING = 0
    PROBING = 1
    """By polling still; a websocket has been probed and may take over."""
    WEBSOCKET = 2
    CLOSED = 3


class Signal(IntEnum):
    """What the caller has to do about a packet."""

    MESSAGE = 0
    """Hand its data to Socket.IO."""
    PONG = 1
    """The client lives."""
    PROBE = 2
    """Answer the probe on the websocket, and let the waiting poll return."""
    UPGRADE = 3
    """Move what is queued to the websocket and end polling."""
    CLOSE = 4
    """The client leaves."""


class SessionError(ValueError):
    """A packet that may not come in this state on this channel."""


_ALWAYS = {
    PacketType.MESSAGE: Signal.MESSAGE,
    PacketType.PONG: Signal.PONG,
    PacketType.CLOSE: Signal.CLOSE,
}

TABLE: dict[tuple[State, Channel, PacketType], tuple[State, Signal]] = {
    **{(State.POLLING, Channel.POLLING, kind): (State.POLLING, signal) for kind, signal in _ALWAYS.items()},
    (State.POLLING, Channel.WEBSOCKET, PacketType.PING): (State.PROBING, Signal.PROBE),
    **{(State.PROBING, Channel.POLLING, kind): (State.PROBING, signal) for kind, signal in _ALWAYS.items()},
    (State.PROBING, Channel.WEBSOCKET, PacketType.UPGRADE): (State.WEBSOCKET, Signal.UPGRADE),
    **{(State.WEBSOCKET, Channel.WEBSOCKET, kind): (State.WEBSOCKET, signal) for kind, signal in _ALWAYS.items()},
}


def step(state: State, channel: Channel, kind: PacketType) -> tuple[State, Signal]:
    """The next state and what to do.

    Raises:
        SessionError: If the packet is not legal now.
    """
    try:
        return TABLE[state, channel, kind]
    except KeyError:
        raise SessionError(f"{kind.name} by {channel.name} is not expected in {state.name}") from None
