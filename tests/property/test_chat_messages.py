"""Laws of what may be sent, for any input (contract section 3)."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from kefu.chat.messages import check_body, check_conversation_id, quick_replies_metadata
from kefu.chat.refusals import Refusal

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=90)


@given(ANYTHING)
def test_a_body_is_refused_or_storable(text: str) -> None:
    """Nothing but a `Refusal` comes out of bad input, and what passes can be stored and checked again."""
    try:
        body = check_body(text)
    except Refusal:
        return
    assert body
    assert body.encode()
    assert "\x00" not in body
    assert check_body(body) == body


@given(ANYTHING)
def test_a_conversation_id_is_refused_or_can_be_looked_up(text: str) -> None:
    """What passes is valid UTF-8 without NUL, so a query with it cannot fail."""
    try:
        conversation_id = check_conversation_id(text)
    except Refusal:
        return
    assert conversation_id.encode()
    assert "\x00" not in conversation_id


@given(st.lists(ANYTHING, max_size=12).map(tuple))
def test_metadata_is_refused_or_json_that_postgresql_takes(replies: tuple[str, ...]) -> None:
    """jsonb refuses NUL and lone surrogates: neither may pass."""
    try:
        metadata = quick_replies_metadata(replies)
    except Refusal:
        return
    if metadata is not None:
        assert metadata.encode()
        assert "\\u0000" not in metadata
        assert len(json.loads(metadata)["quickReplies"]) == len(replies)
