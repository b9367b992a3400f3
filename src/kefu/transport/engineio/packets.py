"""Engine.IO 4 packets as text and as polling payloads.

Knows bytes. Must not know: sockets, time, who the peer is, what a message means.

Laws:

* A packet is one ASCII digit, its type, and data. A binary message has no digit: a websocket carries it as a binary
  frame, a polling payload as `b` and base64.
* A payload is packets joined by 0x1e. That byte cannot occur inside one: JSON escapes it, base64 has none.
* Decoding gives exactly what was encoded, or `PacketError`; nothing is repaired here.
"""

from __future__ import annotations

import binascii
from base64 import b64encode
from collections.abc import Iterable
from enum import IntEnum

import msgspec

SEPARATOR = b"\x1e"


class PacketType(IntEnum):
    """The seven types; the value is the digit on the wire."""

    OPEN = 0
    CLOSE = 1
    PING = 2
    PONG = 3
    MESSAGE = 4
    UPGRADE = 5
    NOOP = 6


CLOSE, PING, PONG, NOOP = b"1", b"2", b"3", b"6"
"""Whole packets without data, ready to send."""
PROBE_ANSWER = b"3probe"
MESSAGE_DIGIT = b"4"

_TYPES = {48 + kind: kind for kind in PacketType}


class PacketError(ValueError):
    """The bytes are no packet."""


class TooManyPacketsError(PacketError):
    """A payload has more packets than it may."""


class Packet(msgspec.Struct, frozen=True, gc=False):
    """One packet. `binary` messages carry raw bytes, all others UTF-8 text."""

    type: PacketType
    data: bytes = b""
    binary: bool = False


def decode_packet(text: bytes) -> Packet:
    """Decodes a text packet.

    Raises:
        PacketError: If it is empty or its type is unknown.
    """
    kind = _TYPES.get(text[0]) if text else None
    if kind is None:
        raise PacketError(f"expected a packet type 0 to 6, got {text[:1]!r}")
    return Packet(kind, text[1:])


def encode_packet(packet: Packet) -> bytes:
    """Encodes one packet as it stands in a polling payload; without `binary` also as it stands in a text frame."""
    if packet.binary:
        return binary_entry(packet.data)
    return b"%d%s" % (packet.type, packet.data)


def binary_entry(data: bytes) -> bytes:
    """A binary message as it stands in a payload."""
    return b"b" + b64encode(data)


def decode_payload(body: bytes, packets_max: int) -> list[Packet]:
    """Decodes the body of a polling request.

    Raises:
        TooManyPacketsError: If there are more than `packets_max`.
        PacketError: If a packet is malformed.
    """
    if body.count(SEPARATOR) >= packets_max:
        raise TooManyPacketsError(f"expected at most {packets_max} packets in a payload")
    return [decode_entry(entry) for entry in body.split(SEPARATOR)]


def encode_payload(packets: Iterable[Packet]) -> bytes:
    """Encodes packets as the body of a polling answer."""
    return SEPARATOR.join(map(encode_packet, packets))


def decode_entry(entry: bytes) -> Packet:
    """Decodes one packet as it stands in a payload.

    Raises:
        PacketError: If it is malformed.
    """
    if not entry.startswith(b"b"):
        return decode_packet(entry)
    try:
        return Packet(PacketType.MESSAGE, binascii.a2b_base64(entry[1:], strict_mode=True), binary=True)
    except binascii.Error as error:
        raise PacketError("expected base64 after b") from error


class PayloadReader:
    """Collects a request body that comes in pieces, up to a limit."""

    __slots__ = ("_bytes_max", "_packets_max", "_parts", "_size")

    def __init__(self, bytes_max: int, packets_max: int) -> None:
        self._bytes_max = bytes_max
        self._packets_max = packets_max
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> bool:
        """Takes the next piece; False if the body is now too long, the pieces are dropped then."""
        self._size += len(piece)
        if self._size > self._bytes_max:
            self._parts.clear()
            return False
        self._parts.append(piece)
        return True

    def finish(self) -> list[Packet]:
        """Decodes what came.

        Raises:
            PacketError: As `decode_payload`.
        """
        return decode_payload(b"".join(self._parts), self._packets_max)
