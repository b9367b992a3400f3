"""Which rights a role has beyond one database of its own, and how to take them away.

Knows PostgreSQL's catalogue of roles; decides nothing: whoever asks may warn or refuse.
"""

from __future__ import annotations

from typing import NamedTuple

import asyncpg

ROLE = r"""
select r.rolname as name, r.oid = 10 as is_first, current_database() as database,
       array_remove(array[
         case when r.rolsuper then 'superuser' end,
         case when r.rolcreaterole then 'createrole' end,
         case when r.rolcreatedb then 'createdb' end,
         case when r.rolreplication then 'replication' end,
         case when r.rolbypassrls then 'bypassrls' end
       ], null) as attributes,
       array(
         select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid
         where m.member = r.oid and g.rolname like 'pg\_%' order by 1
       ) as groups
from pg_roles r where r.rolname = coalesce($1::text, current_user)
"""
"""A role's attributes, and the predefined roles it is a member of (`pg_…`: files, programs, everybody's tables)."""


class Rights(NamedTuple):
    """What a role may do beyond its own database; all empty for the role that Kefu wants.

    Attributes:
        role: Its name.
        attributes: Of superuser, createrole, createdb, replication, bypassrls.
        groups: Predefined roles that it is a member of.
        is_first: The superuser that made the server, which cannot be anything less.
        database: Where the question was asked.
    """

    role: str
    attributes: tuple[str, ...]
    groups: tuple[str, ...]
    is_first: bool
    database: str

    @property
    def excess(self) -> str:
        """What is too much, for people; empty if nothing is."""
        return ", ".join([*self.attributes, *(f"member of {group}" for group in self.groups)])

    @property
    def mend(self) -> str:
        """The command that mends it."""
        if self.is_first:
            return "kefu db create --admin-url ADDRESS --name kefu_chat, then kefu db move --to the address it prints"
        role, database = quoted(self.role), quoted(self.database)
        statements = [f"revoke {quoted(group)} from {role}" for group in self.groups]
        if self.attributes:
            statements += [f"alter role {role} {' '.join(f'no{name}' for name in self.attributes)}"]
            statements += [f"alter database {database} owner to {role}"]
        return "; ".join(statements) + " (in psql, as another superuser)"


async def rights_of(connection: asyncpg.Connection[asyncpg.Record], role: str | None = None) -> Rights | None:
    """The rights of a role, or of the connected one; None if there is no such role."""
    row = await connection.fetchrow(ROLE, role)
    if row is None:
        return None
    return Rights(row["name"], tuple(row["attributes"]), tuple(row["groups"]), row["is_first"], row["database"])


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'
