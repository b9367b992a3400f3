"""Engine.IO: what is encoded is decoded, however the bytes are cut; and no input does worse than be refused."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kefu.transport.engineio.packets import (
    Packet,
    PacketError,
    PacketType,
    PayloadReader,
    decode_packet,
    decode_payload,
    encode_packet,
    encode_payload,
)

TEXT = st.text().map(lambda text: text.replace("\x1e", "").encode())
PACKETS = st.one_of(
    st.builds(Packet, st.sampled_from(PacketType), TEXT),
    st.builds(Packet, st.just(PacketType.MESSAGE), st.binary(), st.just(True)),
)


def cut(draw, data):
    """The data in pieces, cut anywhere."""
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


@given(st.builds(Packet, st.sampled_from(PacketType), st.text().map(str.encode)))
def test_a_text_packet_comes_back(packet):
    assert decode_packet(encode_packet(packet)) == packet


@given(st.lists(PACKETS, min_size=1, max_size=20), st.data())
def test_a_payload_comes_back_however_it_is_cut(packets, data):
    body = encode_payload(packets)
    reader = PayloadReader(len(body), len(packets))
    for piece in cut(data.draw, body):
        assert reader.feed(piece)
    assert reader.finish() == packets


@given(st.lists(PACKETS, min_size=2, max_size=20), st.data())
def test_a_payload_over_its_limits_is_refused_however_it_is_cut(packets, data):
    body = encode_payload(packets)
    reader = PayloadReader(len(body) - 1, len(packets))
    assert not all(reader.feed(piece) for piece in cut(data.draw, body))


@given(st.binary())
def test_any_body_is_packets_or_refused(body):
    try:
        packets = decode_payload(body, 100)
    except PacketError:
        return
    assert decode_payload(encode_payload(packets), 100) == packets
