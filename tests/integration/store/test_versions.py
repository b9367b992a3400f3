"""Every PostgreSQL from 14 on: role and database, migrations, append, inbox; backups go up and down the versions."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from databases import execute
from kefu.store import migrate
from kefu.store.archive import ArchiveReader
from kefu.store.carry import back_up, put_in
from kefu.store.database import Database, DatabaseError, make_engine
from kefu.store.provision import provision, role_url
from kefu.store.queries import inbox
from postgres.servers import MAJORS, running

_numbers = itertools.count(1)

# What a role could do to the server and its neighbours, and the error that keeps it from doing so.
FORBIDDEN = {
    "create role mallory": asyncpg.InsufficientPrivilegeError,
    "create database mallory": asyncpg.InsufficientPrivilegeError,
    "alter role chatapp superuser": asyncpg.InsufficientPrivilegeError,
    "alter role postgres password 'x'": asyncpg.InsufficientPrivilegeError,
    "set role postgres": asyncpg.InsufficientPrivilegeError,
    "set session authorization postgres": asyncpg.InsufficientPrivilegeError,
    "grant pg_read_all_data to chatapp": asyncpg.InsufficientPrivilegeError,
    "drop database neighbour": asyncpg.InsufficientPrivilegeError,
    "alter database neighbour owner to chatapp": asyncpg.InsufficientPrivilegeError,
    "alter system set work_mem = '1GB'": asyncpg.InsufficientPrivilegeError,
    "select * from pg_authid": asyncpg.InsufficientPrivilegeError,
    "select pg_read_file('/etc/passwd')": asyncpg.InsufficientPrivilegeError,
    "select pg_ls_dir('/')": asyncpg.InsufficientPrivilegeError,
    "select lo_import('/etc/passwd')": asyncpg.InsufficientPrivilegeError,
    "copy site to program 'id'": asyncpg.InsufficientPrivilegeError,
    "copy site to '/tmp/kefu-stolen'": asyncpg.InsufficientPrivilegeError,
    "create extension adminpack": asyncpg.PostgresError,
    "select pg_reload_conf()": asyncpg.InsufficientPrivilegeError,
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres'": (
        asyncpg.InsufficientPrivilegeError
    ),
}


@pytest.fixture(scope="module", params=MAJORS)
def admin_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with running(request.param) as url:
        yield url


@pytest.fixture(scope="module")
def made(admin_url: str) -> str:
    """The address of the role and database that `provision` makes, migrated, beside a neighbour with a table."""
    execute(admin_url, "create role other login password 'other'", "create database neighbour")
    execute(beside(admin_url, "neighbour"), "create table secret as select 1 as one", "grant select on secret to other")
    made = asyncio.run(provision(admin_url, "chatapp", "kefu", isolate=True))
    assert made.url is not None
    assert made.new_role
    assert made.new_database
    assert not made.unproved
    assert set(made.closed_databases) == {"neighbour", "postgres", "template1"}
    migrate.upgrade(made.url)
    return made.url


def beside(url: str, database: str) -> str:
    start, _, options = url.partition("?")
    return f"{start.rpartition('/')[0]}/{database}?{options}"


@pytest.fixture
def database_url(admin_url: str, made: str) -> Iterator[str]:
    """A fresh copy of the migrated database; `world` works on it."""
    name = f"copy_{next(_numbers)}"
    execute(admin_url, f"create database {name} template kefu owner chatapp")
    yield beside(made, name)
    execute(admin_url, f"drop database {name} with (force)")


async def test_the_role_can_do_nothing_elsewhere(admin_url: str, made: str) -> None:
    connection = await asyncpg.connect(made)
    admin = await asyncpg.connect(admin_url)
    for statement, error in FORBIDDEN.items():
        with pytest.raises(error):
            await connection.execute(statement)
    await connection.execute("create table own (id int); drop table own")
    await connection.close()
    for name in ("neighbour", "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
            await asyncpg.connect(beside(made, name))
    # The neighbours' own people go on as before, and get no way into ours.
    other = role_url(admin_url, "other", "other", "neighbour")
    connection = await asyncpg.connect(other)
    assert await connection.fetchval("select one from secret") == 1
    await connection.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(beside(other, "kefu"))
    await admin.close()


async def test_without_isolate_it_can_connect_but_not_read(admin_url: str, made: str) -> None:
    """PostgreSQL lets PUBLIC connect everywhere; the tables there stay closed all the same."""
    admin = await asyncpg.connect(admin_url)
    await admin.execute("grant connect on database neighbour to public")
    try:
        again = await provision(admin_url, "chatapp", "kefu")
        assert (again.url, again.new_role, again.new_database) == (None, False, False)
        assert again.open_databases == ("neighbour",)
        connection = await asyncpg.connect(beside(made, "neighbour"))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select * from secret")
        await connection.close()
    finally:
        await admin.execute("revoke connect on database neighbour from public")
        await admin.close()


async def test_an_administrator_who_is_no_superuser(admin_url: str, made: str) -> None:
    """As on hosted servers: may create roles and databases, and keeps no way into what it made."""
    admin = await asyncpg.connect(admin_url)
    await admin.execute("create role boss login createrole createdb password 'boss'")
    await admin.execute("grant connect on database postgres to boss")
    boss = role_url(admin_url, "boss", "boss", "postgres")
    done = await provision(boss, "chat2", "kefu2")
    assert done.url is not None
    assert not done.unproved
    assert await migrate.upgrade_async(done.url) == "empty"
    assert await admin.fetchval("select pg_has_role('boss', 'chat2', 'usage')") is False
    with pytest.raises(DatabaseError, match="belongs to chat2: choose another --name"):
        await provision(boss, "chat3", "kefu2")
    await admin.close()


async def test_append_and_inbox(world, send) -> None:
    node = world.appender()
    await world.agent()
    conversation = await world.conversation()
    drafts = [world.draft(conversation, f"text {number}") for number in range(3)]
    outcomes = await send(node, *drafts, world.repeat(drafts[0]))
    assert [(one.kind, one.seq) for one in outcomes] == [
        ("stored", 1), ("stored", 2), ("stored", 3), ("duplicate", 1)
    ]  # fmt: skip
    assert await world.assert_whole(conversation) == ["text 0", "text 1", "text 2"]
    engine = make_engine(world.url)
    async with engine.connect() as connection:
        page = await inbox.page(connection, "default", "ann", "unassigned", cursor=None, limit=10)
        since = await inbox.since(connection, "default", await inbox.mark(connection), 10)
    await engine.dispose()
    assert [row.conversation_id for row in page.rows] == [conversation]
    assert page.rows[0].unread == 3
    assert since.rows == ()
    database = Database(world.url)
    await database.check()
    assert (await database.rights()).excess == ""
    await database.close()


@pytest.mark.parametrize("analyzed", [False, True], ids=["no statistics", "analyzed"])
@pytest.mark.parametrize("count", [0, 1, 120, 300, 2000, 30_000])
async def test_what_a_message_reads_does_not_grow(world, count, analyzed) -> None:
    """A repeat is looked up by its client id, whatever tables the plan was made for: here, of one message each."""
    await world.sql("insert into visitor (id) select n::text from generate_series(1, $1) n", count)
    await world.sql(
        "insert into conversation (id, visitor_id, seq) select n::text, n::text, 1 from generate_series(1, $1) n", count
    )
    await world.sql(
        "insert into message (conversation_id, seq, id, site, sender_type, sender_id, client_id, body_text)"
        " select n::text, 1, gen_random_uuid()::text, 'default', 'visitor', 'v', gen_random_uuid()::text, 'hello'"
        " from generate_series(1, $1) n",
        count,
    )
    if analyzed:
        await world.sql("analyze")
    conversation = await world.conversation()
    connection = await world.connect()
    async with connection.transaction():
        for _ in range(30):
            await world.append_on(connection, *(world.draft(conversation) for _ in range(4)))
        repeated = world.draft(conversation)
        await world.append_on(connection, repeated)
        _, again = await world.append_on(connection, world.draft(conversation), world.repeat(repeated))
        (read,) = await connection.fetch(
            "select idx_tup_fetch, seq_tup_read from pg_stat_xact_user_tables where relname = 'message'"
        )
    assert (again.kind, again.id, again.seq) == ("duplicate", repeated.id, 121)
    assert tuple(read) == (1, 0)


async def test_backup_and_restore_across_versions(world, send, tmp_path: Path, empty_database_url: str) -> None:
    """From this version to PostgreSQL 18, and back down into an emptied database here."""
    conversation = await world.conversation(await world.visitor())
    node = world.appender()
    await send(node, *(world.draft(conversation, f"第{number}\t\\N\n行") for number in range(5)))
    archive, again = tmp_path / "up.zip", tmp_path / "down.zip"
    done = await back_up(world.url, archive, lambda *_: None, lambda _: None)
    assert (done.rows["message"], done.left_out) == (5, ())
    with ArchiveReader(archive) as source:
        await put_in(empty_database_url, source, lambda *_: None)
    await back_up(empty_database_url, again, lambda *_: None, lambda _: None)
    with ArchiveReader(archive) as first, ArchiveReader(again) as source:
        with pytest.raises(DatabaseError, match="stop chat-server and main site first"):
            await put_in(world.url, source, lambda *_: None, replace=True)
        await node.close()
        await put_in(world.url, source, lambda *_: None, replace=True)
        changed = set(first.manifest.tables) ^ set(source.manifest.tables)
    assert {table.name for table in changed} == {"installation"}  # the epoch
    assert await world.assert_whole(conversation) == [f"第{number}\t\\N\n行" for number in range(5)]
