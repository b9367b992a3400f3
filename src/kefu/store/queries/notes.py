"""Notes: lines that only agents see, numbered by their own `noteSeq` under the conversation's lock."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.store import rows
from kefu.store.ids import new_id
from kefu.store.tables import agent, conversation, note
from kefu.wire.shapes import Note

PAGE_MAX = 200

COLUMNS = (
    note.c.id,
    note.c.conversation_id,
    note.c.note_seq,
    note.c.after_seq,
    note.c.agent_id,
    note.c.client_id,
    note.c.body_text,
    note.c.created_at,
    agent.c.name.label("agent_name"),
    agent.c.avatar_url.label("agent_avatar_url"),
)


def _select(conversation_id: str) -> sa.Select[Any]:
    return (
        sa.select(*COLUMNS)
        .select_from(note.join(agent, agent.c.id == note.c.agent_id))
        .where(note.c.conversation_id == conversation_id)
    )


async def after(connection: AsyncConnection, conversation_id: str, after_note_seq: int) -> tuple[Note, ...]:
    """The oldest notes with a higher `noteSeq`, at most 200."""
    query = _select(conversation_id).where(note.c.note_seq > after_note_seq).order_by(note.c.note_seq).limit(PAGE_MAX)
    return tuple(rows.note(row) for row in await connection.execute(query))


async def newest(connection: AsyncConnection, conversation_id: str) -> tuple[Note, ...]:
    """The newest notes, oldest first, at most 200."""
    query = _select(conversation_id).order_by(note.c.note_seq.desc()).limit(PAGE_MAX)
    return tuple(rows.note(row) for row in await connection.execute(query))[::-1]


async def by_client_id(connection: AsyncConnection, conversation_id: str, agent_id: str, client_id: str) -> Note | None:
    """The note that this agent stored under this client id."""
    query = _select(conversation_id).where(note.c.agent_id == agent_id, note.c.client_id == client_id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else rows.note(row)


async def add(
    connection: AsyncConnection,
    conversation_id: str,
    *,
    agent_id: str,
    client_id: str | None,
    body_text: str,
) -> Note:
    """Stores a note; the caller holds the conversation's lock, which makes the numbers gapless."""
    place = (
        await connection.execute(
            conversation.update()
            .where(conversation.c.id == conversation_id)
            .values(
                {
                    conversation.c.note_seq: conversation.c.note_seq + 1,
                    conversation.c.version: sa.text("pg_current_xact_id()"),
                }
            )
            .returning(conversation.c.note_seq, conversation.c.seq, conversation.c.site)
        )
    ).one()
    await connection.execute(
        note.insert().values(
            conversation_id=conversation_id,
            note_seq=place.note_seq,
            id=new_id(),
            site=place.site,
            after_seq=place.seq,
            agent_id=agent_id,
            client_id=client_id or new_id(),
            body_text=body_text,
        )
    )
    row = (await connection.execute(_select(conversation_id).where(note.c.note_seq == place.note_seq))).one()
    return rows.note(row)
