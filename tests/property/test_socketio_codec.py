"""Socket.IO: what is encoded is decoded; no input does worse than be refused."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from kefu.transport.socketio import jsontext
from kefu.transport.socketio.packets import Assembly, Attachment, Packet, PacketType, decode, encode

LIMITS = {"depth_max": 32, "attachments_max": 10}
IDS = st.none() | st.integers(0, 10**15)
NAMESPACES = st.just("/") | st.text(st.characters(codec="utf-8", exclude_characters=","), max_size=20).map("/{}".format)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
ARGS = st.lists(VALUES, max_size=4)
EVENTS = st.builds(lambda name, args: [name, *args], st.text(), ARGS)
PACKETS = st.one_of(
    st.builds(
        Packet, st.just(PacketType.CONNECT), st.none() | st.dictionaries(st.text(), VALUES, max_size=3), NAMESPACES
    ),
    st.builds(Packet, st.just(PacketType.DISCONNECT), st.none(), NAMESPACES),
    st.builds(Packet, st.just(PacketType.EVENT), EVENTS, NAMESPACES, IDS),
    st.builds(Packet, st.just(PacketType.ACK), ARGS, NAMESPACES, st.integers(0, 10**15)),
    st.builds(Packet, st.just(PacketType.CONNECT_ERROR), st.dictionaries(st.text(), VALUES, max_size=3), NAMESPACES),
)
BYTES = st.binary().map(Attachment)
BINARY_ARGS = st.lists(VALUES | BYTES | st.dictionaries(st.text(), BYTES, max_size=2), min_size=1, max_size=5)


@given(PACKETS)
def test_a_packet_comes_back(packet):
    text, attachments = encode(packet)
    assert decode(text, **LIMITS) == packet
    assert not attachments


@given(st.text(), BINARY_ARGS, IDS, NAMESPACES)
def test_a_binary_event_comes_back(name, args, ack_id, namespace):
    event = Packet(PacketType.EVENT, [name, *args], namespace, ack_id)
    text, attachments = encode(event)
    decoded = decode(text, **LIMITS)
    assert decoded.attachments == len(attachments)
    if attachments:
        assembly = Assembly(decoded, sum(map(len, attachments)))
        whole = [assembly.add(attachment) for attachment in attachments]
        assert whole == [None] * (len(attachments) - 1) + [event]


@given(st.binary() | st.text(alphabet='0123456789-/,[]{}":\\ua', max_size=60).map(str.encode))
def test_any_text_is_a_packet_or_refused(text):
    try:
        packet = decode(text, **LIMITS)
    except ValueError:
        return
    assert decode(encode(packet)[0], **LIMITS) == packet


def replaced(text):
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@given(st.text(st.characters(min_codepoint=0xD000, max_codepoint=0xE100) | st.characters(), min_size=1))
def test_surrogates_become_the_replacement_character(text):
    escaped = json.dumps([text]).encode()
    raw = json.dumps([text], ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert jsontext.decode(escaped, 4) == [replaced(text)]
    assert jsontext.decode(raw, 4) == [replaced(text)]


@given(VALUES)
def test_fast_and_slow_agree(value):
    text = json.dumps(value)
    assert jsontext.decode(text.encode(), 32) == jsontext._decode_slowly(text.encode()) == value
