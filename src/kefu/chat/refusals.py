"""Why something cannot be done: the codes that clients branch on (contract section 3)."""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why something was refused; clients branch on it, people read the message beside it."""

    INVALID_INPUT = "INVALID_INPUT"
    INVALID_EVENT = "INVALID_EVENT"
    UNAUTHORIZED = "UNAUTHORIZED"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105 - a code, no secret
    FORBIDDEN = "FORBIDDEN"
    CONVERSATION_NOT_FOUND = "CONVERSATION_NOT_FOUND"
    CONVERSATION_CLOSED = "CONVERSATION_CLOSED"
    COOLDOWN = "COOLDOWN"
    RATE_LIMITED = "RATE_LIMITED"
    IP_BLOCKED = "IP_BLOCKED"
    TOO_LARGE = "TOO_LARGE"
    UNAVAILABLE = "UNAVAILABLE"
    CONFLICT = "CONFLICT"


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a failure of the program
    """An event that cannot be done, with the code, the sentence and the wait for its sender.

    Attributes:
        code: What clients branch on.
        message: One English sentence that says what was expected and what came.
        retry_after_ms: Milliseconds after which a repeat may succeed, if it may.
    """

    def __init__(self, code: ErrorCode, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_ms = retry_after_ms
