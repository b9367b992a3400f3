"""From what a client sent to a shape, or a refusal that names the field."""

from __future__ import annotations

from typing import Any

import pytest

from kefu.chat.refusals import ErrorCode, Refusal
from kefu.gateway.events import decode, unknown
from kefu.wire.agent import AdminInbox, AdminSync
from kefu.wire.visitor import VisitorHello, VisitorMessage, VisitorRead, VisitorSync


def test_names_of_the_wire_and_unknown_fields() -> None:
    """Section 3: camelCase names; additions are optional and unknown fields are ignored."""
    hello = decode(VisitorHello, [{"sessionId": "s_1234567890", "entryUrl": "https://a", "somethingNew": {"x": 1}}])
    assert (hello.session_id, hello.entry_url, hello.defer) == ("s_1234567890", "https://a", False)


@pytest.mark.parametrize("args", [[], [{}], [{}, "more", 3]])
def test_an_event_without_payload_is_an_empty_one(args: list[Any]) -> None:
    """An older client may send `visitor_hello` with nothing."""
    assert decode(VisitorHello, args).session_id is None


@pytest.mark.parametrize(
    ("shape", "args", "field"),
    [
        (VisitorMessage, [], "bodyText"),
        (VisitorMessage, [{"bodyText": 5}], "bodyText"),
        (VisitorMessage, [None], ""),
        (VisitorMessage, [["bodyText"]], ""),
        (VisitorMessage, ["text"], ""),
        (VisitorHello, [{"sessionId": {"$ne": 1}}], "sessionId"),
        (AdminInbox, [{"filter": "everything"}], "filter"),
        (VisitorRead, [{"seq": "1"}], "seq"),
        (VisitorRead, [{"seq": 1.5}], "seq"),
    ],
)
def test_a_wrong_type_is_refused_by_name(shape: Any, args: list[Any], field: str) -> None:
    """INVALID_INPUT with a sentence that names the field; the contract's types are checked."""
    with pytest.raises(Refusal) as caught:
        decode(shape, args)
    assert caught.value.code is ErrorCode.INVALID_INPUT
    assert field in caught.value.message


@pytest.mark.parametrize(
    ("shape", "fields"),
    [
        (VisitorRead, {"seq": 2**31}),
        (VisitorRead, {"seq": -1}),
        (VisitorSync, {"afterSeq": 2**40}),
        (VisitorSync, {"beforeSeq": 2**31}),
        (VisitorHello, {"afterSeq": -(2**70)}),
        (AdminSync, {"conversationId": "c", "afterNoteSeq": 2**63}),
    ],
)
def test_a_seq_that_can_be_none_is_refused(shape: Any, fields: dict[str, Any]) -> None:
    """A number that the database cannot hold is the client's mistake, never UNAVAILABLE."""
    with pytest.raises(Refusal) as caught:
        decode(shape, [fields])
    assert caught.value.code is ErrorCode.INVALID_INPUT


def test_unknown_events_are_named_and_cut() -> None:
    """INVALID_EVENT: with at most 64 characters of the name."""
    refusal = unknown("x" * 500)
    assert refusal.code is ErrorCode.INVALID_EVENT
    assert len(refusal.message) < 120
