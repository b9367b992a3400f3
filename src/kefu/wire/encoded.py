"""A message as JSON, made once: the same bytes go to sockets and, over the bus, to the sockets of other nodes."""

from __future__ import annotations

import msgspec

from kefu.wire.shapes import Message


class EncodedMessage(msgspec.Struct, rename="camel", gc=False):
    """A `Message` as agents see it, and those of its fields that say who hears it and when.

    Attributes:
        conversation_id: As in the message.
        seq: As in the message.
        admin_id: As in the message; visitors are shown another text where it is not None.
        text: The JSON.
    """

    conversation_id: str
    seq: int
    admin_id: str | None
    text: bytes = b""

    def decode(self) -> Message:
        """The whole message."""
        return _decode(self.text)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Message).decode
_decode_fields = msgspec.json.Decoder(EncodedMessage).decode


def encode_message(message: Message) -> EncodedMessage:
    """Encodes a message."""
    return EncodedMessage(message.conversation_id, message.seq, message.admin_id, _encode(message))


def encoded_message(text: bytes) -> EncodedMessage:
    """A message that was encoded elsewhere.

    Raises:
        msgspec.MsgspecError: If it is no message.
    """
    message = _decode_fields(text)
    message.text = text
    return message
