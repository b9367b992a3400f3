"""From what a client sent to a handler: the table lookup, the type check, the refusal. Knows no event by name."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from kefu.chat.refusals import ErrorCode, Refusal
from kefu.wire.visitor import ClientEvent

Event = TypeVar("Event", bound=ClientEvent)


def decode(shape: type[Event], args: list[Any]) -> Event:
    """The event's payload as its shape.

    Raises:
        Refusal: INVALID_INPUT with the field and the type that was expected.
    """
    payload = args[0] if args else {}
    try:
        return msgspec.convert(payload, shape)
    except msgspec.ValidationError as error:
        raise Refusal(ErrorCode.INVALID_INPUT, str(error)) from None


def unknown(event: str) -> Refusal:
    """What an event that nobody handles is answered with."""
    return Refusal(ErrorCode.INVALID_EVENT, f"there is no event {event[:64]!r}")
