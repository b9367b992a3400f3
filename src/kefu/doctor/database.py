"""Whether PostgreSQL can be reached, is new enough, keeps what it commits, and lets this role do what it must.

`look` asks; `judge` says what the answers mean and asks nothing.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg

from kefu import config_rules
from kefu.doctor.findings import Finding, finding
from kefu.store.database import DatabaseError, reason, where
from kefu.store.migrate import SchemaState, state_async

CONNECT_TIMEOUT_S = 5.0
VERSION_MIN = 140_000
CLOCK_DIFFERENCE_S_MAX = 5.0
OTHERS_CONNECTIONS = 5
"""Left for backups, psql and migrations beside the pools."""

_QUESTIONS = """
select current_user as role,
       current_setting('server_version_num')::int as version,
       current_setting('server_version') as version_name,
       current_setting('synchronous_commit') as synchronous_commit,
       current_setting('server_encoding') as encoding,
       current_setting('transaction_read_only') = 'on' or pg_is_in_recovery() as read_only,
       current_setting('max_connections')::int
         - current_setting('superuser_reserved_connections')::int as connections,
       (select rolsuper from pg_roles where rolname = current_user) as superuser,
       (select rolconnlimit from pg_roles where rolname = current_user) as role_connections,
       (select datconnlimit from pg_database where datname = current_database()) as database_connections,
       has_schema_privilege(current_user, 'public', 'create') as may_create,
       (select string_agg(relname, ', ' order by relname) from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
           and relname in ('message', 'conversation', 'visitor', 'agent', 'installation')
           and not (has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert')
                    and has_table_privilege(oid, 'update'))) as forbidden_tables,
       extract(epoch from clock_timestamp())::float8 as now
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a database says of itself.

    Attributes:
        connections: That this role may have, all limits counted.
        forbidden_tables: Kefu's tables on which the role lacks rights, comma-separated; empty: none.
        clock_difference_s: The database's clock less ours.
        schema: None if the role may not see it.
    """

    role: str
    database: str
    version: int
    version_name: str
    superuser: bool
    synchronous_commit: str
    encoding: str
    read_only: bool
    connections: int
    may_create: bool
    forbidden_tables: str
    clock_difference_s: float
    schema: SchemaState | None


async def check(url: str | None, *, connections_needed: int) -> list[Finding]:
    """Everything about a database.

    Args:
        url: Its address; None if it is not set.
        connections_needed: How many Kefu's processes open at most.
    """
    if url is None:
        return [finding("database_unset")]
    if problems := config_rules.database(url):
        return [finding("database_address", problem=problems[0])]
    try:
        facts = await look(url)
    except Exception as error:  # noqa: BLE001 - whatever the driver says is what is wrong
        return [unreachable(url, error)]
    return judge(facts, connections_needed=connections_needed)


async def look(url: str) -> Facts:
    """Asks the database.

    Raises:
        Exception: Of the driver, if it cannot be reached.
    """
    connection: Any = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, command_timeout=CONNECT_TIMEOUT_S)
    try:
        asked_at = time.time()
        row = await connection.fetchrow(_QUESTIONS)
        middle = (asked_at + time.time()) / 2
    finally:
        connection.terminate()
    limits = [row["connections"], row["role_connections"], row["database_connections"]]
    forbidden = row["forbidden_tables"] or ""
    same_names = ("role", "version", "version_name", "synchronous_commit", "encoding", "read_only", "may_create")
    return Facts(
        **{name: row[name] for name in same_names},
        database=unquote(urlsplit(url).path.lstrip("/")),
        superuser=bool(row["superuser"]),
        connections=min(limit for limit in limits if limit >= 0),
        forbidden_tables=forbidden,
        clock_difference_s=row["now"] - middle,
        schema=None if forbidden else await _schema(url),
    )


async def _schema(url: str) -> SchemaState | None:
    try:
        return await state_async(url)
    except DatabaseError:  # the table of revisions belongs to somebody else
        return None


def judge(facts: Facts, *, connections_needed: int) -> list[Finding]:
    """What the answers mean."""
    told: dict[str, object] = {
        "role": facts.role,
        "database": facts.database,
        "version": facts.version_name,
        "encoding": facts.encoding,
        "tables": facts.forbidden_tables,
        "table": facts.forbidden_tables.partition(",")[0],
        "connections": facts.connections,
        "needed": connections_needed + OTHERS_CONNECTIONS,
        "seconds": round(facts.clock_difference_s),
    }
    wrong = {
        "database_old": facts.version < VERSION_MIN,
        "database_superuser": facts.superuser,
        "synchronous_commit_off": facts.synchronous_commit == "off",
        "database_encoding": facts.encoding != "UTF8",
        "database_read_only": facts.read_only,
        "database_no_rights": bool(facts.forbidden_tables),
        "database_no_create": facts.schema in ("empty", "behind") and not facts.may_create,
        "connections_few": facts.connections < connections_needed,
        "database_clock": abs(facts.clock_difference_s) > CLOCK_DIFFERENCE_S_MAX,
    }
    codes = [code for code, is_wrong in wrong.items() if is_wrong]
    if facts.schema not in (None, "current") and "database_no_create" not in codes:
        codes.append(f"schema_{facts.schema}")
    return [finding(code, **told) for code in codes]


def unreachable(url: str, error: BaseException) -> Finding:
    """Why there is no connection."""
    parts = urlsplit(url)
    told = {
        "where": where(url),
        "role": unquote(parts.username or "") or "chatapp",
        "database": unquote(parts.path.lstrip("/")),
        "reason": reason(error) if not isinstance(error, TimeoutError) else f"no answer in {CONNECT_TIMEOUT_S:g} s",
    }
    return finding(_code_of(error), **told)


def _code_of(error: BaseException) -> str:
    codes: list[tuple[type[BaseException], str]] = [
        (asyncpg.InvalidPasswordError, "database_password"),
        (asyncpg.InvalidCatalogNameError, "database_missing"),
        (asyncpg.TooManyConnectionsError, "database_full"),
        (asyncpg.PostgresError, "database_refused"),
        (socket.gaierror, "database_unreachable"),
    ]
    return next((code for kind, code in codes if isinstance(error, kind)), "database_unreachable")
