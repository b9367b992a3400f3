"""What a conversation looks like to browsers: the shapes that several events carry (contract section 3).

Additions are optional; existing names never change meaning. `None` means unknown, or not for this reader.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

SenderType = Literal["visitor", "admin", "system"]
Status = Literal["open", "closed"]
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""A message's number as a client may name it; 0 is the beginning."""


class Shape(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Base of everything that crosses the wire: immutable, camelCase in JSON."""


class Author(Shape, frozen=True):
    """Who wrote a message, as the other side may see it."""

    name: str
    avatar_url: str | None = None


class Message(Shape, frozen=True):
    """One line of a conversation that both sides see.

    `seq` counts 1, 2, 3 … in its conversation without a gap. `adminId` is null for visitors' sockets. `createdAt` is
    ISO-8601 UTC with milliseconds. `metadataJson` is a JSON text or null.
    """

    id: str
    conversation_id: str
    seq: int
    sender_type: SenderType
    admin_id: str | None
    author: Author | None
    body_text: str
    metadata_json: str | None
    created_at: str
    client_id: str | None


class Note(Shape, frozen=True):
    """A private note: a line that only agents see.

    `noteSeq` counts notes of the conversation 1, 2, 3 …; `afterSeq` is the top message `seq` when it was written, which
    gives its place in the thread.
    """

    id: str
    conversation_id: str
    note_seq: int
    after_seq: int
    admin_id: str | None
    body_text: str
    created_at: str
    author: Author | None = None
    client_id: str | None = None


class InboxRow(Shape, frozen=True):
    """A conversation as agents see it in their list, and the payload of their `conversation_update`.

    `seq` is the top message, `unread` the visitor's messages that no agent has read. `waitingSince` is when the
    visitor's oldest unanswered message came, null when none waits. `visitorOnline` is null where it is not known.
    """

    conversation_id: str
    status: Status
    assigned_to: str | None
    assignee_name: str | None
    seq: int
    note_seq: int
    unread: int
    preview: str
    preview_sender: SenderType | None
    last_message_at: str | None
    waiting_since: str | None
    visitor_read_seq: int
    agent_read_seq: int
    visitor_name: str | None
    visitor_email: str | None
    visitor_phone: str | None
    entry_url: str | None
    referrer: str | None
    page_title: str | None
    locale: str | None
    timezone: str | None
    created_at: str
    closed_at: str | None
    visitor_online: bool | None = None
