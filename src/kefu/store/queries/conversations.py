"""Conversations one at a time: found, made, assigned, closed, reopened, read. Lists are in `inbox.py`.

Every statement that writes a conversation sets `version`; see `tables.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.store.ids import new_id
from kefu.store.tables import Xid8, agent, conversation, message, visitor

# Statements of the hello are built once: SQLAlchemy builds one more slowly than PostgreSQL answers it.
_WITH_AGENT = sa.select(
    conversation, agent.c.name.label("agent_name"), agent.c.avatar_url.label("agent_avatar_url")
).select_from(conversation.outerjoin(agent, agent.c.id == conversation.c.assigned_to))
_FIND = _WITH_AGENT.where(conversation.c.id == sa.bindparam("conversation_id"))
_FIND_LOCKED = _FIND.with_for_update(of=conversation, key_share=True)
_LATEST = (
    _WITH_AGENT.where(
        conversation.c.visitor_id == sa.bindparam("visitor_id"), conversation.c.site == sa.bindparam("site")
    )
    .order_by(conversation.c.status.desc(), conversation.c.closed_at.desc().nulls_first())
    .limit(1)
)
_NOBODY_SERVES = (sa.null().label("agent_name"), sa.null().label("agent_avatar_url"))
_CREATE = (
    insert(conversation)
    .on_conflict_do_nothing(
        index_elements=[conversation.c.visitor_id, conversation.c.site], index_where=sa.text("status <> 'closed'")
    )
    .returning(conversation, *_NOBODY_SERVES)
)
# And those of the comparison: what SQLAlchemy builds of an array waits for the garbage collector.
_AMONG = conversation.c.id == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.Text)))
_TOPS = sa.select(conversation.c.id, conversation.c.seq).where(_AMONG)
_WRITTEN = _WITH_AGENT.where(
    _AMONG,
    sa.or_(
        conversation.c.version >= sa.cast(sa.bindparam("since", type_=sa.Text), Xid8),
        conversation.c.id == sa.any_(sa.bindparam("also", type_=sa.ARRAY(sa.Text))),
    ),
)
_PAGE = ("entry_url", "referrer", "page_title")
_VERSION = {conversation.c.version: sa.text("pg_current_xact_id()")}


async def find(connection: AsyncConnection, conversation_id: str, *, lock: bool = False) -> sa.Row[Any] | None:
    """The conversation with the agent who serves it, locked against other writers if asked."""
    query = _FIND_LOCKED if lock else _FIND
    return (await connection.execute(query, {"conversation_id": conversation_id})).one_or_none()


async def latest_of_visitor(connection: AsyncConnection, visitor_id: str, site: str) -> sa.Row[Any] | None:
    """The visitor's open conversation, else the one that was closed last, with the agent who serves it."""
    return (await connection.execute(_LATEST, {"visitor_id": visitor_id, "site": site})).one_or_none()


async def create(
    connection: AsyncConnection, visitor_id: str, site: str, page: Mapping[str, str]
) -> sa.Row[Any] | None:
    """Makes the visitor's open conversation unless there is one.

    Args:
        connection: Of the database.
        visitor_id: Whose it is.
        site: Where it is held.
        page: `entry_url`, `referrer`, `page_title` of where it begins, as far as known.

    Returns:
        The conversation, as `find` gives it; None if the visitor has an open one.
    """
    values = {**dict.fromkeys(_PAGE), **page, "id": new_id(), "site": site, "visitor_id": visitor_id}
    made: sa.Row[Any] | None = (await connection.execute(_CREATE, values)).one_or_none()
    return made


async def set_assignee(connection: AsyncConnection, conversation_id: str, agent_id: str | None) -> None:
    """Assigns to an agent, or to nobody."""
    await connection.execute(
        conversation.update()
        .where(conversation.c.id == conversation_id)
        .values({conversation.c.assigned_to: agent_id, **_VERSION})
    )


async def set_closed(connection: AsyncConnection, conversation_id: str) -> None:
    """Closes; nobody waits for an answer any more."""
    await connection.execute(
        conversation.update()
        .where(conversation.c.id == conversation_id)
        .values(
            {
                conversation.c.status: "closed",
                conversation.c.closed_at: sa.func.now(),
                conversation.c.waiting_since: None,
                conversation.c.unread: 0,
                **_VERSION,
            }
        )
    )


async def set_open(connection: AsyncConnection, conversation_id: str) -> None:
    """Opens a closed conversation again.

    Raises:
        sqlalchemy.exc.IntegrityError: If its visitor has another open one.
    """
    await connection.execute(
        conversation.update()
        .where(conversation.c.id == conversation_id)
        .values({conversation.c.status: "open", conversation.c.closed_at: None, **_VERSION})
    )


async def mark_read_by_visitor(connection: AsyncConnection, conversation_id: str, seq: int) -> int | None:
    """Moves the visitor's read mark forward.

    Returns:
        The mark, or None if it stood there already.
    """
    moved = await connection.execute(
        conversation.update()
        .where(
            conversation.c.id == conversation_id,
            conversation.c.visitor_read_seq < sa.func.least(seq, conversation.c.seq),
        )
        .values({conversation.c.visitor_read_seq: sa.func.least(seq, conversation.c.seq), **_VERSION})
        .returning(conversation.c.visitor_read_seq)
    )
    return cast("int | None", moved.scalar())


async def mark_read_by_agents(connection: AsyncConnection, conversation_id: str, seq: int) -> int | None:
    """Moves the agents' read mark forward and counts what is unread after it.

    Returns:
        The mark, or None if it stood there already.
    """
    # The lock is a statement of its own, so that the count's snapshot is younger: a message that was being committed
    # meanwhile is counted.
    behind = conversation.c.agent_read_seq < sa.func.least(seq, conversation.c.seq)
    locking = sa.select(conversation.c.seq).where(conversation.c.id == conversation_id, behind)
    top: int | None = (await connection.execute(locking.with_for_update(key_share=True))).scalar()
    if top is None:
        return None
    mark = min(seq, top)
    unread = (
        sa.select(sa.func.count())
        .select_from(message)
        .where(message.c.conversation_id == conversation_id, message.c.seq > mark, message.c.sender_type == "visitor")
        .scalar_subquery()
    )
    await connection.execute(
        conversation.update()
        .where(conversation.c.id == conversation_id)
        .values(
            {
                conversation.c.agent_read_seq: mark,
                conversation.c.unread: sa.func.least(conversation.c.unread, unread),
                **_VERSION,
            }
        )
    )
    return mark


async def tops(connection: AsyncConnection, conversation_ids: list[str]) -> dict[str, int]:
    """The top `seq` of each of these conversations."""
    return {row.id: row.seq for row in await connection.execute(_TOPS, {"ids": conversation_ids})}


async def written(
    connection: AsyncConnection, conversation_ids: list[str], since: int, *, also: list[str]
) -> Sequence[sa.Row[Any]]:
    """Those of the conversations that this transaction or a later one wrote, or that are in `also`, as `find` does."""
    return (await connection.execute(_WRITTEN, {"ids": conversation_ids, "since": str(since), "also": also})).all()


async def delete_empty(connection: AsyncConnection, older_than: dt.timedelta, limit: int = 1000) -> int:
    """Deletes conversations that never got a message or note, and visitors who are left without one.

    Returns:
        How many conversations went.
    """
    before = sa.func.now() - older_than
    doomed = (
        sa.select(conversation.c.id)
        .where(conversation.c.seq == 0, conversation.c.note_seq == 0, conversation.c.created_at < before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    gone = await connection.execute(
        conversation.delete().where(conversation.c.id.in_(doomed)).returning(conversation.c.visitor_id)
    )
    visitor_ids = [row.visitor_id for row in gone]
    if visitor_ids:
        others = sa.select(conversation.c.id).where(conversation.c.visitor_id == visitor.c.id)
        await connection.execute(
            visitor.delete().where(
                visitor.c.id.in_(visitor_ids), visitor.c.last_seen_at < before, sa.not_(sa.exists(others))
            )
        )
    return len(visitor_ids)
