"""Makes Kefu's role and its database on a PostgreSQL server, with rights on that database only.

Runs as the server's administrator, does each step only if it is not done yet, and never changes what it did not make: a
role with more rights, or a database that belongs to somebody else, is an error with the way out. The password crosses
the wire and the server's log only as the verifier that PostgreSQL stores.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg

from kefu.store.database import UNREACHABLE, DatabaseError, connect_to, reason, where
from kefu.store.rights import quoted, rights_of

PASSWORD_BYTES = 24
NAME_BYTES_MAX = 63
SCRAM_ROUNDS = 4096
SALT_BYTES = 16
VERSION_MIN = 140000
ADMIN_DATABASE = "postgres"
KEPT_OPTIONS = frozenset({"host", "port", "sslmode", "sslrootcert"})
"""What of the administrator's address is also part of the role's."""

_OPEN_TO_ALL = """
select d.datname as name,
       array(
         select rolname::text from pg_roles
         where rolcanlogin and not rolsuper and rolname <> $1 and has_database_privilege(oid, d.oid, 'connect')
         order by 1
       ) as others,
       pg_has_role(d.datdba, 'usage') as is_ours_to_close
from pg_database d
where d.datallowconn and d.datname <> $2 and has_database_privilege('public', d.oid, 'connect')
order by 1
"""


class Made(NamedTuple):
    """What there is now.

    Attributes:
        url: The role's address; None if its password is not known, because the role was there.
        new_role: Whether the role was made.
        new_database: Whether the database was made.
        open_databases: Other databases of the server that let everybody connect, so the role too.
        closed_databases: Those that this call closed to it.
        unproved: Why the new address could not be tried; empty if it was, or is not known.
    """

    url: str | None
    new_role: bool
    new_database: bool
    open_databases: tuple[str, ...]
    closed_databases: tuple[str, ...]
    unproved: str


async def provision(
    admin_url: str, role: str, database: str, *, new_password: bool = False, isolate: bool = False
) -> Made:
    """Makes role and database as far as they are missing.

    Args:
        admin_url: The server, for a superuser or a role that may create roles and databases.
        role: The role's name.
        database: The database's name.
        new_password: Give an existing role a new password.
        isolate: Close the server's other databases to the role; every other role keeps its way in.

    Raises:
        DatabaseError: With the way out.
    """
    for name in (role, database):
        if not name or len(name.encode()) > NAME_BYTES_MAX or not name.isprintable():
            raise DatabaseError(f"expected a name of 1–{NAME_BYTES_MAX} bytes for role and database, got {name!r}")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    async with _as_admin(admin_url) as admin:
        await _check_admin(admin)
        new_role = await _make_role(admin, role, password, new_password=new_password)
        new_database = await _make_database(admin, role, database)
        closed = await _isolate(admin, role, database) if isolate else []
        left_open = [row["name"] for row in await admin.fetch(_OPEN_TO_ALL, role, database)]
        port = await admin.fetchval("show port")
    url, unproved = None, ""
    if new_role or new_password:
        url, unproved = await _working_address(admin_url, role, password, database, port)
    return Made(url, new_role, new_database, tuple(left_open), tuple(closed), unproved)


@contextlib.asynccontextmanager
async def _as_admin(admin_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    parts = urlsplit(admin_url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise DatabaseError("expected postgresql://ROLE@HOST/ (or postgresql:///?host=/FOLDER) as admin URL")
    url = admin_url if parts.path.strip("/") else urlunsplit(parts._replace(path=f"/{ADMIN_DATABASE}"))
    try:
        connection = await connect_to(url)
        try:
            yield connection
        finally:
            await connection.close()
    except UNREACHABLE as error:
        raise DatabaseError(f"{where(url)}: {reason(error)}") from error


async def _check_admin(admin: asyncpg.Connection[asyncpg.Record]) -> None:
    version = int(await admin.fetchval("show server_version_num"))
    if version < VERSION_MIN:
        raise DatabaseError(f"PostgreSQL {VERSION_MIN // 10000} or newer is needed; this is {version // 10000}")
    rights = await rights_of(admin)
    assert rights is not None
    if "superuser" not in rights.attributes and not {"createrole", "createdb"} <= set(rights.attributes):
        raise DatabaseError(f"the role {rights.role} may not create roles and databases; give an administrator's URL")


async def _make_role(
    admin: asyncpg.Connection[asyncpg.Record], role: str, password: str, *, new_password: bool
) -> bool:
    """Returns whether the role is new."""
    there = await rights_of(admin, role)
    if there is None:
        await admin.execute(
            f"create role {quoted(role)} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls "
            f"password '{scram_verifier(password)}'"
        )
        return True
    if there.excess:
        raise DatabaseError(f"the role {role} is there and has too many rights ({there.excess}): {there.mend}")
    if new_password:
        await admin.execute(f"alter role {quoted(role)} login password '{scram_verifier(password)}'")
    return False


async def _make_database(admin: asyncpg.Connection[asyncpg.Record], role: str, database: str) -> bool:
    """Returns whether the database is new."""
    owner = await admin.fetchval("select pg_get_userbyid(datdba)::text from pg_database where datname = $1", database)
    if owner not in (None, role):
        raise DatabaseError(
            f"the database {database} belongs to {owner}: choose another --name, or hand it over in psql: "
            f"alter database {quoted(database)} owner to {quoted(role)}"
        )
    async with _member_of(admin, role):
        if owner is None:
            await admin.execute(
                f"create database {quoted(database)} owner {quoted(role)} template template0 encoding 'UTF8'"
            )
        await admin.execute(f"revoke connect, temporary on database {quoted(database)} from public")
    return owner is None


@contextlib.asynccontextmanager
async def _member_of(admin: asyncpg.Connection[asyncpg.Record], role: str) -> AsyncIterator[None]:
    """Whoever is no superuser must belong to a role to give something to it; only for the time of the block."""
    if await admin.fetchval("select rolsuper from pg_roles where rolname = current_user"):
        yield
        return
    await admin.execute(f"grant {quoted(role)} to current_user")
    try:
        yield
    finally:
        await admin.execute(f"revoke {quoted(role)} from current_user")


async def _isolate(admin: asyncpg.Connection[asyncpg.Record], role: str, database: str) -> list[str]:
    """Takes everybody's right to connect to the other databases away, and gives it to everybody but the role."""
    closed = []
    for row in await admin.fetch(_OPEN_TO_ALL, role, database):
        if not row["is_ours_to_close"]:
            continue
        name = quoted(row["name"])
        async with admin.transaction():
            if row["others"]:
                await admin.execute(f"grant connect on database {name} to {', '.join(map(quoted, row['others']))}")
            await admin.execute(f"revoke connect on database {name} from public")
        closed.append(row["name"])
    return closed


async def _working_address(admin_url: str, role: str, password: str, database: str, port: str) -> tuple[str, str]:
    """The first address at which the role gets in, and why none does if so.

    Over a Unix socket many servers ask for the system user instead of a password; then TCP is the way.
    """
    first = role_url(admin_url, role, password, database)
    addresses = [first]
    if "@/" in first:
        addresses.append(role_url(f"postgresql://127.0.0.1:{port}/", role, password, database))
    problem = ""
    for url in addresses:
        try:
            connection = await connect_to(url)
        except (*UNREACHABLE, DatabaseError) as error:
            problem = problem or f"{where(url)}: {reason(error)}"
        else:
            await connection.close()
            return url, ""
    return first, problem


def role_url(admin_url: str, role: str, password: str, database: str) -> str:
    """The administrator's address with another role, password and database: `postgresql://…`."""
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    options = urlencode([pair for pair in parse_qsl(parts.query) if pair[0] in KEPT_OPTIONS], safe="/:,")
    user = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return urlunsplit(("postgresql", f"{user}@{host}", f"/{quote(database, safe='')}", options, ""))


def scram_verifier(password: str) -> str:
    """What PostgreSQL stores of a password (SCRAM-SHA-256, RFC 5803), for ASCII passwords."""
    salt = os.urandom(SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ROUNDS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored, server = (base64.b64encode(part).decode() for part in (salt, stored_key, server_key))
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{salt_text}${stored}:{server}"
