import pytest

from kefu.transport.engineio.packets import PacketType
from kefu.transport.engineio.session import TABLE, Channel, SessionError, Signal, State, step

POLLING, WEBSOCKET = Channel.POLLING, Channel.WEBSOCKET


def test_the_way_of_an_upgrade():
    state = State.POLLING
    signals = []
    for channel, kind in [
        (POLLING, PacketType.MESSAGE),
        (WEBSOCKET, PacketType.PING),
        (POLLING, PacketType.MESSAGE),
        (WEBSOCKET, PacketType.UPGRADE),
        (WEBSOCKET, PacketType.MESSAGE),
        (WEBSOCKET, PacketType.PONG),
        (WEBSOCKET, PacketType.CLOSE),
    ]:
        state, signal = step(state, channel, kind)
        signals.append(signal)
    assert state is State.WEBSOCKET
    assert signals == [
        Signal.MESSAGE,
        Signal.PROBE,
        Signal.MESSAGE,
        Signal.UPGRADE,
        Signal.MESSAGE,
        Signal.PONG,
        Signal.CLOSE,
    ]


@pytest.mark.parametrize("kind", PacketType)
@pytest.mark.parametrize("channel", Channel)
def test_nothing_is_legal_when_closed(channel, kind):
    with pytest.raises(SessionError):
        step(State.CLOSED, channel, kind)


@pytest.mark.parametrize(
    ("state", "channel", "kind"),
    [
        (State.POLLING, WEBSOCKET, PacketType.MESSAGE),
        (State.POLLING, WEBSOCKET, PacketType.UPGRADE),
        (State.PROBING, WEBSOCKET, PacketType.MESSAGE),
        (State.PROBING, WEBSOCKET, PacketType.PING),
        (State.WEBSOCKET, POLLING, PacketType.MESSAGE),
        (State.WEBSOCKET, WEBSOCKET, PacketType.PING),
        (State.WEBSOCKET, WEBSOCKET, PacketType.OPEN),
        (State.POLLING, POLLING, PacketType.UPGRADE),
    ],
)
def test_out_of_turn(state, channel, kind):
    with pytest.raises(SessionError, match=kind.name):
        step(state, channel, kind)


def test_only_the_websocket_moves_a_session():
    assert {key for key, (after, _) in TABLE.items() if after is not key[0]} == {
        (State.POLLING, WEBSOCKET, PacketType.PING),
        (State.PROBING, WEBSOCKET, PacketType.UPGRADE),
    }
