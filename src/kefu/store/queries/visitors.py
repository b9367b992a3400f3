"""Visitors: found by their session, made (contract section 4, promise 8). What most hellos need is `hello.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.store.tables import visitor

# Statements are built once: SQLAlchemy builds one more slowly than PostgreSQL answers it.
_BY_SESSION = sa.select(visitor).where(
    visitor.c.site == sa.bindparam("site"), visitor.c.session_hash == sa.bindparam("session_hash")
)
_KNOWN = ("name", "email", "phone", "locale", "timezone")
CREATE = (
    insert(visitor)
    .values({name: sa.bindparam(f"visitor_{name}") for name in ("id", "site", "session_hash", "token_hash", *_KNOWN)})
    .on_conflict_do_nothing(index_elements=[visitor.c.site, visitor.c.session_hash])
    .returning(visitor.c.id, visitor.c.site)
)
"""Makes a visitor, with the values of `newcomer`; no row comes back if another request with this session was first."""
_UPDATE = visitor.update().where(visitor.c.id == sa.bindparam("visitor_id")).values(last_seen_at=sa.func.now())


async def by_session(connection: AsyncConnection, site: str, session_hash: bytes) -> sa.Row[Any] | None:
    """Whose session id this is."""
    return (await connection.execute(_BY_SESSION, {"site": site, "session_hash": session_hash})).one_or_none()


def newcomer(
    visitor_id: str, site: str, session_hash: bytes | None, token_hash: bytes, known: Mapping[str, str]
) -> dict[str, Any]:
    """The values of `CREATE`.

    Args:
        visitor_id: A new id.
        site: Where they are.
        session_hash: None where the session id is no credential.
        token_hash: Of the token that is theirs from now on.
        known: `name`, `email`, `phone`, `locale`, `timezone`, as far as the hello said.
    """
    given = {"id": visitor_id, "site": site, "session_hash": session_hash, "token_hash": token_hash}
    return {f"visitor_{name}": value for name, value in (dict.fromkeys(_KNOWN) | dict(known) | given).items()}


async def create(connection: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """Makes a visitor with the values of `newcomer`.

    Returns:
        Whether it was made; False means that another request with the same session was first.
    """
    return (await connection.execute(CREATE, values)).one_or_none() is not None


async def update(connection: AsyncConnection, visitor_id: str, known: dict[str, str]) -> None:
    """Notes what a hello said of the visitor (`name`, `email`, `phone`, `locale`, `timezone`; absent ones stay)."""
    await connection.execute(_UPDATE, {**known, "visitor_id": visitor_id})
