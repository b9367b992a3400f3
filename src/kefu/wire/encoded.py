"""A message as JSON, made once: the same bytes go to sockets and, over the bus, to the sockets of other nodes."""

from __future__ import annotations

import msgspec

from kefu.wire.shapes import Message, Shape

_encode = msgspec.json.Encoder().encode


class _Heading(Shape, frozen=True):
    """Of a message, what says who hears it and when."""

    conversation_id: str
    seq: int
    admin_id: str | None


_decode_heading = msgspec.json.Decoder(_Heading).decode
_decode = msgspec.json.Decoder(Message).decode


class EncodedMessage(msgspec.Struct, frozen=True, gc=False):
    """A `Message` as agents see it.

    Attributes:
        conversation_id: As in the message.
        seq: As in the message.
        admin_id: As in the message; visitors are shown another text where it is not None.
        text: The JSON.
    """

    conversation_id: str
    seq: int
    admin_id: str | None
    text: bytes

    def decode(self) -> Message:
        """The whole message."""
        return _decode(self.text)


def encode_message(message: Message) -> EncodedMessage:
    """Encodes a message."""
    return EncodedMessage(message.conversation_id, message.seq, message.admin_id, _encode(message))


def encoded_message(text: bytes) -> EncodedMessage:
    """A message that was encoded elsewhere; of the text, only what is not kept is decoded.

    Raises:
        msgspec.MsgspecError: If it is no message.
    """
    heading = _decode_heading(text)
    return EncodedMessage(heading.conversation_id, heading.seq, heading.admin_id, text)
