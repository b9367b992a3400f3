"""Which session ids are credentials (contract section 4, promise 8). Pure."""

from __future__ import annotations

from kefu.chat.refusals import ErrorCode, Refusal

SESSION_ID_LENGTH_MIN = 6
SESSION_ID_LENGTH_MAX = 128
CREDENTIAL_LENGTH_MIN = 16

# What the older widget sends when it can store nothing: the same for everybody.
KNOWN_CONSTANTS = frozenset({"v_fallback_session"})


def check_session_id(session_id: str | None) -> str | None:
    """A session id that has the contract's length, or None where the client gave none.

    Raises:
        Refusal: INVALID_INPUT if it is shorter than 6 or longer than 128 characters.
    """
    if session_id is None:
        return None
    if not SESSION_ID_LENGTH_MIN <= len(session_id) <= SESSION_ID_LENGTH_MAX:
        raise Refusal(
            ErrorCode.INVALID_INPUT,
            f"sessionId has {len(session_id)} characters; {SESSION_ID_LENGTH_MIN} to {SESSION_ID_LENGTH_MAX} may be",
        )
    return session_id


def is_credential(session_id: str) -> bool:
    """Whether nobody else is likely to have this id: long enough, no known constant, not mostly one character."""
    if len(session_id) < CREDENTIAL_LENGTH_MIN or session_id in KNOWN_CONSTANTS:
        return False
    most_common = max(session_id.count(character) for character in set(session_id))
    return most_common * 2 <= len(session_id)
