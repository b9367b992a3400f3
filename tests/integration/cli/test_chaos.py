"""`kefu chaos` as people run it: against an installation of its own, against others' processes, and used wrongly."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from integration.cli.conftest import PROGRAM, SECRET, free_ports
from kefu.cli.main import app


def test_an_installation_of_its_own_survives_kills(start) -> None:
    program = start(
        "chaos", "--process", "--json", "--visitors=6", "--messages=12", "--seconds=5", "--kill-every=1.5",
        "--fault-every=0.2",
    )  # fmt: skip
    assert program.wait(60) == 0, program.text
    result = json.loads(program.lines[-1])
    assert result["ok"]
    assert result["kills"] >= 1
    assert sum(result["faults"].values()) >= 1
    assert result["sent"] == result["acked"] == result["stored"] == result["delivered"] == 72
    assert [result[name] for name in ("duplicated", "out_of_order", "holes", "lost", "undelivered")] == [0] * 5


def test_a_server_that_runs_is_started_again_as_it_was(start, database_url: str) -> None:
    (port,) = free_ports(1)
    server = start(
        "server",
        CHAT_DATABASE_URL=database_url,
        CHAT_SERVER_PORT=str(port),
        CHAT_ADMIN_JWT_SECRET=SECRET,
        CHAT_ALLOWED_ORIGINS="https://shop.example",
    )
    server.wait_for("P0_OK")
    program = start(
        "chaos", "--process", f"--pid={server.process.pid}", f"--url=http://127.0.0.1:{port}", "--visitors=2",
        "--messages=6", "--seconds=2", "--kill-every=0.7", CHAT_ADMIN_JWT_SECRET=SECRET,
    )  # fmt: skip
    try:
        assert program.wait(60) == 0, program.text
        assert "every promise was kept" in program.text
        assert server.wait() == -signal.SIGKILL
    finally:
        end_whoever_serves(port)  # the server that runs was not started by this test


def end_whoever_serves(port: int) -> None:
    """Ends the process that listens on the port."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            connections = process.net_connections("tcp")
            if any(found.status == psutil.CONN_LISTEN and found.laddr.port == port for found in connections):
                process.terminate()
                process.wait(15)


def test_the_server_of_a_command_ends_with_it(start, database_url: str, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    script = tmp_path / "serve.py"
    script.write_text(f"import sys; sys.argv[1:] = ['server']; {PROGRAM.removeprefix('import sys; ')}")
    program = start(
        "chaos", "--process", f"--process-command={sys.executable} {script}", f"--url=http://127.0.0.1:{port}",
        "--visitors=2", "--messages=3", "--seconds=1", "--kill-every=0.4",
        CHAT_DATABASE_URL=database_url, CHAT_SERVER_PORT=str(port), CHAT_ADMIN_JWT_SECRET=SECRET,
    )  # fmt: skip
    assert program.wait(60) == 0, program.text
    assert "kills: " in program.text
    assert "kills: 0" not in program.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--url", "localhost:4000"], "expected --url http://host[:port]"),
        (["--pid", "1"], "give --process too"),
        (["--process", "--pid", "1", "--process-command", "x"], "not both"),
        (["--process", "--url", "http://chat.example"], "needs --process-command or --pid"),
        (["--visitors", "0"], "greater than or equal to 1"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["chaos", *arguments])
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


def test_without_a_secret_a_token_is_asked_for() -> None:
    result = CliRunner().invoke(app, ["chaos"], env={"KEFU_DATA_DIR": "nowhere"})
    assert result.exit_code == 1
    assert "CHAT_ADMIN_JWT_SECRET is not set" in result.output
    assert "or give --token" in result.output


def test_a_process_that_is_not_there_is_told() -> None:
    result = CliRunner().invoke(app, ["chaos", "--process", "--pid", "4194304", "--token", "x"])
    assert (result.exit_code, result.output) == (1, "kefu: process 4194304: NoSuchProcess\n")
