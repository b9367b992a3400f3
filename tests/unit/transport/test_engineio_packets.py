import pytest

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


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        (b"0{}", Packet(PacketType.OPEN, b"{}")),
        (b"1", Packet(PacketType.CLOSE)),
        (b"2probe", Packet(PacketType.PING, b"probe")),
        (b"3", Packet(PacketType.PONG)),
        (b"4hello", Packet(PacketType.MESSAGE, b"hello")),
        (b"5", Packet(PacketType.UPGRADE)),
        (b"6", Packet(PacketType.NOOP)),
    ],
)
def test_text_packets(text, packet):
    assert decode_packet(text) == packet
    assert encode_packet(packet) == text


@pytest.mark.parametrize("text", [b"", b"7", b"b", b"x", b"\xff", b" 4"])
def test_no_packets(text):
    with pytest.raises(PacketError):
        decode_packet(text)


def test_payload():
    body = b"4hello\x1e2\x1ebAQID"
    packets = [
        Packet(PacketType.MESSAGE, b"hello"),
        Packet(PacketType.PING),
        Packet(PacketType.MESSAGE, b"\x01\x02\x03", binary=True),
    ]
    assert decode_payload(body, 3) == packets
    assert encode_payload(packets) == body


@pytest.mark.parametrize("body", [b"", b"\x1e", b"4a\x1e", b"b!!!", b"bQQ", b"b=", b"4\x1e8"])
def test_malformed_payloads(body):
    with pytest.raises(PacketError):
        decode_payload(body, 10)


def test_payload_with_too_many_packets():
    with pytest.raises(PacketError, match="at most 2"):
        decode_payload(b"2\x1e2\x1e2", 2)


def test_reader_stops_at_its_limit():
    reader = PayloadReader(5, 10)
    assert reader.feed(b"4abc")
    assert reader.feed(b"d")
    assert not reader.feed(b"e")
    assert not reader.feed(b"")
