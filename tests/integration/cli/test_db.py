"""`kefu db`, and what `kefu migrate` and `kefu server` say about the database they are given."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import pytest
from typer.testing import CliRunner

from databases import fetch
from kefu.cli.main import app
from postgres.servers import running

from .conftest import SECRET, free_ports

HBA = """
local all postgres scram-sha-256
local all all peer
host all all 127.0.0.1/32 scram-sha-256
"""


def kefu(*arguments: str, **environment: str):
    return CliRunner().invoke(app, arguments, env=environment)


def password_of(url: str) -> str:
    return urlsplit(url).password


def address(output: str) -> str:
    (line,) = [line for line in output.splitlines() if line.startswith("CHAT_DATABASE_URL=")]
    return line.partition("=")[2]


@pytest.fixture
def admin_url(embedded_postgres) -> Iterator[str]:
    """The session's server; what the test made on it is dropped."""
    yield embedded_postgres.admin_url
    fetch(embedded_postgres.admin_url, "drop database if exists shop_chat with (force)")
    fetch(embedded_postgres.admin_url, "drop role if exists shop")


NAMED = ("--name", "shop_chat", "--role", "shop")


def test_create_is_done_once_and_says_the_line(admin_url: str, tmp_path: Path) -> None:
    first = kefu("db", "create", "--admin-url", admin_url, *NAMED)
    assert first.exit_code == 0, first.output
    url = address(first.output)
    assert fetch(url, "select current_user || ' ' || current_database()") == "shop shop_chat"
    assert "role shop: made\ndatabase shop_chat: made, only shop may connect\n" in first.output
    assert "--isolate" in first.output
    assert password_of(admin_url) not in first.output
    second = kefu("db", "create", "--admin-url", admin_url, *NAMED)
    assert (second.exit_code, "CHAT_DATABASE_URL=" in second.output) == (0, False)
    assert "role shop: was there\ndatabase shop_chat: was there" in second.output
    assert fetch(url, "select 1") == 1

    file = tmp_path / ".env"
    file.write_text("A=1\n# CHAT_DATABASE_URL=postgresql://…\nB=2\n")
    file.chmod(0o640)
    unknown = kefu("db", "create", "--admin-url", admin_url, *NAMED, "--env-file", str(file))
    assert unknown.exit_code == 1
    assert "--new-password" in unknown.stderr
    renewed = kefu("db", "create", "--admin-url", admin_url, *NAMED, "--env-file", str(file), "--new-password")
    assert renewed.exit_code == 0, renewed.output
    lines = file.read_text().splitlines()
    assert (lines[0], lines[2], len(lines)) == ("A=1", "B=2", 3)
    assert file.stat().st_mode & 0o777 == 0o640
    assert fetch(address(file.read_text()), "select 1") == 1
    with pytest.raises(asyncpg.InvalidPasswordError):
        fetch(url, "select 1")
    site = tmp_path / "site.env"
    kept = kefu("db", "create", "--admin-url", admin_url, *NAMED, "--env-file", str(site), "--env-file", str(file))
    assert kept.exit_code == 0
    assert file.read_text().splitlines() == lines
    assert site.read_text().strip() == lines[1]
    fresh = tmp_path / "new.env"
    kefu("db", "create", "--admin-url", admin_url, *NAMED, "--env-file", str(fresh), "--new-password")
    assert fresh.stat().st_mode & 0o777 == 0o600


def test_create_refuses_what_it_must_not_touch(admin_url: str) -> None:
    fetch(admin_url, "create role shop superuser login")
    strong = kefu("db", "create", "--admin-url", admin_url, *NAMED)
    assert (strong.exit_code, strong.stderr.count("\n")) == (1, 1)
    assert 'too many rights (superuser): alter role "shop" nosuperuser' in strong.stderr
    fetch(admin_url, "alter role shop nosuperuser")
    foreign = kefu("db", "create", "--admin-url", admin_url, "--name", "postgres", "--role", "shop")
    assert "belongs to postgres: choose another --name" in foreign.stderr
    weak = kefu("db", "create", "--admin-url", admin_url.replace("postgres:", "shop:"), *NAMED)
    assert weak.exit_code == 1
    assert password_of(admin_url) not in weak.output
    for url, words in (
        ("mysql://root@localhost/", "expected postgresql://"),
        (f"postgresql://postgres:hidden@127.0.0.1:{free_ports(1)[0]}/", "host=127.0.0.1"),
        (admin_url.replace("postgres:", "postgres:wrong"), "password authentication failed"),
    ):
        result = kefu("db", "create", "--admin-url", url, *NAMED)
        assert result.exit_code == 1
        assert words in result.stderr
        assert "hidden" not in result.output
    odd = kefu("db", "create", "--admin-url", admin_url, "--name", 'a"b', "--role", "shop", "--new-password")
    try:
        assert fetch(address(odd.output), "select current_database()") == 'a"b'
    finally:
        fetch(admin_url, 'drop database if exists "a""b" with (force)')


def test_where_sockets_ask_for_the_system_user_tcp_is_used() -> None:
    """As Debian sets PostgreSQL up: the administrator comes by socket, a role with a password cannot."""
    port = free_ports(1)[0]
    with running(15, hba=HBA, port=port, tcp=True) as admin:
        made = kefu("db", "create", "--admin-url", admin)
        assert made.exit_code == 0, made.output
        url = address(made.output)
        assert f"@127.0.0.1:{port}/kefu" in url
        assert "could not log in" not in made.output
        assert fetch(url, "select current_user::text") == "chatapp"


def test_move_from_the_embedded_database(start, admin_url: str, data_dir: Path, tmp_path: Path) -> None:
    here = {"KEFU_DATA_DIR": str(data_dir)}
    assert kefu("migrate", **here).exit_code == 0
    assert kefu("agent", "add", "ann", "--generate", **here).exit_code == 0
    url = address(kefu("db", "create", "--admin-url", admin_url, *NAMED).output)
    port = str(free_ports(1)[0])
    server = start("server", CHAT_DATABASE_URL="embedded", CHAT_ADMIN_JWT_SECRET=SECRET, CHAT_SERVER_PORT=port, **here)
    server.wait_for("P0_OK")
    busy = kefu("db", "move", "--to", url, **here)
    assert busy.exit_code == 1
    assert "stop chat-server and main site first" in busy.stderr
    server.end()
    moved = kefu("db", "move", "--to", url, **here)
    assert moved.exit_code == 0, moved.output
    assert "carried 1 installation, 1 site, 1 agent" in moved.output
    assert "verified" in moved.output
    assert address(moved.output) == url
    assert fetch(url, "select login from agent") == "ann"
    assert "ann" in kefu("agent", "list", CHAT_DATABASE_URL=url).output
    again = kefu("db", "move", "--to", url, "--env-file", str(tmp_path / "x"), **here)
    assert again.exit_code == 1
    assert "not empty (agent" in again.stderr
    assert not (tmp_path / "x").exists()
    for wrong in ("embedded", "file:./dev.db", "postgresql://host"):
        assert kefu("db", "move", "--to", wrong, **here).exit_code == 1


def test_a_superuser_is_told_and_refused_with_strict(start, admin_url: str, database_url: str) -> None:
    name = database_url.partition("?")[0].rpartition("/")[2]
    url = admin_url.replace("/postgres?", f"/{name}?")
    environment = {"CHAT_DATABASE_URL": url, "CHAT_ADMIN_JWT_SECRET": SECRET}
    strict = start("server", "--strict", CHAT_SERVER_PORT=str(free_ports(1)[0]), **environment)
    assert strict.wait() == 1
    assert strict.text.startswith("DB_FAIL ")
    assert "the role postgres has rights beyond its database (superuser" in strict.text
    assert "kefu db create --admin-url" in strict.text
    assert len(strict.lines) == 1
    loud = start("server", CHAT_SERVER_PORT=str(free_ports(1)[0]), **environment)
    loud.wait_for("P0_OK")
    assert loud.text.count("WARNING kefu.proof: the role postgres has rights beyond") == 1
    assert loud.end() == 0
    modest = start(
        "server",
        "--strict",
        CHAT_SERVER_PORT=str(free_ports(1)[0]),
        **environment | {"CHAT_DATABASE_URL": database_url},
    )
    modest.wait_for("P0_OK")
    assert "WARNING" not in modest.text


def test_up_takes_strict_too(start, admin_url: str, database_url: str) -> None:
    name = quote(database_url.partition("?")[0].rpartition("/")[2])
    ports = free_ports(2)
    program = start(
        "up",
        "--strict",
        CHAT_DATABASE_URL=admin_url.replace("/postgres?", f"/{name}?"),
        CHAT_SERVER_PORT=str(ports[0]),
        KEFU_SITE_PORT=str(ports[1]),
        KEFU_DATA_DIR=os.getcwd(),  # noqa: PTH109 - the test's own folder
        KEFU_ADMIN_PASSWORD="correct horse battery",
    )
    assert program.wait() == 1
    assert "DB_FAIL" in program.text


def test_the_mend_of_a_superuser_of_ones_own(admin_url: str, database_url: str) -> None:
    """The line that the server prints is the cure."""
    from kefu.store.rights import rights_of  # noqa: PLC0415

    async def mended() -> tuple[str, str]:
        name = database_url.partition("?")[0].rpartition("/")[2]
        admin = await asyncpg.connect(admin_url.replace("/postgres?", f"/{name}?"))
        await admin.execute("create role shop superuser createdb login")
        await admin.execute("grant pg_monitor to shop")
        before = await rights_of(admin, "shop")
        for statement in before.mend.partition(" (in psql")[0].split("; "):
            await admin.execute(statement)
        after = await rights_of(admin, "shop")
        await admin.execute(f'alter database "{name}" owner to chatapp')
        await admin.close()
        return before.excess, after.excess

    assert asyncio.run(mended()) == ("superuser, createdb, member of pg_monitor", "")


def test_migrate_check_changes_nothing(empty_database_url: str, database_url: str) -> None:
    pending = kefu("migrate", "--check", CHAT_DATABASE_URL=empty_database_url)
    assert pending.exit_code == 3
    assert "run: kefu migrate" in pending.output
    assert fetch(empty_database_url, "select to_regclass('alembic_version')") is None
    current = kefu("migrate", "--check", CHAT_DATABASE_URL=database_url)
    assert (current.exit_code, current.output.endswith("is up to date\n")) == (0, True)
    fetch(database_url, "update alembic_version set version_num = '9999'")
    newer = kefu("migrate", "--check", CHAT_DATABASE_URL=database_url)
    assert newer.exit_code == 1
    assert "newer version" in newer.stderr
    away = kefu("migrate", "--check", CHAT_DATABASE_URL=f"postgresql://a:b@127.0.0.1:{free_ports(1)[0]}/c")
    assert away.exit_code == 1


def test_migrate_sql_needs_no_database_and_makes_the_same(empty_database_url: str, database_url: str) -> None:
    printed = kefu("migrate", "--sql")
    assert printed.exit_code == 0
    fetch_all(empty_database_url, printed.stdout)
    assert kefu("migrate", "--check", CHAT_DATABASE_URL=empty_database_url).exit_code == 0
    tables = (
        "select string_agg(table_name || column_name || data_type || coalesce(column_default, ''), ',' order by 1)"
        " from (select * from information_schema.columns where table_schema = 'public' order by 1, 2, 3, 4) c"
    )
    functions = (
        "select string_agg(pg_get_functiondef(oid), ',') from pg_proc where pronamespace = 'public'::regnamespace"
    )
    for query in (tables, functions):
        assert fetch(empty_database_url, query) == fetch(database_url, query)
    assert "CREATE TABLE alembic_version" not in kefu("migrate", "--sql", "--from", "0001").stdout
    assert kefu("migrate", "--sql", "--from", "nonsense").exit_code == 1
    assert kefu("migrate", "--from", "0001").exit_code == 2
    assert kefu("migrate", "--sql", "--check").exit_code == 2


def fetch_all(url: str, script: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(script)
        await connection.close()

    asyncio.run(run())
