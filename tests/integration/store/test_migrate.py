"""Migrations: from nothing to today's schema, once, whoever starts at the same time; and the schema is `tables.py`."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from kefu.store import migrate
from kefu.store.database import Database, DatabaseError, make_engine
from kefu.store.tables import metadata

COLUMNS = """
select table_name, column_name, data_type, collation_name, is_nullable, column_default
from information_schema.columns where table_schema = 'public' and table_name <> 'alembic_version' order by 1, 2
"""
CONSTRAINTS = """
select conrelid::regclass::text as "table", conname, contype::text, pg_get_constraintdef(oid) as definition
from pg_constraint
where connamespace = 'public'::regnamespace and contype <> 'n' and conrelid::regclass::text <> 'alembic_version'
order by 1, 2
"""
INDEXES = """
select indexname, indexdef from pg_indexes where schemaname = 'public' and tablename <> 'alembic_version' order by 1
"""


async def sql(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


async def test_from_empty_to_current(empty_database_url: str) -> None:
    """An empty database becomes current; a second run finds nothing to do and changes nothing."""
    assert await migrate.state_async(empty_database_url) == "empty"
    assert await migrate.upgrade_async(empty_database_url) == "empty"
    assert await migrate.state_async(empty_database_url) == "current"
    first = await sql(empty_database_url, "select epoch, session_key from installation")
    assert await migrate.upgrade_async(empty_database_url) == "current"
    assert await sql(empty_database_url, "select epoch, session_key from installation") == first
    assert [row["id"] for row in await sql(empty_database_url, "select id from site")] == ["default"]


async def test_two_at_once(empty_database_url: str) -> None:
    """Two servers that start at once migrate once: the second waits, then finds it done."""
    states = await asyncio.gather(*(migrate.upgrade_async(empty_database_url) for _ in range(4)))
    assert sorted(states) == ["current"] * 3 + ["empty"]
    assert len(await sql(empty_database_url, "select 1 from installation")) == 1


async def test_each_installation_has_its_own_secrets(empty_database_url: str, database_url: str) -> None:
    """Promise 8: session ids are hashed under a key of this database alone; promise 4: the epoch names a history."""
    await migrate.upgrade_async(empty_database_url)
    one, two = Database(empty_database_url), Database(database_url)
    first, second = await one.installation(), await two.installation()
    await one.close()
    await two.close()
    assert first.epoch != second.epoch
    assert len(first.session_key) == 32
    assert first.session_hash("v_1234567890123456") != second.session_hash("v_1234567890123456")
    assert first.visitor_token("v") == first.visitor_token("v") != first.visitor_token("w")
    assert len(first.visitor_token("v")) == 43


async def test_a_failing_migration_leaves_the_database_as_it_was(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Migrations run in one transaction."""
    monkeypatch.setattr("kefu.store.migrate.command.upgrade", _upgrade_then_fail(migrate.command.upgrade))
    with pytest.raises(DatabaseError):
        await migrate.upgrade_async(empty_database_url)
    assert await migrate.state_async(empty_database_url) == "empty"
    assert await sql(empty_database_url, COLUMNS) == []


def _upgrade_then_fail(upgrade: Any) -> Any:
    def run(config: Any, revision: str) -> None:
        upgrade(config, revision)
        config.attributes["connection"].execute(sa.text("select 1 / 0"))

    return run


async def test_a_newer_schema_is_refused(database_url: str) -> None:
    """Issue 2, part 2: a database of a newer schema stops the start with one clear line."""
    await sql(database_url, "update alembic_version set version_num = '9999'")
    assert await migrate.state_async(database_url) == "newer"
    with pytest.raises(DatabaseError, match="newer"):
        await migrate.upgrade_async(database_url)


@pytest.mark.parametrize("work", [migrate.state_async, migrate.upgrade_async])
async def test_an_unreachable_database_is_one_line_without_the_password(work: Any) -> None:
    """Section 1: host and database, never the password."""
    with pytest.raises(DatabaseError) as caught:
        await work("postgresql://chatapp:s3cr3t-pass@127.0.0.1:1/chat")
    text = str(caught.value)
    assert "s3cr3t-pass" not in text
    assert "host=127.0.0.1:1 database=chat" in text
    assert "\n" not in text


async def test_a_wrong_password_is_one_line_without_it(database_url: str) -> None:
    """Section 1, `DB_FAIL`: the server's reason, never the password."""
    wrong = sa.make_url(database_url).set(password="s3cr3t-pass").render_as_string(hide_password=False)
    database = Database(wrong)
    with pytest.raises(DatabaseError) as caught:
        await database.check()
    await database.close()
    assert "s3cr3t-pass" not in str(caught.value)
    assert "password authentication failed" in str(caught.value)


async def test_other_databases_are_refused() -> None:
    """PostgreSQL only: another address says what was expected."""
    with pytest.raises(DatabaseError, match=r"expected a postgresql:// address, got mysql://"):
        await migrate.state_async("mysql://chat@127.0.0.1/chat")


async def test_asynchronous_commits_are_refused(world) -> None:
    """Promise 2: an ack means durable; `synchronous_commit = off` is found at the start."""
    database = Database(world.url)
    await database.check()
    await database.close()
    name = (await world.sql("select current_database()"))[0][0]
    await world.sql(f'alter database "{name}" set synchronous_commit = off')
    with pytest.raises(DatabaseError, match="synchronous_commit"):
        await database.check()
    await database.close()


async def test_tables_py_is_the_migrated_schema(database_url: str, empty_database_url: str) -> None:
    """`tables.py` says what the migrations make: columns, types, collations, defaults, keys, checks, indexes."""
    engine = make_engine(empty_database_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    for catalogue in (COLUMNS, CONSTRAINTS, INDEXES):
        assert await sql(database_url, catalogue) == await sql(empty_database_url, catalogue)


async def test_autogenerate_would_change_nothing(database_url: str) -> None:
    """Alembic's own comparison, so that the next migration starts from a clean difference."""

    def differences(connection: sa.Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Did not recognize type 'xid8'")
            return compare_metadata(context, metadata)

    engine = make_engine(database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
