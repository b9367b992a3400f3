"""The inbox: pages of a tab, what changed since a mark, and counts (contract section 4, promise 5).

Nobody's inbox holds a conversation without a message (promise 7).
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.store import rows
from kefu.store.database import Database
from kefu.store.tables import VERSION_SLOT_BITS, Xid8, agent, conversation, visitor
from kefu.wire.agent import InboxCounts, InboxFilter
from kefu.wire.shapes import InboxRow

PAGE_MAX = 200

_NOT_CONVERSATIONS_OWN: dict[str, sa.Column[Any]] = {
    "conversation_id": conversation.c.id,
    "assignee_name": agent.c.name,
    "visitor_name": visitor.c.name,
    "visitor_email": visitor.c.email,
    "visitor_phone": visitor.c.phone,
    "locale": visitor.c.locale,
    "timezone": visitor.c.timezone,
}
COLUMNS = tuple(
    (_NOT_CONVERSATIONS_OWN[field] if field in _NOT_CONVERSATIONS_OWN else conversation.c[field]).label(field)
    for field in rows.INBOX_FIELDS
)
"""Those of an inbox row, in its order: `rows.inbox_row` takes them by position."""


class InboxPage(NamedTuple):
    """Rows, newest activity first; `cursor` continues the page while `more`."""

    rows: tuple[InboxRow, ...]
    cursor: str | None
    more: bool


class BadCursorError(ValueError):
    """A cursor that this server did not make."""


def _joined() -> sa.Select[Any]:
    return sa.select(*COLUMNS, conversation.c.site).select_from(
        conversation.join(visitor, visitor.c.id == conversation.c.visitor_id).outerjoin(
            agent, agent.c.id == conversation.c.assigned_to
        )
    )


_HAS_MESSAGES = conversation.c.last_message_slot.is_not(None)


def _select() -> sa.Select[Any]:
    return _joined().where(_HAS_MESSAGES)


def _tab(filter_: InboxFilter, agent_id: str) -> sa.ColumnElement[bool]:
    is_open = conversation.c.status == "open"
    match filter_:
        case "mine":
            return sa.and_(is_open, conversation.c.assigned_to == agent_id)
        case "unassigned":
            return sa.and_(is_open, conversation.c.assigned_to.is_(None))
        case "all":
            return is_open
        case "closed":
            return conversation.c.status == "closed"


def _encode_cursor(row: sa.Row[Any]) -> str:
    return base64.urlsafe_b64encode(f"{row.last_message_at.isoformat()}|{row.conversation_id}".encode()).decode()


def _decode_cursor(cursor: str) -> tuple[dt.datetime, str]:
    try:
        text, _, conversation_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        moment = dt.datetime.fromisoformat(text)
    except (ValueError, binascii.Error) as error:
        raise BadCursorError("cursor is not one of this server") from error
    if moment.tzinfo is None or not conversation_id.isprintable():
        raise BadCursorError("cursor is not one of this server")
    return moment, conversation_id


async def page(
    connection: AsyncConnection, site: str, agent_id: str, filter_: InboxFilter, *, cursor: str | None, limit: int
) -> InboxPage:
    """A page of a tab, newest activity first.

    Raises:
        BadCursorError: If `cursor` is not one of ours.
    """
    query = _select().where(conversation.c.site == site, _tab(filter_, agent_id))
    if cursor is not None:
        moment, conversation_id = _decode_cursor(cursor)
        query = query.where(
            conversation.c.last_message_slot <= moment,
            sa.tuple_(conversation.c.last_message_at, conversation.c.id) < sa.tuple_(moment, conversation_id),
        )
    query = query.order_by(
        conversation.c.last_message_slot.desc(), conversation.c.last_message_at.desc(), conversation.c.id.desc()
    ).limit(limit + 1)
    found = (await connection.execute(query)).all()
    more = len(found) > limit
    kept = found[:limit]
    return InboxPage(tuple(rows.inbox_row(row) for row in kept), _encode_cursor(kept[-1]) if more else None, more)


async def mark(connection: AsyncConnection) -> str:
    """The mark to ask `since` from: the oldest transaction in flight now. Take it before reading the rows."""
    return str((await connection.execute(sa.text("select pg_snapshot_xmin(pg_current_snapshot())::text"))).scalar_one())


async def since(
    connection: AsyncConnection, site: str, mark_: str, limit: int, *, cursor: str | None = None
) -> InboxPage:
    """Conversations of any tab written by the mark's transaction or a later one, oldest write first.

    Some come twice, none is missed. What one transaction wrote is never split between pages.

    Raises:
        BadCursorError: If the mark or the cursor is not one of ours.
    """
    start = _transaction_id(mark_) if cursor is None else _transaction_id(cursor) + 1
    query = (
        _select()
        .where(conversation.c.site == site, *_written_since(start))
        .add_columns(sa.cast(conversation.c.version, sa.Text).label("written_by"))
        .order_by(conversation.c.version_slot, conversation.c.version)
        .fetch(limit, with_ties=True)
    )
    found = (await connection.execute(query)).all()
    more = len(found) >= limit
    return InboxPage(tuple(rows.inbox_row(row) for row in found), found[-1].written_by if more else None, more)


def _transaction_id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) >= 2**63:
        raise BadCursorError("since is not a mark of this server")
    return int(text)


def _written_since(start: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Written by this transaction or a later one; the slot leads to the rows, the version says which of them."""
    return (
        conversation.c.version_slot >= start >> VERSION_SLOT_BITS,
        conversation.c.version >= sa.cast(sa.literal(str(start), sa.Text), Xid8),
    )


class Stamped(NamedTuple):
    """A row with its site and the transaction that wrote it."""

    site: str
    version: int
    row: InboxRow


# As text for the driver: it is asked four times a second while anybody chats.
_SOME = str(
    _select()
    .where(conversation.c.id == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.Text))))
    .add_columns(sa.cast(conversation.c.version, sa.Text))
    .compile(dialect=asyncpg.dialect())  # type: ignore[no-untyped-call]
)


async def some(database: Database, conversation_ids: list[str]) -> list[Stamped]:
    """The rows of these conversations; those without a message are left out.

    Raises:
        UNREACHABLE: If the database does not answer.
    """
    found = await database.fetch(_SOME, conversation_ids)
    return [Stamped(row[-2], int(row[-1]), rows.inbox_row(row)) for row in found]


async def versions(connection: AsyncConnection, site: str, start: int, limit: int) -> list[tuple[str, int]]:
    """Which conversations this transaction or a later one wrote, and which did: oldest write first.

    Fewer than `limit` are all of them; what one transaction wrote is never cut.
    """
    query = (
        sa.select(conversation.c.id, sa.cast(conversation.c.version, sa.Text).label("written_by"))
        .where(
            conversation.c.site == site,
            _HAS_MESSAGES,
            *_written_since(start),
        )
        .order_by(conversation.c.version_slot, conversation.c.version)
        .fetch(limit, with_ties=True)
    )
    return [(row.id, int(row.written_by)) for row in await connection.execute(query)]


async def counts(connection: AsyncConnection, site: str, agent_id: str) -> InboxCounts:
    """Conversations a tab."""
    query = sa.select(
        *(
            sa.func.count().filter(_tab(filter_, agent_id)).label(filter_)
            for filter_ in ("mine", "unassigned", "all", "closed")
        )
    ).where(conversation.c.site == site, _HAS_MESSAGES)
    row = (await connection.execute(query)).one()
    return InboxCounts(mine=row.mine, unassigned=row.unassigned, all=row.all, closed=row.closed)


async def one(connection: AsyncConnection, conversation_id: str) -> InboxRow | None:
    """The row of one conversation, also of one without a message; None if there is no such conversation."""
    row = (await connection.execute(_joined().where(conversation.c.id == conversation_id))).one_or_none()
    return None if row is None else rows.inbox_row(row)
