"""`kefu`, `kefu migrate`, `kefu server` and `kefu site`: run alone, stopped by wrong settings with one line each."""

from __future__ import annotations

import re
import socket
import urllib.request
from pathlib import Path

import pytest

from databases import execute

from .conftest import SECRET, free_ports


def test_version_and_usage(start) -> None:
    program = start("--version")
    assert program.wait() == 0
    assert re.fullmatch(r"kefu \d+\.\d+\.\d+\n", program.text)
    wrong = start("nonsense")
    assert wrong.wait() == 2
    assert "No such command 'nonsense'" in wrong.text


def test_a_file_of_settings_is_named(start, tmp_path: Path) -> None:
    file = tmp_path / "chat-server.env"
    file.write_text(f"CHAT_ADMIN_JWT_SECRET={SECRET}\nCHAT_DATABASE_URL=file:./dev.db\n")
    for program in (start("--env-file", "chat-server.env", "server"), start("server", KEFU_ENV_FILE=str(file))):
        assert program.wait() == 1
        assert [line.split()[:4] for line in program.lines] == [["kefu:", "CHAT_DATABASE_URL", "is", "a"]]
    missing = start("--env-file", "none.env", "site")
    assert missing.wait() == 1
    assert "none.env is no file" in missing.text


def test_migrate_twice(invoke, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_DATABASE_URL", empty_database_url)
    first, second = invoke("migrate"), invoke("migrate")
    assert first.output.endswith(": migrated, was empty\n")
    assert second.output.endswith(": is up to date\n")


def test_migrate_refuses_a_newer_schema(invoke, database_url: str) -> None:
    execute(database_url, "update alembic_version set version_num = 'from_the_future'")
    result = invoke("migrate")
    assert result.exit_code == 1
    assert "newer Kefu" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["server", "site"])
def test_nothing_set_is_told_line_by_line(start, command: str) -> None:
    program = start(command)
    assert program.wait() == 1
    assert [line.split()[1] for line in program.lines] == ["CHAT_ADMIN_JWT_SECRET", "CHAT_DATABASE_URL"]


@pytest.mark.parametrize("command", ["server", "site"])
@pytest.mark.parametrize("state", ["unreachable", "empty", "newer"])
def test_databases_that_stop_the_start(start, command: str, state: str, empty_database_url: str) -> None:
    url, words = empty_database_url, "kefu migrate"
    if state == "unreachable":
        url, words = f"postgresql://chatapp:hidden@127.0.0.1:{free_ports(1)[0]}/kefu", "cannot be reached"
    if state == "newer":
        execute(url, "create table alembic_version (version_num text)")
        execute(url, "insert into alembic_version values ('from_the_future')")
        words = "newer"
    ports = free_ports(2)
    program = start(
        command,
        CHAT_DATABASE_URL=url,
        CHAT_ADMIN_JWT_SECRET=SECRET,
        CHAT_SERVER_PORT=str(ports[0]),
        KEFU_SITE_PORT=str(ports[1]),
    )
    assert program.wait() == 1
    assert words in program.text
    assert "Traceback" not in program.text
    assert "hidden" not in program.text
    assert len(program.lines) == 1


@pytest.mark.parametrize(("command", "setting"), [("server", "CHAT_SERVER_PORT"), ("site", "KEFU_SITE_PORT")])
def test_a_taken_port_stops_the_start(start, database_url: str, command: str, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        program = start(command, CHAT_DATABASE_URL=database_url, CHAT_ADMIN_JWT_SECRET=SECRET, **{setting: port})
        assert program.wait() == 1
    assert port in program.text
    assert len(program.lines) == 1


def test_each_program_serves_alone(start, database_url: str, tmp_path: Path) -> None:
    ports = free_ports(2)
    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    systemd.bind(str(tmp_path / "notify"))
    systemd.settimeout(40)
    environment = {
        "CHAT_DATABASE_URL": database_url,
        "CHAT_ADMIN_JWT_SECRET": SECRET,
        "CHAT_SERVER_PORT": str(ports[0]),
        "KEFU_SITE_PORT": str(ports[1]),
    }
    server = start("server", **environment, NOTIFY_SOCKET=str(tmp_path / "notify"))
    assert systemd.recv(100) == b"READY=1"
    server.wait_for("P0_OK: chat_widget \\+ admin_panel \\+ message_persist", seconds=1)
    site = start("site", **environment, NOTIFY_SOCKET=str(tmp_path / "notify"))
    assert systemd.recv(100) == b"READY=1"
    site.wait_for(f"SITE_OK port={ports[1]}")
    assert [line.split()[0] for line in server.lines] == ["SERVER_OK", "DB_OK", "WS_OK", "P0_OK:"]
    for port, path in ((ports[0], "/chat/health"), (ports[1], "/")):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            assert answer.status == 200
    assert (server.end(), systemd.recv(100)) == (0, b"STOPPING=1")
    assert (site.end(), systemd.recv(100)) == (0, b"STOPPING=1")
    systemd.close()
