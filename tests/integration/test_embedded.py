"""The embedded PostgreSQL: one start after another, killed, raced, misplaced."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from kefu.store import embedded_cluster, embedded_place
from kefu.store.embedded import EmbeddedPostgres
from kefu.store.embedded_place import EmbeddedPostgresError

AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root hands folders to another user")

# A program that uses the database, says so, and waits to be told or killed.
USER = """
import sys
from pathlib import Path
from kefu.store.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]), crash_linger_s=float(sys.argv[2]), settings={"fsync": "off"}) as server:
    print(server.url, flush=True)
    sys.stdin.readline()
"""


def processes(data_dir: Path) -> list[psutil.Process]:
    """PostgreSQL processes of this folder."""
    return embedded_cluster.processes_in((data_dir / "postgres" / "cluster").resolve())


def postmaster(data_dir: Path) -> psutil.Process:
    """The server process, by its own pid file."""
    return psutil.Process(int((data_dir / "postgres/cluster/postmaster.pid").read_text().split()[0]))


def eventually(true: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False


def user_program(data_dir: Path, linger_s: float = 30) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(data_dir), str(linger_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(embedded_place.__file__).parents[2])},
    )


def wait_for_url(program: subprocess.Popen[str]) -> str:
    line = program.stdout.readline().strip()
    assert line.startswith("postgresql://"), program.communicate()[1]
    return line


def kill(program: subprocess.Popen[str]) -> None:
    program.kill()
    program.communicate()


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    held = EmbeddedPostgres(data_dir, crash_linger_s=0.5, settings={"fsync": "off"})
    yield held
    held.stop()
    assert eventually(lambda: not processes(data_dir)), "a process was left behind"


async def fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def answer(url: str, query: str) -> object:
    return asyncio.run(fetch(url, query))


async def test_gives_a_durable_utf8_database_to_a_role_without_power(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    assert await fetch(server.url, "select current_database() || ' ' || current_user") == "kefu chatapp"
    assert await fetch(server.url, "show synchronous_commit") == "on"
    assert await fetch(server.url, "show server_encoding") == "UTF8"
    assert await fetch(server.url, "select lower('ÄÉ')") == "äé"
    assert await fetch(server.url, "select datlocale from pg_database where datname = current_database()") == "C.UTF-8"
    powers = "rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls"
    assert await fetch(server.url, f"select {powers} from pg_roles where rolname = current_user") is False


async def test_is_closed_to_everybody_else(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    assert await fetch(server.url, "show listen_addresses") == ""
    assert (data_dir / "postgres" / "socket").stat().st_mode & 0o777 == 0o700
    assert (data_dir / "database.json").stat().st_mode & 0o777 == 0o600
    role_password = server.url.split(":")[2].split("@")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await fetch(server.url.replace(role_password, "guess"), "select 1")
    if AS_ROOT:
        assert {process.uids().real for process in processes(data_dir)} == {(data_dir / "postgres").stat().st_uid}
        assert (data_dir / "postgres").stat().st_uid != 0


async def test_data_stays_over_a_stop(server: EmbeddedPostgres) -> None:
    server.start()
    await fetch(server.url, "create table kept as select 42 as answer")
    server.stop()
    server.start()
    assert await fetch(server.url, "select answer from kept") == 42


def test_a_second_start_is_quick(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    begun = time.monotonic()
    with EmbeddedPostgres(data_dir) as second:
        assert time.monotonic() - begun < 0.5
        assert second.url == server.url


def test_the_last_user_stops_it(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    second = EmbeddedPostgres(data_dir)
    second.start()
    server.stop()
    assert postmaster(data_dir).is_running()
    second.stop()
    assert processes(data_dir) == []
    server.stop()  # twice does no harm


def test_starters_at_once_share_one_server(server: EmbeddedPostgres, data_dir: Path) -> None:
    programs = [user_program(data_dir) for _ in range(4)]
    urls = {wait_for_url(program) for program in programs}
    assert len(urls) == 1
    assert sum(1 for process in processes(data_dir) if process.parent().pid != postmaster(data_dir).pid) == 1
    for program in programs:
        program.communicate("\n")
        assert program.returncode == 0
    assert processes(data_dir) == []


def test_a_killed_user_leaves_it_running_for_the_next_start(server: EmbeddedPostgres, data_dir: Path) -> None:
    program = user_program(data_dir)
    wait_for_url(program)
    before = postmaster(data_dir)
    kill(program)
    server.start()
    assert postmaster(data_dir) == before


def test_a_killed_user_who_does_not_return_leaves_nothing(data_dir: Path) -> None:
    program = user_program(data_dir, linger_s=0.3)
    wait_for_url(program)
    kill(program)
    assert eventually(lambda: not processes(data_dir))


def test_restarts_at_once_after_kills_always_find_a_database(server: EmbeddedPostgres, data_dir: Path) -> None:
    for linger_s in (0.0, 0.01, 0.05, 30.0):
        program = user_program(data_dir, linger_s)
        wait_for_url(program)
        kill(program)
    server.start()
    assert postmaster(data_dir).is_running()


async def test_a_killed_server_is_started_again(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    first = postmaster(data_dir)
    first.kill()
    assert eventually(lambda: psutil.pid_exists(first.pid) is False and _answers(data_dir))
    assert await fetch(server.url, "select 1") == 1


def _answers(data_dir: Path) -> bool:
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        return embedded_cluster.is_ready(data_dir / "postgres/cluster", postmaster(data_dir).pid)
    return False


async def test_a_start_after_everything_was_killed(server: EmbeddedPostgres, data_dir: Path) -> None:
    program = user_program(data_dir)
    wait_for_url(program)
    old = postmaster(data_dir)
    old.parent().kill()  # the supervisor: the server is now an orphan, still running
    kill(program)
    server.start()
    assert postmaster(data_dir) != old
    assert await fetch(server.url, "select 1") == 1


def test_a_pid_file_whose_number_belongs_to_a_stranger(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    pid_file = data_dir / "postgres/cluster/postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    server.stop()
    owner = (data_dir / "postgres").stat()
    stranger = subprocess.Popen(["sleep", "60"], user=owner.st_uid if AS_ROOT else None)
    try:
        pid_file.write_text(f"{stranger.pid}\n" + "".join(lines[1:]))
        if AS_ROOT:
            os.chown(pid_file, owner.st_uid, owner.st_gid)
        server.start()
        assert answer(server.url, "select 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_folder_too_deep_for_sockets_gets_a_short_private_one(data_dir: Path) -> None:
    deep = data_dir / ("d" * 60) / ("e" * 60)
    with EmbeddedPostgres(deep, settings={"fsync": "off"}) as server:
        short = Path(server.url.split("host=")[1])
        assert answer(server.url, "select 1") == 1
        assert short.stat().st_mode & 0o777 == 0o700
    with EmbeddedPostgres(deep) as again:
        assert Path(again.url.split("host=")[1]) == short
    shutil.rmtree(short)
    with EmbeddedPostgres(deep) as moved:
        assert answer(moved.url, "select 1") == 1
        shutil.rmtree(Path(moved.url.split("host=")[1]), ignore_errors=True)


async def test_lost_passwords_are_set_again(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    before = server.url
    await fetch(server.url, "create table kept as select 1 as answer")
    server.stop()
    (data_dir / "database.json").unlink()
    server.start()
    assert server.url != before
    assert await fetch(server.url, "select answer from kept") == 1


def test_a_killed_first_start_leaves_nothing_half_made(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    server.stop()
    home = data_dir / "postgres"
    (home / "cluster").rename(home / "cluster.new")  # as a start killed inside initdb leaves it
    server.start()
    assert not (home / "cluster.new").exists()


def test_data_of_another_major_version_is_refused(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    server.stop()
    (data_dir / "postgres/cluster/PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match=r"written by PostgreSQL 16, the embedded one is 18"):
        server.start()


def test_a_setting_that_it_does_not_take_is_told(data_dir: Path) -> None:
    broken = EmbeddedPostgres(data_dir, settings={"shared_buffers": "lots"})
    with pytest.raises(EmbeddedPostgresError, match=r"did not start.*shared_buffers"):
        broken.start()
    assert processes(data_dir) == []


def test_a_full_disk_is_told_in_one_line() -> None:
    told = embedded_cluster.explain("initdb failed", 'x\ncould not write "a": No space left on device\n')
    assert told == "initdb failed: the disk is full (No space left on device)"


def test_a_file_in_place_of_the_folder(data_dir: Path) -> None:
    (data_dir / "taken").write_text("")
    with pytest.raises(EmbeddedPostgresError, match="KEFU_DATA_DIR"):
        EmbeddedPostgres(data_dir / "taken").start()
    with pytest.raises(EmbeddedPostgresError, match="KEFU_DATA_DIR"):
        EmbeddedPostgres(data_dir / "taken" / "below").start()


def test_a_url_is_only_for_those_who_hold_a_lease(server: EmbeddedPostgres) -> None:
    with pytest.raises(EmbeddedPostgresError, match="not started"):
        _ = server.url


@needs_root
def test_a_closed_parent_folder_is_told_and_left_as_it_is(data_dir: Path) -> None:
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match=r"cannot enter and write .*closed"):
        EmbeddedPostgres(closed).start()
    assert closed.stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_uid == 0


@needs_root
def test_programs_in_a_closed_folder_are_copied_once(
    server: EmbeddedPostgres, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = data_dir / "clone"
    closed.mkdir(mode=0o700)
    package = embedded_place.wheel_package()
    shutil.copytree(package, closed / package.name, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), closed / f"{package.name}.libs", symlinks=True)
    monkeypatch.setattr(embedded_place, "wheel_package", lambda: closed / package.name)
    server.start()
    (copy,) = data_dir.glob("postgresql-*")
    assert copy.stat().st_uid == 0
    assert str(copy) in postmaster(data_dir).exe()
    assert closed.stat().st_mode & 0o777 == 0o700
    made = copy.stat().st_mtime_ns
    server.stop()
    server.start()
    assert copy.stat().st_mtime_ns == made


@needs_root
def test_root_runs_it_as_whoever_owns_the_data(server: EmbeddedPostgres, data_dir: Path) -> None:
    home = data_dir / "postgres"
    home.mkdir(mode=0o700)
    os.chown(home, 65534, 65534)
    server.start()
    assert {process.uids().real for process in processes(data_dir)} == {65534}


def test_the_machine_stopping_lets_users_finish(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir, settings={"fsync": "off"}):
        supervisor = postmaster(data_dir).parent()
        supervisor.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert postmaster(data_dir).is_running()
    assert processes(data_dir) == []


def test_the_plan_reaches_the_supervisor_outside_its_command_line(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    record = json.loads((data_dir / "database.json").read_text())
    seen = " ".join(postmaster(data_dir).parent().cmdline() + postmaster(data_dir).cmdline())
    assert record["role_password"] not in seen
    assert record["superuser_password"] not in seen
