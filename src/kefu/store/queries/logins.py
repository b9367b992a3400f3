"""Logins to Kefu's own main site: one row for each browser that is logged in."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.store.tables import agent, login_session


async def start(connection: AsyncConnection, token_hash: bytes, agent_id: str, lasts: dt.timedelta) -> None:
    """Notes a login; those that are over are forgotten by the way."""
    await connection.execute(login_session.delete().where(login_session.c.expires_at <= sa.func.now()))
    await connection.execute(
        login_session.insert().values(
            token_hash=token_hash, agent_id=agent_id, expires_at=sa.func.now() + sa.cast(lasts, sa.Interval)
        )
    )


async def agent_of(connection: AsyncConnection, token_hash: bytes) -> sa.Row[Any] | None:
    """The agent who is logged in with this token; None if the login is over or the agent disabled."""
    query = (
        sa.select(agent)
        .join(login_session, login_session.c.agent_id == agent.c.id)
        .where(
            login_session.c.token_hash == token_hash,
            login_session.c.expires_at > sa.func.now(),
            agent.c.disabled.is_(False),
        )
    )
    return (await connection.execute(query)).one_or_none()


async def end(connection: AsyncConnection, token_hash: bytes) -> None:
    """Ends one login."""
    await connection.execute(login_session.delete().where(login_session.c.token_hash == token_hash))


async def end_all(connection: AsyncConnection, agent_id: str) -> None:
    """Ends every login of an agent: after a new password, or when the agent is disabled."""
    await connection.execute(login_session.delete().where(login_session.c.agent_id == agent_id))
