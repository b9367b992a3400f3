import pytest

from kefu.transport.socketio.packets import (
    Assembly,
    Attachment,
    AttachmentsTooBigError,
    Packet,
    PacketError,
    PacketType,
    TooManyAttachmentsError,
    decode,
    encode,
    encode_ack,
    encode_event,
    in_namespace,
)

LIMITS = {"depth_max": 8, "attachments_max": 3}


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        (b"0", Packet(PacketType.CONNECT)),
        (b'0{"token":"t"}', Packet(PacketType.CONNECT, {"token": "t"})),
        (b"0/admin,", Packet(PacketType.CONNECT, namespace="/admin")),
        (b'0/admin,{"a":1}', Packet(PacketType.CONNECT, {"a": 1}, "/admin")),
        (b"1", Packet(PacketType.DISCONNECT)),
        (b"1/admin,", Packet(PacketType.DISCONNECT, namespace="/admin")),
        (b'2["a",1]', Packet(PacketType.EVENT, ["a", 1])),
        (b'212["a"]', Packet(PacketType.EVENT, ["a"], id=12)),
        (b'20["a"]', Packet(PacketType.EVENT, ["a"], id=0)),
        (b'2/admin,7["a,["]', Packet(PacketType.EVENT, ["a,["], "/admin", 7)),
        (b"37[]", Packet(PacketType.ACK, [], id=7)),
        (b'4{"message":"no"}', Packet(PacketType.CONNECT_ERROR, {"message": "no"})),
        (
            b'51-["a",{"_placeholder":true,"num":0}]',
            Packet(PacketType.BINARY_EVENT, ["a", {"_placeholder": True, "num": 0}], attachments=1),
        ),
        (b"61-/admin,7[1]", Packet(PacketType.BINARY_ACK, [1], "/admin", 7, 1)),
    ],
)
def test_packets(text, packet):
    assert decode(text, **LIMITS) == packet
    assert encode(packet) == (text, [])


def test_a_namespace_may_stand_without_comma():
    assert decode(b"0/admin", **LIMITS) == Packet(PacketType.CONNECT, namespace="/admin")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"7",
        b"x",
        b"2",
        b"2[]",
        b"2{}",
        b"2[1]",
        b"2[null]",
        b'2["a"',
        b'2x["a"]',
        b'2-1["a"]',
        b'21-["a"]',
        b'2\xc2\xb2["a"]',
        b'299999999999999999["a"]',
        b'5["a"]',
        b'54-["a"]',
        b"3[]",
        b"37{}",
        b"0[]",
        b"01",
        b"1{}",
        b'17["a"]',
        b"0/" + b"a" * 300 + b",",
        b'2["a",[[[[[[[[1]]]]]]]]]',
    ],
)
def test_no_packets(text):
    with pytest.raises(ValueError, match="expected"):
        decode(text, **LIMITS)


def test_what_the_server_sends():
    assert encode_event("a", (1, {"b": None})) == (b'2["a",1,{"b":null}]', ())
    assert encode_ack(7, ({"ok": True},)) == (b'37[{"ok":true}]', ())
    assert encode_event("a", (1,), "/custom") == (b'2/custom,["a",1]', [])
    assert encode_ack(7, (), "/custom") == (b"3/custom,7[]", [])


def test_attachments_take_their_places():
    packet = decode(b'52-7["a",{"x":[{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":0}]', **LIMITS)
    assembly = Assembly(packet, 100)
    assert assembly.add(b"zero") is None
    assert assembly.add(b"one") == Packet(PacketType.EVENT, ["a", {"x": [b"one"]}, b"zero"], id=7)


def test_attachments_leave_placeholders():
    one, two = Attachment(b"one"), Attachment(b"two")
    text = b'52-["a",{"x":[{"_placeholder":true,"num":0}]},{"_placeholder":true,"num":1}]'
    assert encode_event("a", ({"x": [one]}, two)) == (text, [one, two])
    assert encode_ack(7, (one,), "/custom") == (b'61-/custom,7[{"_placeholder":true,"num":0}]', [one])
    assert encode_event("a", (b"plain",)) == (b'2["a","cGxhaW4="]', ())


def test_what_json_cannot_say_leaves_nothing_behind():
    with pytest.raises(TypeError, match="expected what JSON can say"):
        encode_event("a", (Attachment(b"one"), object()))
    assert encode_event("a", (1,)) == (b'2["a",1]', [])
    assert encode_event("a", (1,)) == (b'2["a",1]', ())


def test_an_event_in_another_namespace():
    for text in (b'2["a",1]', b'51-["a",{"_placeholder":true,"num":0}]'):
        moved = decode(in_namespace(text, "/custom"), **LIMITS)
        moved.namespace = "/"
        assert moved == decode(text, **LIMITS)


def test_too_many_attachments():
    with pytest.raises(TooManyAttachmentsError, match="at most 3"):
        decode(b'54-["a"]', **LIMITS)


@pytest.mark.parametrize("number", [b"1", b"-1", b"true", b'"0"', b"null"])
def test_a_placeholder_without_attachment(number):
    packet = decode(b'51-["a",{"_placeholder":true,"num":' + number + b"}]", **LIMITS)
    with pytest.raises(PacketError, match="placeholder"):
        Assembly(packet, 100).add(b"x")


def test_attachments_are_bounded_together():
    assembly = Assembly(decode(b'52-["a"]', **LIMITS), 5)
    assembly.add(b"abc")
    with pytest.raises(AttachmentsTooBigError, match="bytes"):
        assembly.add(b"abc")
