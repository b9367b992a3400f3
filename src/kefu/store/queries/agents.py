"""Agents: known by their token or their login, added, disabled.

An agent with a login is managed here, so the row says name and role; any other agent belongs to another main site,
whose tokens say both.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.store.ids import new_id
from kefu.store.tables import agent
from kefu.tokens import AgentClaims, Role

UNNAMED = "Agent"
"""The name of an agent whose token has none. Visitors see names, so it must not be the id, which may be an address."""

# Built once: what SQLAlchemy builds of an array, and of a conflict's values, waits for the garbage collector, and these
# are asked every second, and for each socket.
_DISABLED_AMONG = sa.select(agent.c.id).where(
    agent.c.disabled, agent.c.id == sa.any_(sa.bindparam("ids", type_=sa.ARRAY(sa.Text)))
)
_FRESH = insert(agent).values(last_seen_at=sa.func.now())
_IS_MANAGED_HERE = agent.c.login.is_not(None)
_ENSURE_UNNAMED, _ENSURE_NAMED = (
    _FRESH.on_conflict_do_update(
        index_elements=[agent.c.id],
        set_={
            "name": sa.case((_IS_MANAGED_HERE, agent.c.name), else_=name),
            "role": sa.case((_IS_MANAGED_HERE, agent.c.role), else_=_FRESH.excluded.role),
            "last_seen_at": sa.func.now(),
        },
    ).returning(agent)
    for name in (agent.c.name, _FRESH.excluded.name)
)


async def ensure_agent(connection: AsyncConnection, claims: AgentClaims) -> sa.Row[Any]:
    """The row of a token's agent, made at the first valid token. `disabled` is for the caller to heed."""
    query = _ENSURE_UNNAMED if claims.name is None else _ENSURE_NAMED
    values = {"id": claims.agent_id, "name": claims.name or UNNAMED, "role": claims.role}
    row: sa.Row[Any] = (await connection.execute(query, values)).one()
    return row


async def get(connection: AsyncConnection, agent_id: str) -> sa.Row[Any] | None:
    """The agent with this id."""
    return (await connection.execute(sa.select(agent).where(agent.c.id == agent_id))).one_or_none()


async def by_login(connection: AsyncConnection, login: str) -> sa.Row[Any] | None:
    """The agent who logs in with this name; see `normal_login`."""
    return (await connection.execute(sa.select(agent).where(agent.c.login == normal_login(login)))).one_or_none()


async def list_all(connection: AsyncConnection) -> Sequence[sa.Row[Any]]:
    """Every agent, those with a login first, oldest first."""
    query = sa.select(agent).order_by(agent.c.login.is_(None), agent.c.created_at, agent.c.id)
    return (await connection.execute(query)).all()


async def add(connection: AsyncConnection, login: str, password_hash: str, name: str, role: Role) -> str | None:
    """Adds an agent who logs in here.

    Returns:
        The new id, or None if the login is taken.
    """
    query = (
        insert(agent)
        .values(id=new_id(), login=normal_login(login), password_hash=password_hash, name=name, role=role)
        .on_conflict_do_nothing(index_elements=[agent.c.login])
        .returning(agent.c.id)
    )
    added: str | None = (await connection.execute(query)).scalar()
    return added


async def set_password(connection: AsyncConnection, agent_id: str, password_hash: str) -> None:
    """Replaces the password."""
    await connection.execute(agent.update().where(agent.c.id == agent_id).values(password_hash=password_hash))


async def set_disabled(connection: AsyncConnection, agent_id: str, *, disabled: bool) -> None:
    """Shuts an agent out, or lets them in again."""
    await connection.execute(agent.update().where(agent.c.id == agent_id).values(disabled=disabled))


async def disabled_among(connection: AsyncConnection, agent_ids: Collection[str]) -> set[str]:
    """Which of these agents are disabled."""
    return set((await connection.execute(_DISABLED_AMONG, {"ids": list(agent_ids)})).scalars())


def normal_login(login: str) -> str:
    """A login as it is stored and compared: without surrounding blanks, lower case."""
    return login.strip().lower()
