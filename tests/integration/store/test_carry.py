"""Backup and restore below the commands: one snapshot, all or nothing, older schemas, damaged files, flat memory."""

from __future__ import annotations

import asyncio
import json
import shutil
import tracemalloc
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from kefu.store import copying, migrate
from kefu.store.archive import ArchiveError, ArchiveReader
from kefu.store.carry import Carried, back_up, put_in, snapshot
from kefu.store.database import Database, DatabaseError

MIGRATIONS = Path(migrate.__file__).parent / "migrations"

NEXT = """
revision = "9000"
down_revision = "{head}"

from alembic import op

def upgrade():
    op.execute("alter table message add column size int generated always as (length(body_text)) stored")
    op.execute("alter table note add column number bigint generated always as identity")
    op.execute("alter table visitor add column colour text")
    op.execute("update visitor set colour = 'red'")
"""
FAILING = """
revision = "9001"
down_revision = "9000"

from alembic import op

def upgrade():
    op.execute("alter table visitor add column more text")
    op.execute("{statement}")
"""


def ignore(*_: Any) -> None:
    """Progress that nobody looks at."""


async def save(url: str, path: Path, **changes: Any) -> Carried:
    return await back_up(url, path, changes.get("advance", ignore), ignore)


async def load(url: str, path: Path, **options: Any) -> Carried:
    with ArchiveReader(path) as source:
        return await put_in(url, source, ignore, **options)


@pytest.fixture
def newer(tmp_path: Path) -> Callable[..., pytest.MonkeyPatch]:
    """Makes this process a version of Kefu with one more migration, or with a failing one after it."""
    patch = pytest.MonkeyPatch()

    def become(failing: str = "") -> pytest.MonkeyPatch:
        folder = tmp_path / "migrations"
        if not folder.exists():
            shutil.copytree(MIGRATIONS, folder)
            (folder / "versions" / "9000_next.py").write_text(NEXT.format(head=migrate.head()))
        if failing:
            (folder / "versions" / "9001_failing.py").write_text(FAILING.format(statement=failing))
        config = migrate._config()
        config.set_main_option("script_location", str(folder))
        patch.setattr(migrate, "_config", lambda: config)
        return patch

    yield become
    patch.undo()


@pytest.fixture
async def talk(world) -> AsyncIterator[str]:
    """A conversation with five messages and two notes."""
    conversation = await world.conversation()
    await world.agent()
    for seq in range(1, 6):
        await world.sql(
            "insert into message (conversation_id, seq, id, sender_type, sender_id, client_id, body_text, metadata)"
            " values ($1, $2, $3, 'visitor', 'v', $3, $4, '{\"a\": [1, \"\\u00e4\"]}')",
            conversation, seq, f"m{seq}", f"text {seq}\t\\.\n\r终",
        )  # fmt: skip
    await world.sql("update conversation set seq = 5 where id = $1", conversation)
    for note in (1, 2):
        await world.sql(
            "insert into note (conversation_id, note_seq, id, after_seq, agent_id, client_id, body_text)"
            " values ($1, $2, $3, 0, 'ann', $3, 'note')",
            conversation, note, f"n{note}",
        )  # fmt: skip
    yield conversation
    await world.close()


async def test_a_new_database_does_not_count_as_used(database_url: str) -> None:
    """`SEEDED` names every table into which a migration puts rows."""
    connection = await asyncpg.connect(database_url)
    assert await copying.used_tables(connection) == []
    await connection.close()


async def test_a_restore_brings_everything_back_under_a_new_epoch(world, talk, empty_database_url, tmp_path) -> None:
    """Promise 4: the epoch differs, so clients reset; promise 8: the key of the sessions is the same."""
    path = tmp_path / "a.zip"
    await save(world.url, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
    done = await load(empty_database_url, path)
    assert (done.rows["message"], done.rows["note"], done.rows["conversation"]) == (5, 2, 1)
    old, new = Database(world.url), Database(empty_database_url)
    before, after = await old.installation(), await new.installation()
    await old.close()
    await new.close()
    assert before.epoch != after.epoch
    assert before.session_key == after.session_key
    connection = await asyncpg.connect(empty_database_url)
    query = "select seq, body_text, metadata, created_at from message order by seq"
    assert await connection.fetch(query) == await world.sql(query)
    # Transaction ids of the old server mean nothing here: `since` would hold back or repeat rows for ever.
    assert await connection.fetchval("select bool_and(version < pg_current_xact_id()) from conversation")
    await connection.close()


async def test_it_is_one_snapshot(world, talk, tmp_path, monkeypatch) -> None:
    """What is written while a backup runs is in it whole or not at all."""
    written = False

    def count(rows: dict[str, int]) -> None:
        nonlocal written
        written = True
        assert rows["message"] == 5

    read = copying.read_rows

    async def read_later(connection: Any, layout: Any) -> AsyncIterator[bytes]:
        if layout.table == "site":
            await world.sql("insert into visitor (id) values ('late')")
            await world.sql("delete from note")
        async for chunk in read(connection, layout):
            yield chunk

    monkeypatch.setattr(copying, "read_rows", read_later)
    done = await back_up(world.url, tmp_path / "a.zip", ignore, count)
    assert written
    assert (done.rows["visitor"], done.rows["note"]) == (1, 2)


async def test_a_database_in_use_is_refused_and_kept(world, talk, tmp_path) -> None:
    await save(world.url, tmp_path / "a.zip")
    with pytest.raises(DatabaseError, match=r"not empty \(.*conversation.*--replace"):
        await load(world.url, tmp_path / "a.zip")
    database = Database(world.url)
    await database.check()
    with pytest.raises(DatabaseError, match="stop chat-server and main site first"):
        await load(world.url, tmp_path / "a.zip", replace=True)
    with pytest.raises(DatabaseError, match="stop chat-server and main site first"):
        async with snapshot(world.url, unused=True):
            pass
    await database.close()
    await world.sql("insert into visitor (id) values ('later')")
    await load(world.url, tmp_path / "a.zip", replace=True)
    assert [row["id"] for row in await world.sql("select id from visitor where id = 'later'")] == []
    assert len(await world.messages(talk)) == 5


async def test_a_move_lets_nobody_write_meanwhile(world, talk) -> None:
    async with snapshot(world.url, unused=True) as source:
        assert (await source.count())["message"] == 5
        connection = await world.connect()
        await connection.execute("set lock_timeout = '100ms'")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await connection.execute("delete from message")
        assert await connection.fetchval("select count(*) from message") == 5


async def test_tables_that_are_not_ours_are_told_and_left(world, talk, tmp_path) -> None:
    await world.sql("create table report as select 1 as one")
    done = await save(world.url, tmp_path / "a.zip")
    assert done.left_out == ("report",)
    assert "report" not in done.rows


@pytest.mark.parametrize("state", ["empty", "behind", "current"])
async def test_an_older_backup_is_migrated_on_its_way_in(  # noqa: PLR0917 - fixtures
    world, talk, newer, empty_database_url, tmp_path, state: str
) -> None:
    path = tmp_path / "a.zip"
    await save(world.url, path)
    target = empty_database_url if state == "empty" else world.url
    newer()
    if state == "current":
        assert await migrate.upgrade_async(target) == "behind"
        await world.sql("update visitor set colour = 'blue'")
        await world.sql(
            "insert into note select conversation_id, 3, 'n3', site, 0, agent_id, 'c', 'x' from note limit 1"
        )
    await load(target, path, replace=True)
    assert await migrate.state_async(target) == "current"
    connection = await asyncpg.connect(target)
    assert await connection.fetchval("select array_agg(distinct colour) from visitor") == ["red"]
    assert await connection.fetchval("select sum(size) from message") == 5 * len("text 1\t\\.\n\r终")
    assert await connection.fetchval("select count(*) from note") == 2
    assert await connection.fetchval("select to_regnamespace('kefu_restore')") is None
    await connection.close()


async def test_generated_columns_and_sequences(world, talk, newer, empty_database_url, tmp_path) -> None:
    newer()
    await migrate.upgrade_async(world.url)
    await save(world.url, tmp_path / "a.zip")
    with ArchiveReader(tmp_path / "a.zip") as source:
        columns = dict(source.tables)
    assert "size" not in columns["message"]
    assert "version" not in columns["conversation"]
    assert "number" in columns["note"]
    await load(empty_database_url, tmp_path / "a.zip")
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute(
        "insert into note (conversation_id, note_seq, id, after_seq, agent_id, client_id, body_text)"
        " values ($1, 3, 'n3', 0, 'ann', 'n3', 'note')",
        talk,
    )
    assert await connection.fetchval("select array_agg(number order by note_seq) from note") == [1, 2, 3]
    assert await connection.fetchval("select min(size) from message") > 0
    await connection.close()


async def test_a_newer_backup_and_a_newer_database_are_refused(
    world, talk, newer, empty_database_url, tmp_path
) -> None:
    patch = newer()
    await migrate.upgrade_async(world.url)
    await save(world.url, tmp_path / "a.zip")
    patch.undo()
    with pytest.raises(DatabaseError, match=r"of a newer Kefu \(schema 9000"):
        await load(empty_database_url, tmp_path / "a.zip")
    with pytest.raises(DatabaseError, match="newer version"):
        await save(world.url, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()
    await migrate.upgrade_async(empty_database_url)
    await save(empty_database_url, tmp_path / "c.zip")
    with pytest.raises(DatabaseError, match="newer version"):
        await load(world.url, tmp_path / "c.zip", replace=True)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("select 1 / 0", r"the migration after 9000 failed and was rolled back.*division by zero; remove the cause"),
        ("create role mallory", "must belong to this role"),
        ("insert into busy values (1)", "stop chat-server and main site, then: kefu migrate"),
    ],
)
async def test_a_failing_migration_says_what_to_do(world, newer, monkeypatch, statement: str, words: str) -> None:
    await world.sql("create table busy (id int)")
    holder = await world.connect()
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("lock table busy")
    newer(statement)
    monkeypatch.setattr(migrate, "LOCK_WAIT_S_MAX", 0.1)
    before = await migrate.state_async(world.url)
    with pytest.raises(DatabaseError, match=words):
        await migrate.upgrade_async(world.url)
    assert await migrate.state_async(world.url) == before == "behind"
    columns = await world.sql("select 1 from information_schema.columns where column_name in ('colour', 'more')")
    assert columns == []


def rewritten(path: Path, **files: bytes) -> Path:
    """The archive with other contents under some names."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(path.with_name("changed.zip"), "w") as new:
        for name in old.namelist():
            new.writestr(name, files.get(Path(name).stem, old.read(name)))
    return path.with_name("changed.zip")


async def test_damaged_files_change_nothing(world, talk, tmp_path) -> None:
    path = tmp_path / "a.zip"
    await save(world.url, path)
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        start = archive.getinfo("tables/message.copy").header_offset
        rows = archive.read("tables/visitor.copy")
    bad = tmp_path / "bad.zip"

    async def refused(file: Path, words: str, kind: type[Exception] = ArchiveError) -> None:
        with pytest.raises(kind, match=words):
            await load(world.url, file, replace=True)
        assert len(await world.messages(talk)) == 5

    await refused(tmp_path / "none.zip", "No such file")
    for text, words in (
        (b"", "cut off"),
        (whole[:-30], "cut off"),
        (b"SQL dump, not a zip" * 9, "no backup of Kefu"),
        (whole[: start + 90] + b"\0\0\0\0" + whole[start + 94 :], "damaged"),
    ):
        bad.write_bytes(text)
        await refused(bad, words)
    await refused(
        rewritten(path, visitor=rows + rows.replace(b"\t", b"x\t", 1)), "visitor has 2 rows, the archive says 1"
    )
    await refused(rewritten(path, visitor=rows.replace(b"default", b"DEFAULT")), "damaged|foreign key", RuntimeError)
    for change, words, kind in (
        ({"format": 2}, "made by a newer Kefu", ArchiveError),
        ({"tables": 1}, "no backup of Kefu", ArchiveError),
        ({"revision": "0000'; drop table site"}, "of a newer Kefu", DatabaseError),
        (
            {"tables": [{"name": "site; drop table note", "columns": ["id"], "rows": 0, "sha256": ""}]},
            "is not as schema",
            DatabaseError,
        ),
    ):
        await refused(rewritten(path, manifest=json.dumps(manifest | change).encode()), words, kind)


async def test_rows_that_read_back_differently_are_rolled_back(world, talk, empty_database_url, tmp_path) -> None:
    """What `--verify` is for: a trigger of somebody's changes what is stored."""
    await save(world.url, tmp_path / "a.zip")
    await migrate.upgrade_async(empty_database_url)
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute(
        "create function shout() returns trigger language plpgsql as"
        " $$ begin new.body_text := upper(new.body_text); return new; end $$;"
        "create trigger shout before insert on note for each row execute function shout()"
    )
    with pytest.raises(DatabaseError, match="note reads back differently"):
        await load(empty_database_url, tmp_path / "a.zip", verify=True)
    assert await connection.fetchval("select count(*) from message") == 0
    await connection.close()


async def test_a_backup_that_fails_leaves_no_file(world, talk, tmp_path) -> None:
    def broken(*_: Any) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await save(world.url, tmp_path / "a.zip", advance=broken)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(ArchiveError, match="is there already"):
        await save(world.url, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_text() == "mine"
    with pytest.raises(ArchiveError, match="No such file"):
        await save(world.url, tmp_path / "none" / "a.zip")


async def test_memory_stays_flat(world, talk, empty_database_url, tmp_path) -> None:
    """30 MB of messages go through a few hundred kilobytes."""
    await world.sql(
        "insert into message (conversation_id, seq, id, sender_type, sender_id, client_id, body_text)"
        " select $1, n, 'x' || n, 'visitor', 'v', 'x' || n, repeat(md5(n::text), 30) from generate_series(6, 30000) n",
        talk,
    )
    await save(world.url, tmp_path / "warm.zip")
    tracemalloc.start()
    try:
        await save(world.url, tmp_path / "a.zip")
        await load(empty_database_url, tmp_path / "a.zip", verify=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000


async def test_rows_look_the_same_whatever_the_server_is_set_to(world, talk, tmp_path) -> None:
    """The sums of two servers can be compared only if nothing of a row depends on a setting."""
    await save(world.url, tmp_path / "a.zip")
    (name,) = (await world.sql("select current_database()::text"))[0]
    for setting in ("timezone = 'Asia/Shanghai'", "datestyle = 'German'", "bytea_output = 'escape'"):
        await world.sql(f'alter database "{name}" set {setting}')
    await save(world.url, tmp_path / "b.zip")
    with ArchiveReader(tmp_path / "a.zip") as one, ArchiveReader(tmp_path / "b.zip") as two:
        assert one.manifest.tables == two.manifest.tables
