"""Socket.IO 5 packets: text (and attachments) to packet, packet to text.

Knows the grammar `type [attachments-] [/namespace,] [ack id] [JSON]` and what data each type may carry. Must not know:
Engine.IO, connections, whether a packet may come now.

Laws:

* `decode(encode(packet))` is the packet. What is no packet is `PacketError`, which says what was expected.
* Placeholders of a binary packet are checked when the last attachment is there; each stands for one attachment.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Any

import msgspec

from kefu.transport.socketio import jsontext


class PacketType(IntEnum):
    """The seven types; the value is the digit on the wire."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


ROOT = "/"
"""The namespace that has no name on the wire."""
DISCONNECT = b"1"
"""The packet that ends the root namespace, ready to send."""

_BINARY = (PacketType.BINARY_EVENT, PacketType.BINARY_ACK)
_WITH_ID = (PacketType.EVENT, PacketType.ACK, *_BINARY)
_HEADER = re.compile(rb"([0-6])(?:(\d{1,4})-)?(?:(/[^,]{0,200}),|(/[^,]{0,200})$)?(\d{1,16})?", re.DOTALL)
_EVENT_BYTE, _BRACKET_BYTE = b"2"[0], b"["[0]


class PacketError(ValueError):
    """The bytes are no packet."""


class Packet(msgspec.Struct):
    """One packet.

    Attributes:
        type: What it is.
        data: CONNECT: an object or None. EVENT: a list that begins with the event's name. ACK: a list.
            CONNECT_ERROR: an object. DISCONNECT: None. Binary types: with placeholders until assembled.
        namespace: `/` or `/name`.
        id: The ack id; None if no answer is wanted.
        attachments: How many binary attachments follow.
    """

    type: PacketType
    data: Any = None
    namespace: str = ROOT
    id: int | None = None
    attachments: int = 0


def decode(text: bytes, *, depth_max: int, attachments_max: int) -> Packet:
    """Decodes the text of a packet.

    Raises:
        PacketError: If it is none.
        jsontext.NotJsonError: If its data is no JSON.
        jsontext.NotUtf8Error: If it is no UTF-8.
    """
    if text[:1] == b"2":  # the hot path: an event of the root namespace
        start = text.find(b"[", 1)
        digits = text[1:start]
        if start == 1 or (1 < start < 18 and digits.isdigit()):
            ack_id = int(digits) if digits else None
            return Packet(PacketType.EVENT, _event_data(jsontext.decode(text[start:], depth_max)), ROOT, ack_id)
    return _decode_any(text, depth_max, attachments_max)


def _decode_any(text: bytes, depth_max: int, attachments_max: int) -> Packet:
    match = _HEADER.match(text)
    if match is None:
        raise PacketError(f"expected a packet type 0 to 6, got {text[:1]!r}")
    kind = PacketType(int(match[1]))
    attachments = _attachments(kind, match[2], attachments_max)
    namespace = match[3] or match[4]
    rest = text[match.end() :]
    packet = Packet(
        kind,
        jsontext.decode(rest, depth_max) if rest else None,
        _namespace(namespace) if namespace else ROOT,
        int(match[5]) if match[5] else None,
        attachments,
    )
    _check(packet)
    return packet


def _attachments(kind: PacketType, digits: bytes | None, attachments_max: int) -> int:
    if (digits is not None) != (kind in _BINARY):
        raise PacketError("expected a number of attachments for binary packets, and for no others")
    count = int(digits or 0)
    if count > attachments_max:
        raise PacketError(f"expected at most {attachments_max} attachments, got {count}")
    return count


def _namespace(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        raise jsontext.NotUtf8Error("expected UTF-8") from error


def _check(packet: Packet) -> None:
    kind, data = packet.type, packet.data
    if packet.id is not None and kind not in _WITH_ID:
        raise PacketError(f"expected no ack id in {kind.name}")
    if kind in (PacketType.EVENT, PacketType.BINARY_EVENT):
        _event_data(data)
    elif kind in (PacketType.ACK, PacketType.BINARY_ACK):
        if not isinstance(data, list) or packet.id is None:
            raise PacketError(f"expected an id and an array in {kind.name}")
    elif kind is PacketType.DISCONNECT:
        if data is not None:
            raise PacketError("expected no data in DISCONNECT")
    elif kind is PacketType.CONNECT and not isinstance(data, dict | None):
        raise PacketError("expected an object or nothing in CONNECT")


def _event_data(data: Any) -> list[Any]:
    if not isinstance(data, list) or not data or not isinstance(data[0], str):
        raise PacketError("expected an array that begins with the event's name")
    return data


def encode(packet: Packet) -> bytes:
    """Encodes the text of a packet; attachments are sent after it as they are."""
    parts = [b"%d" % packet.type]
    if packet.type in _BINARY:
        parts.append(b"%d-" % packet.attachments)
    if packet.namespace != ROOT:
        parts.append(packet.namespace.encode() + b",")
    if packet.id is not None:
        parts.append(b"%d" % packet.id)
    if packet.data is not None:
        parts.append(jsontext.encode(packet.data))
    return b"".join(parts)


def encode_event(event: str, args: tuple[object, ...]) -> bytes:
    """Encodes an event of the root namespace that wants no ack."""
    return b"2" + jsontext.encode((event, *args))


def encode_ack(ack_id: int, args: tuple[object, ...]) -> bytes:
    """Encodes the answer to an event of the root namespace."""
    return b"3%d%b" % (ack_id, jsontext.encode(args))


class Assembly:
    """A binary packet whose attachments are still coming."""

    __slots__ = ("_attachments", "_bytes_left", "_packet")

    def __init__(self, packet: Packet, bytes_max: int) -> None:
        self._packet = packet
        self._attachments: list[bytes] = []
        self._bytes_left = bytes_max

    def add(self, attachment: bytes) -> Packet | None:
        """Takes the next attachment; the whole packet if it was the last, else None.

        Raises:
            PacketError: If the attachments are too long together, or a placeholder names none of them.
        """
        self._bytes_left -= len(attachment)
        if self._bytes_left < 0:
            raise PacketError("expected fewer bytes of attachments")
        self._attachments.append(attachment)
        if len(self._attachments) < self._packet.attachments:
            return None
        return assemble(self._packet, self._attachments)


def assemble(packet: Packet, attachments: list[bytes]) -> Packet:
    """Puts the attachments where their placeholders are; the result is of the type without BINARY.

    Raises:
        PacketError: If a placeholder names no attachment.
    """
    kind = PacketType.EVENT if packet.type is PacketType.BINARY_EVENT else PacketType.ACK
    return Packet(kind, _fill(packet.data, attachments), packet.namespace, packet.id)


def _fill(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, list):
        return [_fill(item, attachments) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("_placeholder") is not True:
        return {key: _fill(item, attachments) for key, item in value.items()}
    number = value.get("num")
    if type(number) is not int or not 0 <= number < len(attachments):
        raise PacketError("expected a placeholder that names an attachment")
    return attachments[number]


def take_apart(packet: Packet) -> tuple[Packet, list[bytes]]:
    """The opposite of `assemble`: an EVENT or ACK with bytes in it as a binary packet and its attachments."""
    attachments: list[bytes] = []
    data = _pull(packet.data, attachments)
    kind = PacketType.BINARY_EVENT if packet.type is PacketType.EVENT else PacketType.BINARY_ACK
    return Packet(kind, data, packet.namespace, packet.id, len(attachments)), attachments


def _pull(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, bytes):
        attachments.append(value)
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, list):
        return [_pull(item, attachments) for item in value]
    if isinstance(value, dict):
        return {key: _pull(item, attachments) for key, item in value.items()}
    return value
