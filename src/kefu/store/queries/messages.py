"""Reading messages: a page from a place in the conversation, or what is missing after one."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.store import rows
from kefu.store.tables import agent, message
from kefu.wire.shapes import Message

PAGE_MAX = 200
PAGE_BYTES_MAX = 256 * 1024

COLUMNS = (
    message.c.id,
    message.c.conversation_id,
    message.c.seq,
    message.c.sender_type,
    message.c.sender_id,
    message.c.body_text,
    message.c.metadata,
    message.c.created_at,
    message.c.client_id,
    agent.c.name.label("agent_name"),
    agent.c.avatar_url.label("agent_avatar_url"),
)

# Built once: SQLAlchemy builds a statement more slowly than PostgreSQL answers it.
_OF_CONVERSATION: sa.Select[Any] = (
    sa.select(*COLUMNS)
    .select_from(message.outerjoin(agent, sa.and_(message.c.sender_type == "admin", agent.c.id == message.c.sender_id)))
    .where(message.c.conversation_id == sa.bindparam("conversation_id"))
)
_NEWEST: sa.Select[Any] = _OF_CONVERSATION.order_by(message.c.seq.desc()).limit(sa.bindparam("count", type_=sa.Integer))
_BEFORE: sa.Select[Any] = _NEWEST.where(message.c.seq < sa.bindparam("before_seq"))
_AFTER: sa.Select[Any] = (
    _OF_CONVERSATION.where(message.c.seq > sa.bindparam("after_seq"))
    .order_by(message.c.seq)
    .limit(sa.bindparam("count", type_=sa.Integer))
)
_BY_CLIENT_ID: sa.Select[Any] = _OF_CONVERSATION.where(
    message.c.sender_id == sa.bindparam("sender_id"), message.c.client_id == sa.bindparam("client_id")
)


class Page(NamedTuple):
    """Messages, oldest first. `more`: there are more beyond its far end: older ones, or newer after a given one."""

    messages: tuple[Message, ...]
    more: bool


def _cut(found: list[Message], limit: int) -> Page:
    """The first `limit` messages, and no more than 256 KiB of text; never an empty page where there is a message."""
    kept: list[Message] = []
    size = 0
    for item in found[:limit]:
        size += len(item.body_text.encode()) + len(item.metadata_json or "") + 300
        if kept and size > PAGE_BYTES_MAX:
            break
        kept.append(item)
    return Page(tuple(kept), len(kept) < len(found))


async def newest(connection: AsyncConnection, conversation_id: str, limit: int, before_seq: int | None = None) -> Page:
    """The newest page, or the newest before `before_seq`."""
    values: dict[str, Any] = {"conversation_id": conversation_id, "count": limit + 1}
    if before_seq is not None:
        values["before_seq"] = before_seq
    found = await connection.execute(_NEWEST if before_seq is None else _BEFORE, values)
    page = _cut([rows.message(row) for row in found], limit)
    return Page(page.messages[::-1], page.more)


async def after(connection: AsyncConnection, conversation_id: str, after_seq: int, limit: int) -> Page:
    """The oldest messages with a higher `seq`."""
    values = {"conversation_id": conversation_id, "after_seq": after_seq, "count": limit + 1}
    return _cut([rows.message(row) for row in await connection.execute(_AFTER, values)], limit)


async def is_at(connection: AsyncConnection, conversation_id: str, seq: int, message_id: str) -> bool:
    """Whether the message with this number is the one that a client remembers; 0 with no id is the beginning."""
    if seq == 0:
        return True
    query = sa.select(message.c.id).where(message.c.conversation_id == conversation_id, message.c.seq == seq)
    return (await connection.execute(query)).scalar() == message_id


async def by_client_id(
    connection: AsyncConnection, conversation_id: str, sender_id: str, client_id: str
) -> Message | None:
    """The message that this sender stored under this client id."""
    values = {"conversation_id": conversation_id, "sender_id": sender_id, "client_id": client_id}
    row = (await connection.execute(_BY_CLIENT_ID, values)).one_or_none()
    return None if row is None else rows.message(row)
