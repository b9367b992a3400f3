"""Socket.IO 5 packets: text (and attachments) to packet, packet to text.

Knows the grammar `type [attachments-] [/namespace,] [ack id] [JSON]` and what data each type may carry. Must not know:
Engine.IO, connections, whether a packet may come now.

Laws:

* `decode(encode(packet))` is the packet. What is no packet is `PacketError`, which says what was expected.
* Placeholders of a binary packet are checked when the last attachment is there; each stands for one attachment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
_BINARY = (PacketType.BINARY_EVENT, PacketType.BINARY_ACK)
_WITH_ID = (PacketType.EVENT, PacketType.ACK, *_BINARY)
_HEADER = re.compile(rb"([0-6])(?:(\d{1,4})-)?(?:(/[^,]{0,200}),|(/[^,]{0,200})$)?(\d{1,16})?", re.DOTALL)


class PacketError(ValueError):
    """The bytes are no packet."""


class TooManyAttachmentsError(PacketError):
    """A packet announces more attachments than it may have."""


class AttachmentsTooBigError(PacketError):
    """The attachments of a packet are too long together."""


class Attachment(bytes):
    """Bytes that travel beside the JSON, in both directions. Plain bytes become base64 text in it."""

    __slots__ = ()


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
        jsontext.TooDeepError: If its data is nested too deep.
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
        raise TooManyAttachmentsError(f"expected at most {attachments_max} attachments, got {count}")
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


def encode(packet: Packet) -> tuple[bytes, Sequence[Attachment]]:
    """Encodes a packet: its text, and the attachments that follow it. With attachments it is of the binary type.

    Raises:
        TypeError: If JSON cannot say its data.
    """
    kind, count = packet.type, packet.attachments
    _found.clear()
    data = b"" if packet.data is None else _encode(packet.data)
    attachments = _found.copy()
    _found.clear()
    if attachments:
        kind = PacketType.BINARY_EVENT if kind is PacketType.EVENT else PacketType.BINARY_ACK
        count = len(attachments)
    head = b"%d%d-" % (kind, count) if kind in _BINARY else b"%d" % kind
    namespace = b"" if packet.namespace == ROOT else packet.namespace.encode() + b","
    ack_id = b"" if packet.id is None else b"%d" % packet.id
    return b"".join((head, namespace, ack_id, data)), attachments


def encode_event(event: str, args: tuple[object, ...], namespace: str = ROOT) -> tuple[bytes, Sequence[Attachment]]:
    """Encodes an event that wants no ack, as `encode` does."""
    text = _encode((event, *args))
    if _found or namespace is not ROOT:
        return encode(Packet(PacketType.EVENT, (event, *args), namespace))
    return b"2" + text, ()


def wrap_event(event: str, text: bytes) -> bytes:
    """The text of an event in the root namespace that wants no ack, with one argument that is JSON already."""
    return b"2[%b,%b]" % (_encode(event), text)


def encode_ack(ack_id: int, args: tuple[object, ...], namespace: str = ROOT) -> tuple[bytes, Sequence[Attachment]]:
    """Encodes the answer to an event, as `encode` does."""
    text = _encode(args)
    if _found or namespace is not ROOT:
        return encode(Packet(PacketType.ACK, args, namespace, ack_id))
    return b"3%d%b" % (ack_id, text), ()


def in_namespace(text: bytes, namespace: str) -> bytes:
    """The text of an event of the root namespace, as the text of the same event elsewhere."""
    head = text[: text.index(b"[")]
    return b"%b%b,%b" % (head, namespace.encode(), text[len(head) :])


_found: list[Attachment] = []
"""The attachments that the encoder has met. A failed call may leave some; then the next is encoded twice, no worse."""


def _note_attachment(value: object) -> dict[str, object]:
    if not isinstance(value, Attachment):
        raise TypeError(f"expected what JSON can say, got {type(value).__name__}")
    _found.append(value)
    return {"_placeholder": True, "num": len(_found) - 1}


_encode = msgspec.json.Encoder(enc_hook=_note_attachment).encode


class Assembly:
    """A binary packet whose attachments are still coming."""

    __slots__ = ("_attachments", "_bytes_left", "_packet")

    def __init__(self, packet: Packet, bytes_max: int) -> None:
        self._packet = packet
        self._attachments: list[Attachment] = []
        self._bytes_left = bytes_max

    def add(self, attachment: bytes) -> Packet | None:
        """Takes the next attachment; the whole packet if it was the last, else None.

        Raises:
            AttachmentsTooBigError: If the attachments are too long together.
            PacketError: If a placeholder names none of them.
        """
        self._bytes_left -= len(attachment)
        if self._bytes_left < 0:
            raise AttachmentsTooBigError("expected fewer bytes of attachments")
        self._attachments.append(Attachment(attachment))
        if len(self._attachments) < self._packet.attachments:
            return None
        return assemble(self._packet, self._attachments)


def assemble(packet: Packet, attachments: Sequence[Attachment]) -> Packet:
    """Puts the attachments where their placeholders are; the result is of the type without BINARY.

    Raises:
        PacketError: If a placeholder names no attachment.
    """
    kind = PacketType.EVENT if packet.type is PacketType.BINARY_EVENT else PacketType.ACK
    return Packet(kind, _fill(packet.data, attachments), packet.namespace, packet.id)


def _fill(value: Any, attachments: Sequence[Attachment]) -> Any:
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
