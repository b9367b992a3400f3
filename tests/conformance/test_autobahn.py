"""The cases of Autobahn's groups 1 to 7 and 10, frame by frame, on the Engine.IO echo.

A text message carries Engine.IO's `4` before its payload; binary messages, control frames and everything else are as
Autobahn sends them. Case numbers are Autobahn's.
"""

from __future__ import annotations

import asyncio

import pytest
from raw_socket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, frame

SIZES = [0, 125, 126, 127, 128, 65535, 65536]
CHOPS = [None, 997, 1]
BROKEN = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"


@pytest.fixture
async def raw(run_echo):
    """A websocket with a heartbeat that stays out of the way."""
    server = await run_echo("/engine.io", ping_interval_ms=20_000, ping_timeout_ms=10_000)
    socket = await RawSocket.open(server.port, "/engine.io/?EIO=4&transport=websocket")
    await socket.text()
    return socket


def close(code, reason=b""):
    return frame(code.to_bytes(2, "big") + reason, CLOSE)


async def write(raw, data, chop):
    """Writes in pieces of `chop` bytes, each a segment of its own if the kernel likes; a list is written frame-wise."""
    if isinstance(data, list):
        for piece in data:
            await write(raw, piece, chop)
            await asyncio.sleep(0)
        return
    for start in range(0, len(data), chop or max(1, len(data))):
        raw.write(data[start : start + chop] if chop else data)
        if chop:
            await asyncio.sleep(0)


async def ends(raw, code):
    assert await raw.close_code() == code
    raw.write(close(code))
    assert await raw.frame() == (None, b"")


# --- 1 framing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chop", CHOPS)
@pytest.mark.parametrize("size", SIZES)
async def test_1_1_text(raw, size, chop):
    payload = b"4" + b"*" * size
    await write(raw, frame(payload), chop if size < 1000 else chop and 997)
    assert await raw.frame() == (TEXT, payload)


@pytest.mark.parametrize("chop", CHOPS)
@pytest.mark.parametrize("size", SIZES)
async def test_1_2_binary(raw, size, chop):
    payload = b"\xfe" * size
    await write(raw, frame(payload, BINARY), chop if size < 1000 else chop and 997)
    assert await raw.frame() == (BINARY, payload)


# --- 2 pings and pongs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("chop", CHOPS)
@pytest.mark.parametrize("payload", [b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125])
async def test_2_1_to_2_6_ping(raw, payload, chop):
    await write(raw, frame(payload, PING), chop)
    assert await raw.frame() == (PONG, payload)


async def test_2_5_ping_too_long(raw):
    raw.send(b"\xfe" * 126, PING)
    await ends(raw, 1002)


@pytest.mark.parametrize("payload", [b"", b"unsolicited pong payload"])
async def test_2_7_to_2_9_unsolicited_pong(raw, payload):
    raw.send(payload, PONG)
    raw.send(b"ping payload", PING)
    assert await raw.frame() == (PONG, b"ping payload")


@pytest.mark.parametrize("chop", CHOPS)
async def test_2_10_and_2_11_ten_pings(raw, chop):
    await write(raw, b"".join(frame(b"payload-%d" % n, PING) for n in range(10)), chop)
    assert [await raw.frame() for _ in range(10)] == [(PONG, b"payload-%d" % n) for n in range(10)]


# --- 3 reserved bits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("chop", [None, 1])
@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize(
    ("payload", "kind"), [(b"4Hello", TEXT), (b"\xff" * 8, BINARY), (b"hi", PING), (b"\x03\xe8", CLOSE)]
)
async def test_3_reserved_bits(raw, payload, kind, rsv, chop):
    stream = frame(b"4before") + frame(payload, kind, rsv=rsv) + frame(b"after", PING)
    await write(raw, stream, chop)
    assert await raw.frame() == (TEXT, b"4before")
    await ends(raw, 1002)


# --- 4 opcodes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chop", [None, 1])
@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("payload", [b"", b"reserved opcode payload"])
async def test_4_reserved_opcodes(raw, opcode, payload, chop):
    await write(raw, frame(b"4before") + frame(payload, opcode) + frame(b"", PING), chop)
    assert await raw.frame() == (TEXT, b"4before")
    await ends(raw, 1002)


# --- 5 fragmentation --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [PING, PONG])
async def test_5_1_and_5_2_fragmented_control_frames(raw, kind):
    raw.send(b"fragment1", kind, fin=False)
    raw.send(b"fragment2", CONTINUATION)
    await ends(raw, 1002)


@pytest.mark.parametrize("chop", CHOPS)
@pytest.mark.parametrize("kind", [TEXT, BINARY])
async def test_5_3_to_5_5_two_fragments(raw, kind, chop):
    await write(raw, [frame(b"4fragment1", kind, fin=False), frame(b"fragment2", CONTINUATION)], chop)
    assert await raw.frame() == (kind, b"4fragment1fragment2")


@pytest.mark.parametrize("chop", CHOPS)
async def test_5_6_to_5_8_a_ping_between_fragments(raw, chop):
    stream = frame(b"4fragment1", fin=False) + frame(b"ping payload", PING) + frame(b"fragment2", CONTINUATION)
    await write(raw, stream, chop)
    assert await raw.frame() == (PONG, b"ping payload")
    assert await raw.frame() == (TEXT, b"4fragment1fragment2")


@pytest.mark.parametrize("chop", [None, 1])
@pytest.mark.parametrize("fin", [True, False])
async def test_5_9_to_5_14_continuation_of_nothing(raw, fin, chop):
    stream = frame(b"non-continuation payload", CONTINUATION, fin=fin) + frame(b"4Hello, world!")
    await write(raw, stream, chop)
    await ends(raw, 1002)


async def test_5_15_continuation_after_a_whole_message(raw):
    raw.send(b"4fragment1", fin=False)
    raw.send(b"fragment2", CONTINUATION)
    raw.send(b"fragment3", CONTINUATION, fin=False)
    raw.send(b"4fragment4")
    assert await raw.frame() == (TEXT, b"4fragment1fragment2")
    await ends(raw, 1002)


@pytest.mark.parametrize("first_fin", [False, True])
async def test_5_16_and_5_17_continuation_first_each_time(raw, first_fin):
    for _ in range(2):
        raw.send(b"fragment1", CONTINUATION, fin=first_fin)
        raw.send(b"4fragment2", fin=False)
        raw.send(b"fragment3", CONTINUATION)
    await ends(raw, 1002)


async def test_5_18_a_new_message_inside_another(raw):
    raw.send(b"4fragment1", fin=False)
    raw.send(b"4fragment2")
    await ends(raw, 1002)


@pytest.mark.parametrize("wait_s", [0, 0.05])
async def test_5_19_and_5_20_five_fragments_and_pings(raw, wait_s):
    raw.send(b"4fragment1", fin=False)
    raw.send(b"fragment2", CONTINUATION, fin=False)
    raw.send(b"pongme 1!", PING)
    await asyncio.sleep(wait_s)
    raw.send(b"fragment3", CONTINUATION, fin=False)
    raw.send(b"fragment4", CONTINUATION, fin=False)
    raw.send(b"pongme 2!", PING)
    raw.send(b"fragment5", CONTINUATION)
    assert await raw.frame() == (PONG, b"pongme 1!")
    assert await raw.frame() == (PONG, b"pongme 2!")
    assert await raw.frame() == (TEXT, b"4fragment1fragment2fragment3fragment4fragment5")


# --- 6 UTF-8 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payloads", [[b"4"], [b"4", b"", b""], [b"4", b"middle frame payload", b""]])
async def test_6_1_empty(raw, payloads):
    await fragments(raw, payloads)
    assert await raw.frame() == (TEXT, b"".join(payloads))


async def fragments(raw, payloads):
    for number, payload in enumerate(payloads):
        raw.send(payload, CONTINUATION if number else TEXT, fin=number == len(payloads) - 1)


HELLO = "4Hello-µ@ßöäüàá-UTF-8!!".encode()
KOSME = b"4" + BROKEN[:11]


@pytest.mark.parametrize("text", [HELLO, KOSME])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_6_2_valid_cut_anywhere(raw, text, size):
    await fragments(raw, [text[start : start + size] for start in range(0, len(text), size)])
    assert await raw.frame() == (TEXT, text)


@pytest.mark.parametrize("size", [1, 2, 12, 100])
async def test_6_3_invalid_cut_anywhere(raw, size):
    text = b"4" + BROKEN
    await fragments(raw, [text[start : start + size] for start in range(0, len(text), size)])
    await ends(raw, 1007)


SLOWLY = [
    [b"4" + KOSME[1:], b"\xf4\x90\x80\x80", b"edited"],  # 6.4.1, 6.4.3
    [b"4" + KOSME[1:] + b"\xf4", b"\x90", b"\x80\x80edited"],  # 6.4.2, 6.4.4
]


@pytest.mark.parametrize("parts", SLOWLY)
async def test_6_4_1_and_6_4_2_fails_with_the_frame_that_is_wrong(raw, parts):
    raw.send(parts[0], fin=False)
    raw.send(b"not yet", PING)
    assert await raw.frame() == (PONG, b"not yet")
    raw.send(parts[1], CONTINUATION, fin=False)
    await ends(raw, 1007)


@pytest.mark.parametrize("parts", SLOWLY)
async def test_6_4_3_and_6_4_4_fails_at_the_end_of_a_frame(raw, parts):
    """Autobahn calls this non-strict: a frame is looked into once it is there."""
    stream, end = frame(b"".join(parts)), len(parts[2])
    for part in (stream[: -end - 4], stream[-end - 4 : -end], stream[-end:]):
        raw.write(part)
        await asyncio.sleep(0.02)
    await ends(raw, 1007)


VALID = [
    "hello$world",  # 6.5
    "hello¢world",
    "hello€world",
    "hello\U00024b62world",
    *(KOSME[1:].decode()[:end] for end in range(1, 6)),  # 6.5, and the prefixes of 6.6 that are whole
    "\x00",  # 6.7 first of each length
    "\x80",
    "\u0800",
    "\U00010000",
    "\x7f",  # 6.9 last of each length
    "\u07ff",
    "\uffff",
    "\U0010ffff",
    "\ud7ff",  # 6.11 other boundaries
    "\ue000",
    "\ufffd",
    *(chr(plane << 16 | 0xFFFE | low) for plane in range(17) for low in (0, 1)),  # 6.22 non-characters
    *map(chr, range(0xFFF9, 0x10000)),  # 6.23 specials
    "\ufffd\U00010000\ufeff",
]
INVALID = [
    *(KOSME[1:end] for end in (2, 4, 5, 7, 9, 11)),  # 6.6 an unfinished character
    b"\xf8\x88\x80\x80\x80",  # 6.8 five and six bytes
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xf7\xbf\xbf\xbf",  # 6.10
    b"\xfb\xbf\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf\xbf",
    b"\xf4\x90\x80\x80",  # 6.11.5 beyond the last character
    b"\x80",  # 6.12 continuation bytes alone
    b"\xbf",
    b"\x80\xbf",
    *((b"\x80\xbf" * 4)[:size] for size in range(3, 8)),
    bytes(range(0x80, 0xC0)),
    b"".join(bytes((first, 0x20)) for first in range(0xC0, 0xE0)),  # 6.13 starts without continuation
    b"".join(bytes((first, 0x20)) for first in range(0xE0, 0xF0)),
    b"".join(bytes((first, 0x20)) for first in range(0xF0, 0xF8)),
    b"\xf8\x20\xf9\x20\xfa\x20\xfb\x20",
    b"\xfc\x20\xfd\x20",
    b"\xc0",  # 6.14 the last byte missing
    b"\xe0\x80",
    b"\xf0\x80\x80",
    b"\xdf",
    b"\xef\xbf",
    b"\xf7\xbf\xbf",
    b"\xf8\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80",
    b"\xfb\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf",
    b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80\xdf\xef\xbf\xf7\xbf\xbf",  # 6.15
    b"\xfe",  # 6.16 bytes that never occur
    b"\xff",
    b"\xfe\xfe\xff\xff",
    b"\xc0\xaf",  # 6.17 overlong slash
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xf8\x80\x80\x80\xaf",
    b"\xfc\x80\x80\x80\x80\xaf",
    b"\xc1\xbf",  # 6.18 longest overlong
    b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xf8\x87\xbf\xbf\xbf",
    b"\xfc\x83\xbf\xbf\xbf\xbf",
    b"\xc0\x80",  # 6.19 overlong NUL
    b"\xe0\x80\x80",
    b"\xf0\x80\x80\x80",
    b"\xf8\x80\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80\x80",
    b"\xed\xa0\x80",  # 6.20 lone surrogates
    b"\xed\xad\xbf",
    b"\xed\xae\x80",
    b"\xed\xaf\xbf",
    b"\xed\xb0\x80",
    b"\xed\xbe\x80",
    b"\xed\xbf\xbf",
    *(  # 6.21 pairs of them
        high + low
        for high in (b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf")
        for low in (b"\xed\xb0\x80", b"\xed\xbf\xbf")
    ),
]


@pytest.mark.parametrize("text", VALID, ids=ascii)
async def test_6_valid(raw, text):
    raw.send(b"4" + text.encode())
    assert await raw.frame() == (TEXT, b"4" + text.encode())


@pytest.mark.parametrize("text", INVALID)
@pytest.mark.parametrize("cut", [False, True])
async def test_6_invalid(raw, text, cut):
    await fragments(raw, [b"4" + text[:1], text[1:]] if cut else [b"4" + text])
    await ends(raw, 1007)


@pytest.mark.parametrize("packet", [b"3\xff", b"1\xff", b"\xff", b"6\xff"])
async def test_6_invalid_outside_messages(raw, packet):
    raw.send(packet)
    assert await raw.close_code() in (1002, 1007)


# --- 7 closing --------------------------------------------------------------------------------------------


async def test_7_1_1_message_then_close(raw):
    raw.write(frame(b"4Hello World!") + close(1000))
    assert await raw.frame() == (TEXT, b"4Hello World!")
    await ends(raw, 1000)


@pytest.mark.parametrize("after", [close(1000), frame(b"", PING), frame(b"4late"), frame(b"x", CONTINUATION)])
async def test_7_1_2_to_7_1_4_nothing_counts_after_close(raw, after):
    raw.write(close(1000) + after)
    await ends(raw, 1000)


async def test_7_1_5_close_inside_a_message(raw):
    raw.write(frame(b"4fragment1", fin=False) + close(1000) + frame(b"fragment2", CONTINUATION))
    await ends(raw, 1000)


async def test_7_1_6_a_big_message_then_close(raw):
    raw.write(frame(b"4" + b"BAsd7&jh23" * 26_000) + frame(b"4Hello World!") + close(1000) + frame(b"", PING))
    assert len((await raw.frame())[1]) == 260_001
    assert await raw.frame() == (TEXT, b"4Hello World!")
    await ends(raw, 1000)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", 1000),  # 7.3.1
        (b"a", 1002),  # 7.3.2
        (b"\x03\xe8", 1000),  # 7.3.3
        (b"\x03\xe8Hello World!", 1000),  # 7.3.4
        (b"\x03\xe8" + b"*" * 123, 1000),  # 7.3.5
        (b"\x03\xe8" + b"*" * 124, 1002),  # 7.3.6
        (b"\x03\xe8" + BROKEN, 1007),  # 7.5.1
    ],
)
async def test_7_3_to_7_5_payloads(raw, payload, code):
    raw.send(payload, CLOSE)
    await ends(raw, code)


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999]
)
async def test_7_7_valid_codes(raw, code):
    raw.write(close(code))
    await ends(raw, code)


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
async def test_7_9_and_7_13_invalid_codes(raw, code):
    raw.write(close(code))
    await ends(raw, 1002)


# --- 10 auto-fragmentation --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [TEXT, BINARY])
async def test_10_1_1_automatic_fragments(raw, kind):
    payload = b"4" + b"*" * 65_535
    parts = [payload[start : start + 1300] for start in range(0, len(payload), 1300)]
    for number, part in enumerate(parts):
        raw.send(part, CONTINUATION if number else kind, fin=number == len(parts) - 1)
    assert await raw.frame() == (kind, payload)
