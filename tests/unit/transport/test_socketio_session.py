import pytest

from kefu.transport.socketio.packets import Packet, PacketType
from kefu.transport.socketio.session import TABLE, SessionError, Signal, State, step


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", PacketType)
def test_the_table_is_the_law(state, kind):
    if (state, kind) in TABLE:
        assert step(state, Packet(kind)) == TABLE[state, kind]
    else:
        with pytest.raises(SessionError, match=f"{kind.name} is not expected in {state.name}"):
            step(state, Packet(kind))


def test_the_way_of_a_connection():
    state, signal = step(State.NEW, Packet(PacketType.CONNECT))
    assert (state, signal) == (State.CONNECTING, Signal.CONNECT)
    assert step(State.CONNECTED, Packet(PacketType.EVENT)) == (State.CONNECTED, Signal.EVENT)
    assert step(State.CONNECTED, Packet(PacketType.DISCONNECT)) == (State.CONNECTED, Signal.DISCONNECT)


@pytest.mark.parametrize("kind", PacketType)
def test_nothing_is_legal_when_closed(kind):
    for namespace in ("/", "/other"):
        with pytest.raises(SessionError):
            step(State.CLOSED, Packet(kind, namespace=namespace))


def test_other_namespaces_are_refused_and_change_nothing():
    other = Packet(PacketType.CONNECT, namespace="/other")
    for state in (State.NEW, State.CONNECTED):
        assert step(state, other) == (state, Signal.UNKNOWN_NAMESPACE)
    with pytest.raises(SessionError):
        step(State.CONNECTED, Packet(PacketType.EVENT, ["a"], "/other"))
