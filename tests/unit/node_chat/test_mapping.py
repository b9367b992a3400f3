"""Rows of the older server become ours, or say why not."""

from __future__ import annotations

import datetime as dt

import pytest

from kefu.node_chat import mapping
from kefu.node_chat.mapping import NotTakenError

AT = dt.datetime(2025, 3, 1, 9, 0, 0, 123456)  # noqa: DTZ001 - as the older database has it
ROW = {"id": "c1", "visitorSessionId": "v_1740819600000_k3j9x2m4q8", "createdAt": AT, "status": "OPEN"}
MESSAGE = {"id": "m1", "conversationId": "c1", "senderType": "VISITOR", "bodyText": " hi ", "createdAt": AT}


def test_times_are_utc_with_milliseconds() -> None:
    assert mapping.conversation(ROW).created_at == dt.datetime(2025, 3, 1, 9, 0, 0, 123000, tzinfo=dt.UTC)


@pytest.mark.parametrize("status", ["closed", "CLOSED", "resolved", "archived"])
def test_words_for_closed(status: str) -> None:
    assert mapping.conversation({**ROW, "status": status}).closed_at is not None


@pytest.mark.parametrize("status", ["open", "pending", "waiting", None, "anything"])
def test_everything_else_is_open(status: str | None) -> None:
    assert mapping.conversation({**ROW, "status": status}).closed_at is None


@pytest.mark.parametrize("session", ["short", "v_fallback_session", "a" * 40, "x" * 129, None])
def test_what_is_no_credential_resumes_nothing(session: str | None) -> None:
    assert mapping.conversation({**ROW, "visitorSessionId": session}).session_id is None


def test_other_names_of_columns() -> None:
    row = {"id": "m1", "conversationId": "c1", "sender": "agent", "senderId": "7", "content": "x", "sentAt": AT}
    found = mapping.message(row)
    assert (found.sender_type, found.agent_id, found.body_text, found.rest) == ("admin", "7", "x", {})


def test_what_has_no_place_is_the_rest() -> None:
    assert mapping.conversation({**ROW, "ip": "203.0.113.9", "score": None}).rest == {"ip": "203.0.113.9"}


def test_a_picture_without_words_is_a_message() -> None:
    found = mapping.message({**MESSAGE, "bodyText": "", "metadataJson": {"imageUrl": "/a.png"}})
    assert (found.body_text, found.metadata) == ("", '{"imageUrl": "/a.png"}')


@pytest.mark.parametrize(
    "change",
    [{"bodyText": ""}, {"senderType": "robot"}, {"createdAt": None}, {"id": "x" * 65}, {"conversationId": None}],
)
def test_a_message_that_cannot_be_one(change: dict[str, object]) -> None:
    with pytest.raises(NotTakenError):
        mapping.message({**MESSAGE, **change})


def test_metadata_that_postgresql_would_refuse() -> None:
    found = mapping.message({**MESSAGE, "metadataJson": '{"a\\u0000": "\\ud800 b"}'})
    assert found.metadata == '{"a": "? b"}'
