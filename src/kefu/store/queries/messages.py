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


class Page(NamedTuple):
    """Messages, oldest first. `more`: there are more beyond its far end: older ones, or newer after a given one."""

    messages: tuple[Message, ...]
    more: bool


def _select(conversation_id: str) -> sa.Select[Any]:
    return (
        sa.select(*COLUMNS)
        .select_from(
            message.outerjoin(agent, sa.and_(message.c.sender_type == "admin", agent.c.id == message.c.sender_id))
        )
        .where(message.c.conversation_id == conversation_id)
    )


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
    query = _select(conversation_id).order_by(message.c.seq.desc()).limit(limit + 1)
    if before_seq is not None:
        query = query.where(message.c.seq < before_seq)
    page = _cut([rows.message(row) for row in await connection.execute(query)], limit)
    return Page(page.messages[::-1], page.more)


async def after(connection: AsyncConnection, conversation_id: str, after_seq: int, limit: int) -> Page:
    """The oldest messages with a higher `seq`."""
    query = _select(conversation_id).where(message.c.seq > after_seq).order_by(message.c.seq).limit(limit + 1)
    return _cut([rows.message(row) for row in await connection.execute(query)], limit)


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
    query = _select(conversation_id).where(message.c.sender_id == sender_id, message.c.client_id == client_id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else rows.message(row)
