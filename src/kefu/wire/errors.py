"""How a refusal reaches a client, on sockets and HTTP (contract section 3)."""

from __future__ import annotations

from typing import Literal

import msgspec

from kefu.chat.refusals import ErrorCode, Refusal


class ErrorEvent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Event `error`: how a refusal reaches a client that asked for no ack."""

    error: ErrorCode
    message: str
    retry_after_ms: int | None = None


class RefusedAck(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The ack of a refused event."""

    ok: Literal[False]
    error: ErrorCode
    message: str
    retry_after_ms: int | None = None


def refusal_event(refusal: Refusal) -> ErrorEvent:
    """The refusal as the payload of event `error`."""
    return ErrorEvent(refusal.code, refusal.message, refusal.retry_after_ms)


def refusal_ack(refusal: Refusal) -> RefusedAck:
    """The refusal as the answer to an event that asked for an ack."""
    return RefusedAck(ok=False, error=refusal.code, message=refusal.message, retry_after_ms=refusal.retry_after_ms)
