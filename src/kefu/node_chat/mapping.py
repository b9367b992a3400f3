"""What a row of the older server becomes here. Pure: a row in, ours or a reason out.

The older server's columns are camelCase and not the same in every installation, so each of our facts names the columns
that may hold it. What a row holds beyond that is its rest, which is archived and not lost.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from kefu.chat.credentials import SESSION_ID_LENGTH_MAX, is_credential
from kefu.chat.messages import is_id
from kefu.chat.text import clean, clean_line

Row = Mapping[str, Any]
SenderType = Literal["visitor", "admin", "system"]

CLOSED_WORDS = frozenset({"closed", "close", "resolved", "ended", "archived", "done", "finished"})
SENDERS: dict[str, SenderType] = {
    **dict.fromkeys(("visitor", "user", "customer", "client", "guest"), "visitor"),
    **dict.fromkeys(("admin", "agent", "operator", "staff", "support"), "admin"),
    **dict.fromkeys(("system", "bot", "event"), "system"),
}
UNKNOWN_AGENT = "imported"
"""Whom lines of agents belong to that do not say who wrote them."""

NAME_LENGTH_MAX = 80
CONTACT_LENGTH_MAX = 254
URL_LENGTH_MAX = 2048


class NotTakenError(Exception):
    """A row that cannot be a row here; the text says why and holds nothing of it."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as it will be stored.

    Attributes:
        session_id: The visitor's credential; None where it is none, so that nobody can resume it.
        closed_at: None if it is open.
        rest: Columns that have no place here.
    """

    id: str
    session_id: str | None
    name: str | None
    email: str | None
    phone: str | None
    locale: str | None
    entry_url: str | None
    referrer: str | None
    page_title: str | None
    assigned_to: str | None
    created_at: dt.datetime
    closed_at: dt.datetime | None
    rest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it will be stored; `agent_id` is None for visitors' and the system's."""

    id: str
    conversation_id: str
    sender_type: SenderType
    agent_id: str | None
    agent_name: str | None
    client_id: str
    body_text: str
    metadata: str | None
    created_at: dt.datetime
    rest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Note:
    """A private note as it will be stored."""

    id: str
    conversation_id: str
    agent_id: str
    body_text: str
    created_at: dt.datetime
    rest: dict[str, Any]


class _Reader:
    """Takes facts out of a row and remembers which columns held them."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self._read: set[str] = set()

    def any_of(self, *columns: str) -> Any:
        """The first of these columns that is there and not null."""
        self._read.update(column for column in columns if column in self._row)
        return next((self._row[column] for column in columns if self._row.get(column) is not None), None)

    def text(self, *columns: str) -> str | None:
        value = self.any_of(*columns)
        return None if value is None else str(value)

    def line(self, length_max: int, *columns: str) -> str | None:
        return clean_line(self.text(*columns), length_max)

    def identity(self, what: str, *columns: str) -> str:
        value = self.text(*columns)
        if value is None or not is_id(value):
            raise NotTakenError(f"{what} is missing, longer than 64 characters or not printable")
        return value

    def time(self, *columns: str) -> dt.datetime | None:
        value = self.any_of(*columns)
        if not isinstance(value, dt.datetime):
            return None
        value = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return value.replace(microsecond=value.microsecond // 1000 * 1000)

    def rest(self) -> dict[str, Any]:
        return {name: value for name, value in self._row.items() if name not in self._read and value is not None}


def conversation(row: Row) -> Conversation:
    """A row of `Conversation`.

    Raises:
        NotTakenError: It has no usable id or no time.
    """
    read = _Reader(row)
    identity = read.identity("id", "id")
    session_id = read.text("visitorSessionId", "sessionId")
    created_at = read.time("createdAt", "startedAt")
    if created_at is None:
        raise NotTakenError("createdAt is missing")
    is_closed = str(read.any_of("status") or "").lower() in CLOSED_WORDS
    closed_at = read.time("closedAt", "endedAt")
    assigned = read.text("assignedTo", "assignedAdminId", "assigneeId", "adminId")
    credential = session_id is not None and len(session_id) <= SESSION_ID_LENGTH_MAX and is_credential(session_id)
    return Conversation(
        id=identity,
        session_id=session_id if credential else None,
        name=read.line(NAME_LENGTH_MAX, "visitorName", "name"),
        email=read.line(CONTACT_LENGTH_MAX, "visitorEmail", "email"),
        phone=read.line(CONTACT_LENGTH_MAX, "visitorPhone", "phone"),
        locale=read.line(NAME_LENGTH_MAX, "visitorLocale", "locale"),
        entry_url=read.line(URL_LENGTH_MAX, "entryUrl"),
        referrer=read.line(URL_LENGTH_MAX, "referrer", "referer"),
        page_title=read.line(NAME_LENGTH_MAX * 4, "pageTitle", "title"),
        assigned_to=assigned if assigned and is_id(assigned) else None,
        created_at=created_at,
        closed_at=(closed_at or read.time("updatedAt", "lastMessageAt") or created_at) if is_closed else None,
        rest=read.rest(),
    )


def message(row: Row) -> Message:
    """A row of `Message`.

    Raises:
        NotTakenError: It has no usable id, time or text, or a sender of unknown kind.
    """
    read = _Reader(row)
    identity = read.identity("id", "id")
    sender = str(read.any_of("senderType", "sender", "role") or "").lower()
    if sender not in SENDERS:
        raise NotTakenError("senderType is none of visitor, admin, system")
    created_at = read.time("createdAt", "sentAt")
    if created_at is None:
        raise NotTakenError("createdAt is missing")
    metadata = _json(read.any_of("metadataJson", "metadata"))
    body = clean(read.text("bodyText", "body", "text", "content") or "")
    if not body and metadata is None:
        raise NotTakenError("bodyText is empty")
    agent = read.text("adminId", "senderAdminId", "senderId")
    client_id = read.text("clientId", "clientMessageId")
    return Message(
        id=identity,
        conversation_id=read.identity("conversationId", "conversationId"),
        sender_type=SENDERS[sender],
        agent_id=_agent(agent) if SENDERS[sender] == "admin" else None,
        agent_name=read.line(NAME_LENGTH_MAX, "adminName", "senderName"),
        client_id=client_id.lower() if client_id and is_id(client_id) else identity,
        body_text=body,
        metadata=metadata,
        created_at=created_at,
        rest=read.rest(),
    )


def note(row: Row) -> Note:
    """A row of `Note`.

    Raises:
        NotTakenError: It has no usable id, time or text.
    """
    read = _Reader(row)
    created_at = read.time("createdAt")
    body = clean(read.text("bodyText", "body", "text", "content", "note") or "")
    if created_at is None or not body:
        raise NotTakenError("bodyText is empty or createdAt is missing")
    return Note(
        id=read.identity("id", "id"),
        conversation_id=read.identity("conversationId", "conversationId"),
        agent_id=_agent(read.text("adminId", "authorId", "createdBy", "createdById")),
        body_text=body,
        created_at=created_at,
        rest=read.rest(),
    )


def _agent(value: str | None) -> str:
    return value if value and is_id(value) else UNKNOWN_AGENT


def _json(value: Any) -> str | None:
    """Metadata as JSON text that PostgreSQL takes; None for nothing, for `null` and for what is no JSON object."""
    try:
        parsed = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None
    if not isinstance(parsed, dict) or not parsed:
        return None
    return json.dumps(storable(parsed), ensure_ascii=False)


def storable(value: Any) -> Any:
    """A JSON value without what `jsonb` refuses: zero bytes and lone surrogates."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(key): storable(one) for key, one in cast("dict[str, Any]", value).items()}
    return [storable(one) for one in value] if isinstance(value, list) else value
