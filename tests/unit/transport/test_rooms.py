import pytest

from kefu.transport.rooms import Rooms, encode_event
from kefu.transport.server.frames import message_frame


class Listener:
    def __init__(self):
        self.heard = []

    def send_encoded(self, encoded):
        self.heard.append(encoded)


@pytest.fixture
def rooms():
    return Rooms()


def test_an_event_is_encoded_once():
    event = encode_event("a", {"b": "é"})
    assert event.packet == '2["a",{"b":"é"}]'.encode()
    assert event.frame == message_frame(event.packet)


def test_what_json_cannot_say():
    with pytest.raises(TypeError):
        encode_event("a", object())


def test_broadcast_reaches_members_but_the_skipped(rooms):
    one, two, other = Listener(), Listener(), Listener()
    rooms.join("r", one)
    rooms.join("r", two)
    rooms.join("s", other)
    event = encode_event("a")
    rooms.broadcast("r", event, skip=two)
    rooms.broadcast("nobody", event)
    assert (one.heard, two.heard, other.heard) == ([event], [], [])


def test_joining_and_leaving(rooms):
    one = Listener()
    for room in ("r", "r", "s", "t", "t"):
        rooms.join(room, one)
    assert all(one in rooms.members(room) for room in "rst")
    rooms.leave("r", one)
    rooms.leave("r", one)
    rooms.leave("unknown", one)
    assert [len(rooms.members(room)) for room in "rst"] == [0, 1, 1]
    rooms.leave_all(one)
    rooms.leave_all(one)
    assert not rooms._members
    assert not rooms._rooms


def test_one_room_again(rooms):
    one = Listener()
    rooms.join("r", one)
    rooms.leave("r", one)
    rooms.join("s", one)
    rooms.leave_all(one)
    assert not rooms._members
    assert not rooms._rooms


def test_others_stay(rooms):
    one, two = Listener(), Listener()
    rooms.join("r", one)
    rooms.join("r", two)
    rooms.leave_all(one)
    assert list(rooms.members("r")) == [two]
