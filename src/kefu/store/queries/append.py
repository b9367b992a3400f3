"""The append as one call: drafts in, an outcome each out.

Knows `append_messages` of `migrations/sql/append_4.sql`, whose header says what it takes and returns and why it is two
statements. When a draft goes, and with which others, is `store/append.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import asyncpg

from kefu.chat.messages import Draft
from kefu.chat.text import preview
from kefu.store.batch import Outcome

APPEND = "select * from append_messages($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
SEPARATOR = "\x1f"
"""Between the values of a column."""


async def append(
    connection: asyncpg.Connection[asyncpg.Record],
    drafts: Sequence[Draft],
    reopen: dt.timedelta,
    *,
    timeout_s: float | None = None,
) -> list[Outcome]:
    """Appends drafts in one call, which is one transaction unless the connection is in one.

    Args:
        connection: Where.
        drafts: At least one.
        reopen: How long after its close a visitor's message reopens a conversation.
        timeout_s: For the whole call.

    Raises:
        asyncpg.DataError: A draft holds what PostgreSQL cannot, or one of several holds the separator.
        ValueError: A text is no Unicode.
    """
    row = await connection.fetchrow(APPEND, len(drafts), *_columns(drafts), reopen, timeout=timeout_s)
    assert row is not None
    return _outcomes(drafts, row)


def _columns(drafts: Sequence[Draft]) -> list[str | None]:
    """A text a column."""
    *columns, bodies, metadata = zip(*drafts, strict=True)
    return [
        *map(SEPARATOR.join, (*columns, bodies, map(preview, bodies))),
        SEPARATOR.join(text or "" for text in metadata) if any(metadata) else None,
    ]


def _outcomes(drafts: Sequence[Draft], row: asyncpg.Record) -> list[Outcome]:
    """An outcome of each draft, in order.

    A duplicate of the draft itself was stored by an attempt whose answer was lost: it is new to everybody, and if it
    is a visitor's it may have reopened the conversation.
    """
    stored_at, seqs, odd, *of_odd = row
    outcomes = [Outcome("stored", draft.id, seq, stored_at) for draft, seq in zip(drafts, seqs, strict=True)]
    for ord_, kind, message_id, at, reopened in zip(odd, *of_odd, strict=True) if odd else ():
        draft, seq = drafts[ord_ - 1], seqs[ord_ - 1] or 0
        was_lost = kind == "duplicate" and message_id == draft.id
        outcomes[ord_ - 1] = (
            Outcome("stored", message_id, seq, at, draft.sender_type == "visitor")
            if was_lost
            else Outcome(kind, message_id, seq, at, reopened)
        )
    return outcomes
