import pytest

from kefu.transport.socketio.packets import PacketType
from kefu.transport.socketio.session import TABLE, SessionError, Signal, State, step


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", PacketType)
def test_the_table_is_the_law(state, kind):
    if (state, kind) in TABLE:
        assert step(state, kind) == TABLE[state, kind]
    else:
        with pytest.raises(SessionError, match=f"{kind.name} is not expected in {state.name}"):
            step(state, kind)


def test_the_way_of_a_connection():
    state, signal = step(State.NEW, PacketType.CONNECT)
    assert (state, signal) == (State.CONNECTING, Signal.CONNECT)
    assert step(State.CONNECTED, PacketType.EVENT) == (State.CONNECTED, Signal.EVENT)
    assert step(State.CONNECTED, PacketType.DISCONNECT) == (State.CONNECTED, Signal.DISCONNECT)


@pytest.mark.parametrize("kind", PacketType)
def test_nothing_is_legal_when_closed(kind):
    with pytest.raises(SessionError):
        step(State.CLOSED, kind)


def test_what_was_sent_before_the_client_knew_is_swallowed():
    for kind in (PacketType.EVENT, PacketType.ACK, PacketType.DISCONNECT):
        assert step(State.LEFT, kind) == (State.LEFT, Signal.NOTHING)
    assert step(State.LEFT, PacketType.BINARY_EVENT) == (State.LEFT, Signal.ATTACHMENTS)
