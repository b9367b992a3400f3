"""Which session ids count as credentials (contract section 4, promise 8)."""

from __future__ import annotations

import pytest

from kefu.chat.credentials import check_session_id, is_credential
from kefu.chat.refusals import ErrorCode, Refusal


@pytest.mark.parametrize("session_id", [None, "s" * 6, "s" * 128, "v_fallback_session"])
def test_session_ids_of_the_contracts_length_are_taken(session_id: str | None) -> None:
    """Section 3: `sessionId` has 6–128 characters; whether it opens anything is another question."""
    assert check_session_id(session_id) == session_id


@pytest.mark.parametrize("session_id", ["", "short", "s" * 129])
def test_other_lengths_are_refused(session_id: str) -> None:
    """Section 3: INVALID_INPUT outside 6–128 characters."""
    with pytest.raises(Refusal) as caught:
        check_session_id(session_id)
    assert caught.value.code is ErrorCode.INVALID_INPUT


@pytest.mark.parametrize(
    "session_id",
    [
        "a3e9eb47-17c8-42d2-9c9f-bc130fef36a2",
        "521ccd2aa39046a396d1b644ccb49ec7",
        "v_1718000000000_k3j9x2m1q",
        "abcdefghijklmnop",
        "aaaaaaaabcdefghi",
    ],
)
def test_ids_that_nobody_else_has_are_credentials(session_id: str) -> None:
    """Promise 8: 16 characters or more, no constant, not mostly one character."""
    assert is_credential(session_id)


@pytest.mark.parametrize(
    "session_id", ["abcdefghijklmno", "v_fallback_session", "a" * 40, "0" * 17 + "123456789abcdef", "session1"]
)
def test_weak_ids_are_none(session_id: str) -> None:
    """Promise 8: a short, known or monotonous id gets a conversation that nobody can resume."""
    assert not is_credential(session_id)
