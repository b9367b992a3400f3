"""Rows of the database as shapes of the wire. Knows both; decides nothing."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import asyncpg
import sqlalchemy as sa

from kefu.chat.text import without_addresses
from kefu.store.queries.hello import Opened
from kefu.wire.server import ConversationUpdate
from kefu.wire.shapes import Author, InboxRow, Message, Note

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@lru_cache(maxsize=4096)  # a conversation's times come again with each of its rows
def iso(moment: dt.datetime) -> str:
    """A time as the wire writes it: ISO-8601 UTC with milliseconds."""
    if moment.tzinfo is not dt.UTC:  # what the driver gives is in UTC already
        moment = moment.astimezone(dt.UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def iso_or_none(moment: dt.datetime | None) -> str | None:
    """`iso`, with None for a time that is not set."""
    return None if moment is None else iso(moment)


@lru_cache(maxsize=16)  # the messages of a commit share their time
def iso_from_ms(milliseconds: int) -> str:
    """Milliseconds since 1970 as the wire writes a time."""
    return iso(_EPOCH + dt.timedelta(milliseconds=milliseconds))


def author(name: str | None, avatar_url: str | None) -> Author | None:
    """Who wrote something, where an agent did."""
    return None if name is None else Author(name=name, avatar_url=avatar_url)


def author_for_visitor(author_: Author | None) -> Author | None:
    """Who wrote something, as visitors may see it: no e-mail address, for which some agents' names stand."""
    if author_ is None or "@" not in author_.name:
        return author_
    name = without_addresses(author_.name)
    return Author(name, author_.avatar_url) if name or author_.avatar_url else None


def message(row: sa.Row[Any]) -> Message:
    """A row of `queries.messages.COLUMNS`, as agents see it."""
    from_agent = row.sender_type == "admin"
    return Message(
        id=row.id,
        conversation_id=row.conversation_id,
        seq=row.seq,
        sender_type=row.sender_type,
        admin_id=row.sender_id if from_agent else None,
        author=author(row.agent_name, row.agent_avatar_url) if from_agent else None,
        body_text=row.body_text,
        metadata_json=None if row.metadata is None else json.dumps(row.metadata, ensure_ascii=False),
        created_at=iso(row.created_at),
        client_id=row.client_id,
    )


def note(row: sa.Row[Any]) -> Note:
    """A row of `queries.notes.COLUMNS`."""
    return Note(
        id=row.id,
        conversation_id=row.conversation_id,
        note_seq=row.note_seq,
        after_seq=row.after_seq,
        admin_id=row.agent_id,
        body_text=row.body_text,
        created_at=iso(row.created_at),
        author=author(row.agent_name, row.agent_avatar_url),
        client_id=row.client_id,
    )


INBOX_FIELDS = tuple(field for field in InboxRow.__struct_fields__ if field != "visitor_online")
"""What the database knows of an inbox row."""
_INBOX_TIMES = tuple(
    INBOX_FIELDS.index(name) for name in ("last_message_at", "waiting_since", "created_at", "closed_at")
)


def inbox_row(row: Sequence[Any] | asyncpg.Record) -> InboxRow:
    """A row that begins with `queries.inbox.COLUMNS`; whether the visitor is online is not the database's to know."""
    values = list(row[: len(INBOX_FIELDS)])
    for at in _INBOX_TIMES:
        values[at] = iso_or_none(values[at])
    return InboxRow(*values)


def visitor_update(conversation: sa.Row[Any] | Opened) -> ConversationUpdate:
    """A row of `queries.conversations.find` as its visitor may see it."""
    return ConversationUpdate(
        conversation_id=conversation.id,
        status=conversation.status,
        assigned_to=None,
        agent=author_for_visitor(author(conversation.agent_name, conversation.agent_avatar_url)),
        seq=conversation.seq,
    )
