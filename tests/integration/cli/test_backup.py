"""`kefu backup` and `kefu restore` as people run them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from databases import execute, fetch

from .conftest import NAMES, PROGRAM, SECRET, free_ports

LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); " + PROGRAM


@pytest.fixture
def filled(database_url: str) -> str:
    """A database with 3,000 visitors whose names do not compress."""
    fetch(
        database_url,
        "with added as (insert into visitor (id, name) select 'v' || n, sha512(n::text::bytea)::text"
        " from generate_series(1, 3000) n returning 1) select count(*) from added",
    )
    return database_url


def test_there_and_back(invoke, filled: str, tmp_path: Path) -> None:
    made = invoke("backup", "--to", str(tmp_path))
    assert made.exit_code == 0, made.output
    (file,) = tmp_path.glob("kefu-*.kefu.zip")
    assert re.fullmatch(
        rf"{file}: 1 installation, 1 site, 3000 visitor; \d+ KB; of host=.* database=test_\d+\n", made.output
    )
    assert file.stat().st_mode & 0o777 == 0o600
    checked = invoke("restore", str(file), "--check")
    assert "is whole: 1 installation, 1 site, 3000 visitor; made 2" in checked.output
    fetch(filled, "delete from visitor where id <> 'v7'")
    refused = invoke("restore", str(file))
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "--replace" in refused.stderr
    restored = invoke("restore", str(file), "--replace", "--verify")
    assert restored.exit_code == 0, restored.stderr
    assert "restored 1 installation, 1 site, 3000 visitor" in restored.output
    assert "verified" in restored.output
    assert fetch(filled, "select count(*) from visitor") == 3000
    twice = invoke("backup", "--to", str(file))
    assert (twice.exit_code, twice.stderr.count("\n")) == (1, 1)
    assert "is there already" in twice.stderr


def test_what_ends_in_a_slash_is_a_folder(invoke, filled: str, tmp_path: Path) -> None:
    folder = tmp_path / "nightly"
    for _ in ("made", "there"):
        made = invoke("backup", "--to", f"{folder}/")
        assert made.exit_code == 0, made.output
        (file,) = folder.glob("kefu-*.kefu.zip")
        assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
        file.unlink()
    named = invoke("backup", "--to", str(tmp_path / "other"))
    assert named.exit_code == 0, named.output
    assert (tmp_path / "other").is_file()
    for to, problem in (
        (f"{folder}/no/new/", "no folder"),
        (f"{folder}/no/new", "no folder"),
        (f"{tmp_path}/other/", "File exists"),
    ):
        refused = invoke("backup", "--to", to)
        assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
        assert problem in refused.stderr
    assert list(folder.iterdir()) == []


def test_a_restore_lets_nobody_in_by_the_way(invoke, filled: str, tmp_path: Path) -> None:
    """Who logged out since the backup is not logged in again; who was shut out since is named."""
    for name in ("ann", "bob", "cat"):
        assert invoke("agent", "add", name, "--generate").exit_code == 0
    login = "insert into login_session (token_hash, agent_id, expires_at) select sha512(id::bytea), id, now() + '1d'"
    execute(filled, f"{login} from agent")
    assert invoke("agent", "disable", "cat").exit_code == 0
    assert invoke("backup", "--to", str(tmp_path / "a.zip")).exit_code == 0
    assert invoke("agent", "disable", "bob").exit_code == 0
    execute(filled, "delete from login_session", f"{login} from agent where login = 'ann'")
    restored = invoke("restore", str(tmp_path / "a.zip"), "--replace", "--verify")
    assert restored.exit_code == 0, restored.stderr
    assert fetch(filled, "select count(*) from login_session") == 0
    assert "agents are logged out of Kefu's main site (2 logins of the backup were ended)\n" in restored.output
    notes = [line for line in restored.output.splitlines() if line.startswith("note: ")]
    assert notes == ["note: bob was disabled and is active again, as in the backup: kefu agent disable bob"]


def test_while_the_server_runs(start, invoke, filled: str, tmp_path: Path) -> None:
    port = str(free_ports(1)[0])
    server = start("server", CHAT_DATABASE_URL=filled, CHAT_ADMIN_JWT_SECRET=SECRET, CHAT_SERVER_PORT=port)
    server.wait_for("P0_OK")
    assert invoke("backup", "--to", str(tmp_path / "a.zip")).exit_code == 0
    refused = invoke("restore", str(tmp_path / "a.zip"), "--replace")
    assert refused.exit_code == 1
    assert "stop chat-server and main site first" in refused.stderr
    assert server.end() == 0
    assert invoke("restore", str(tmp_path / "a.zip"), "--replace").exit_code == 0


def test_a_full_disk_is_one_line_and_leaves_nothing(filled: str, tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    folder = tmp_path / "full"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-B", "-c", LIMITED, "backup", "--to", str(folder)],
        env={"PYTHONPATH": ":".join(sys.path), "CHAT_DATABASE_URL": filled},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.fullmatch(rf"kefu: {folder}/kefu-.*: File too large\n", done.stderr)
    assert list(folder.iterdir()) == []
    assert "KEFU_DATA_DIR" in NAMES


@contextlib.contextmanager
def locked(url: str) -> Iterator[None]:
    """A table is locked meanwhile, so that a backup begins its file and waits."""
    is_locked, is_over = threading.Event(), threading.Event()

    async def hold() -> None:
        connection = await asyncpg.connect(url)
        async with connection.transaction():
            await connection.execute("lock table visitor")
            is_locked.set()
            await asyncio.to_thread(is_over.wait)
        await connection.close()

    holder = threading.Thread(target=asyncio.run, args=(hold(),))
    holder.start()
    try:
        assert is_locked.wait(10)
        yield
    finally:
        is_over.set()
        holder.join()


def until_stuck(url: str, backups: int) -> None:
    """Waits until so many backups wait for the table."""
    stuck = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'kefu'"
    deadline = time.monotonic() + 20
    while fetch(url, stuck) != backups:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 1), (signal.SIGINT, 130)])
def test_a_stopped_backup_leaves_nothing(start, filled: str, tmp_path: Path, number: int, status: int) -> None:
    folder = tmp_path / "stopped"
    folder.mkdir()
    with locked(filled):
        program = start("backup", "--to", str(folder), CHAT_DATABASE_URL=filled)
        until_stuck(filled, 1)
        assert len(list(folder.iterdir())) == 1
        assert program.end(number) == status
    assert "Traceback" not in program.text
    assert list(folder.iterdir()) == []


def test_what_a_killed_backup_left_goes_with_the_next(start, invoke, filled: str, tmp_path: Path) -> None:
    """The file of one that runs stays, and so does what is not ours."""
    folder = tmp_path / "killed"
    folder.mkdir()
    (folder / ".notes.part").touch()
    with locked(filled):
        killed = start("backup", "--to", str(folder / "a.zip"), CHAT_DATABASE_URL=filled)
        until_stuck(filled, 1)
        assert killed.end(signal.SIGKILL) == -signal.SIGKILL
        assert len(list(folder.iterdir())) == 2
        running = start("backup", "--to", str(folder / "b.zip"), CHAT_DATABASE_URL=filled)
        until_stuck(filled, 2)  # the killed one's connection waits on, too
        begun = set(folder.iterdir())
        assert len(begun) == 2
        third = start("backup", "--to", str(folder / "c.zip"), CHAT_DATABASE_URL=filled)
        until_stuck(filled, 3)
        assert begun < set(folder.iterdir())
    assert (running.wait(), third.wait()) == (0, 0)
    assert {file.name for file in folder.iterdir()} == {".notes.part", "b.zip", "c.zip"}


def test_a_stopped_restore_changes_nothing(start, invoke, filled: str, tmp_path: Path) -> None:
    """Ctrl-C while rows are written: all of it is one transaction."""
    assert invoke("backup", "--to", str(tmp_path / "a.zip")).exit_code == 0
    fetch(filled, "delete from visitor where id = 'v7'")
    slow = (
        "create function wait() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(5); return new; end $$;"
        "create trigger wait before insert on visitor for each row when (new.id = 'v999') execute function wait()"
    )

    async def run(statements: str) -> None:
        connection = await asyncpg.connect(filled)
        await connection.execute(statements)
        await connection.close()

    asyncio.run(run(slow))
    program = start("restore", str(tmp_path / "a.zip"), "--replace", "--verify", CHAT_DATABASE_URL=filled)
    sleeping = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
    deadline = time.monotonic() + 20
    while not fetch(filled, sleeping):
        assert time.monotonic() < deadline, program.text
    assert program.end(signal.SIGINT) == 130
    assert program.text == ""
    assert fetch(filled, "select count(*) from visitor") == 2999
