import pytest

from kefu.transport.server.frames import (
    Fragments,
    MessageTooBigError,
    TooManyFragmentsError,
    binary_frame,
    close_frame,
    message_frame,
    message_frames,
    pong_frame,
    text_frame,
)


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x01"),
        (124, b"\x81\x7d"),
        (125, b"\x81\x7e\x00\x7e"),
        (65534, b"\x81\x7e\xff\xff"),
        (65535, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_message_frames(size, head):
    packet = b"x" * size
    assert message_frame(packet) == head + b"4" + packet == text_frame(b"4" + packet)


def test_attachments_follow_their_packet():
    assert message_frames(b"2[]", ()) == message_frame(b"2[]")
    assert binary_frame(b"ab") == b"\x82\x02ab"
    assert message_frames(b"2[]", [b"ab", b""]) == message_frame(b"2[]") + b"\x82\x02ab\x82\x00"


def test_control_frames():
    assert pong_frame(b"ab") == b"\x8a\x02ab"
    assert close_frame(1000) == b"\x88\x02\x03\xe8"
    assert close_frame(4001, "é") == b"\x88\x04\x0f\xa1\xc3\xa9"


def test_a_long_reason_is_cut_at_a_character():
    frame = close_frame(1000, "é" * 100)
    assert frame[:2] == b"\x88\x7c"
    assert frame[4:].decode() == "é" * 61


def test_fragments():
    whole = Fragments(is_text=True, bytes_max=5, fragments_max=3)
    for part in (b"ab", b"", b"cde"):
        whole.add(part)
    assert whole.join() == b"abcde"
    with pytest.raises(TooManyFragmentsError):
        whole.add(b"")
    with pytest.raises(MessageTooBigError):
        Fragments(is_text=True, bytes_max=5, fragments_max=3).add(b"abcdef")


def test_fragments_of_text_are_refused_as_soon_as_they_are_no_utf8():
    whole = Fragments(is_text=True, bytes_max=99, fragments_max=9)
    whole.add("é".encode()[:1])
    whole.add("é".encode()[1:] + b"\xf4")
    with pytest.raises(UnicodeDecodeError):
        whole.add(b"\x90")
    binary = Fragments(is_text=False, bytes_max=99, fragments_max=9)
    binary.add(b"\xff")
    assert binary.join() == b"\xff"
