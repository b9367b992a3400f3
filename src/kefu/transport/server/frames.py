"""Websocket frames as this server writes them, whole and unmasked, and messages put together from frames that came.

Bytes only; the parser of incoming frames is picows.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from struct import pack

_TEXT, _BINARY, _CLOSE, _PONG = 0x81, 0x82, 0x88, 0x8A
_SHORT_MAX = 125
_MEDIUM_MAX = 65_535
_MEDIUM_TEXT = bytes((_TEXT, 126))
_CONTROL_BYTES_MAX = 125
_incremental_utf8 = codecs.getincrementaldecoder("utf-8")
_SHORT_MESSAGE = tuple(bytes((_TEXT, size + 1)) + b"4" for size in range(_SHORT_MAX))

CLOSE_OK = 1000
CLOSE_PROTOCOL_ERROR = 1002
CLOSE_UNSUPPORTED = 1003
CLOSE_NOT_UTF8 = 1007
CLOSE_POLICY = 1008
CLOSE_TOO_BIG = 1009
CLOSE_INTERNAL_ERROR = 1011
CLOSE_RESTART = 1012
CLOSE_TRY_LATER = 1013


def message_frame(packet: bytes) -> bytes:
    """A text frame with an Engine.IO message that carries `packet`, the text of a Socket.IO packet."""
    size = len(packet)
    if size < _SHORT_MAX:
        return _SHORT_MESSAGE[size] + packet
    if size < _MEDIUM_MAX:
        return b"%b%b4%b" % (_MEDIUM_TEXT, (size + 1).to_bytes(2, "big"), packet)
    return _header(_TEXT, size + 1) + b"4" + packet


def message_frames(packet: bytes, attachments: Sequence[bytes]) -> bytes:
    """The same, with the frames of the attachments that follow."""
    frame = message_frame(packet)
    return b"".join((frame, *map(binary_frame, attachments))) if attachments else frame


def binary_frame(data: bytes) -> bytes:
    """A binary frame."""
    return _header(_BINARY, len(data)) + data


def text_frame(text: bytes) -> bytes:
    """A text frame."""
    return _header(_TEXT, len(text)) + text


def pong_frame(data: bytes) -> bytes:
    """The answer to a ping frame that carried `data`."""
    return _header(_PONG, len(data)) + data


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; a long reason is cut at a character."""
    text = reason.encode()[: _CONTROL_BYTES_MAX - 2].decode(errors="ignore").encode()
    return _header(_CLOSE, len(text) + 2) + code.to_bytes(2, "big") + text


def _header(first: int, size: int) -> bytes:
    if size <= _SHORT_MAX:
        return bytes((first, size))
    if size <= _MEDIUM_MAX:
        return pack(">BBH", first, 126, size)
    return pack(">BBQ", first, 127, size)


class MessageTooBigError(ValueError):
    """More bytes than one message may have."""


class TooManyFragmentsError(ValueError):
    """More frames than one message may be cut into."""


class Fragments:
    """A message whose frames are still coming.

    Attributes:
        is_text: What its first frame said.
    """

    __slots__ = ("_bytes_left", "_check_utf8", "_fragments_left", "_parts", "is_text")

    def __init__(self, *, is_text: bool, bytes_max: int, fragments_max: int) -> None:
        self.is_text = is_text
        self._check_utf8 = _incremental_utf8("surrogatepass").decode if is_text else bytes
        self._bytes_left = bytes_max
        self._fragments_left = fragments_max
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        """Takes the payload of the next frame.

        Raises:
            MessageTooBigError: If the message may not be that long.
            TooManyFragmentsError: If it may not be cut into that many.
            UnicodeDecodeError: If it is text, and whatever follows cannot make it UTF-8.
        """
        self._bytes_left -= len(part)
        self._fragments_left -= 1
        if self._bytes_left < 0:
            raise MessageTooBigError("expected a smaller message")
        if self._fragments_left < 0:
            raise TooManyFragmentsError("expected a message in fewer frames")
        self._check_utf8(part)
        self._parts.append(part)

    def join(self) -> bytes:
        """The message, once its last frame was added."""
        return b"".join(self._parts)
