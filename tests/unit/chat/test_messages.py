"""What may be sent, judged from the request alone (contract section 3)."""

from __future__ import annotations

import json
import uuid

import pytest

from kefu.chat.messages import (
    QUICK_REPLIES_MAX,
    QUICK_REPLY_LENGTH_MAX,
    check_body,
    check_client_id,
    check_conversation_id,
    quick_replies_metadata,
)
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.chat.text import MESSAGE_LENGTH_MAX


def test_lengths_count_code_points_after_cleaning() -> None:
    """Section 3: `bodyText` has 1–4000 code points after cleaning; what is trimmed does not count."""
    assert MESSAGE_LENGTH_MAX == 4000
    assert check_body("  x ") == "x"
    assert len(check_body("\U0001f600" * 4000)) == 4000
    assert len(check_body("y" * 4000 + "\r\n \x00")) == 4000
    with pytest.raises(Refusal) as caught:
        check_body("y" * 4001)
    assert caught.value.code is ErrorCode.INVALID_INPUT
    assert "4001" in caught.value.message


@pytest.mark.parametrize("text", ["", "   ", "\r\n", "\x00\x01", "\u2028"])
def test_a_body_without_text_is_refused(text: str) -> None:
    """Section 3: nothing left after cleaning is INVALID_INPUT."""
    with pytest.raises(Refusal) as caught:
        check_body(text)
    assert caught.value.code is ErrorCode.INVALID_INPUT
    assert caught.value.retry_after_ms is None


GIVEN = "a3e9eb47-17c8-42d2-9c9f-bc130fef36a2"


def test_client_ids_are_uuids_in_lower_case() -> None:
    """Promise 3 needs one spelling of a clientId: a UUID in any case is the same message."""
    given = uuid.uuid4()
    assert check_client_id(None) is None
    assert check_client_id(str(given).upper()) == str(given)


@pytest.mark.parametrize("bad", ["", "1", "x" * 36, GIVEN.replace("-", ""), f"{GIVEN}\n", f"{{{GIVEN}}}"])
def test_other_client_ids_are_refused(bad: str) -> None:
    """Section 3: `clientId` is a UUID."""
    with pytest.raises(Refusal) as caught:
        check_client_id(bad)
    assert caught.value.code is ErrorCode.INVALID_INPUT


@pytest.mark.parametrize("good", ["a", "cm1abc-XYZ_9", "x" * 64, "会话"])
def test_conversation_ids_are_opaque(good: str) -> None:
    """Section 3: ids are opaque text of at most 64 characters, an older server's included."""
    assert check_conversation_id(good) == good


@pytest.mark.parametrize("bad", ["", "x" * 65, "a\x00b", "a\nb", "\ud800"])
def test_an_id_that_can_be_nobodys_is_not_looked_up(bad: str) -> None:
    """Section 3: CONVERSATION_NOT_FOUND, and PostgreSQL never sees what it cannot store."""
    with pytest.raises(Refusal) as caught:
        check_conversation_id(bad)
    assert caught.value.code is ErrorCode.CONVERSATION_NOT_FOUND


def test_quick_replies() -> None:
    """Section 3: up to 10 quick replies of 80 characters, cleaned, as JSON text."""
    assert quick_replies_metadata(()) is None
    metadata = quick_replies_metadata((" 是 ", "n" * QUICK_REPLY_LENGTH_MAX))
    assert metadata is not None
    assert json.loads(metadata) == {"quickReplies": ["是", "n" * QUICK_REPLY_LENGTH_MAX]}
    assert quick_replies_metadata(("x",) * QUICK_REPLIES_MAX) is not None


@pytest.mark.parametrize("replies", [("x",) * 11, ("x" * 81,), ("",), ("ok", " \x00 ")])
def test_other_quick_replies_are_refused(replies: tuple[str, ...]) -> None:
    """Section 3: more than 10, longer than 80 or empty is INVALID_INPUT."""
    with pytest.raises(Refusal) as caught:
        quick_replies_metadata(replies)
    assert caught.value.code is ErrorCode.INVALID_INPUT
