"""chat-server and main site under npm's real PM2, from `kefu init` to the rollback."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from databases import fetch
from integration.cli.conftest import NAMES, free_ports

from .conftest import ROOT, RunNode

KEFU = [sys.executable, "-c", "import sys; sys.argv[0] = 'kefu'; from kefu.cli.main import run; run()"]
VISITORS, MESSAGES = 8, 16


class Deployment:
    """A folder as `kefu init --for pm2` leaves it, and a PM2 of its own."""

    def __init__(self, folder: Path, node: RunNode, database_url: str) -> None:
        self.folder = folder
        self.chat, self.site = free_ports(2)
        self._node = node
        self._environment = {name: "" for name in NAMES | {"KEFU_ENV_FILE"} if name in os.environ} | {
            "PM2_HOME": str(folder / "pm2-home"),
            "PYTHONPATH": str(ROOT / "src"),
        }
        self.kefu("init", "--dir", folder, "--for", "pm2", "--domain", "shop.example", "--database-url", database_url)
        for name in ("chat-server.env", "main-site.env"):
            with (folder / name).open("a") as file:
                file.write(f"CHAT_SERVER_PORT={self.chat}\nKEFU_SITE_PORT={self.site}\n")

    @property
    def secret(self) -> str:
        text = (self.folder / "chat-server.env").read_text()
        return text.partition("CHAT_ADMIN_JWT_SECRET=")[2].partition("\n")[0]

    def kefu(self, *arguments: object) -> str:
        command = [*KEFU, *map(str, arguments)]
        done = subprocess.run(
            command, cwd=self.folder, env=os.environ | self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start_kefu(self, *arguments: object) -> subprocess.Popen[str]:
        command = [*KEFU, *map(str, arguments)]
        return subprocess.Popen(
            command, cwd=self.folder, env=os.environ | self._environment, stdout=subprocess.PIPE, text=True
        )

    def pm2(self, *arguments: object) -> str:
        done = self._node("pm2/bin/pm2", *arguments, **self._environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def processes(self) -> dict[str, dict[str, Any]]:
        told = self.pm2("jlist")
        return {one["name"]: one for one in json.loads(told[told.index("[") :])}

    def log(self, name: str) -> str:
        return self.pm2("logs", name, "--nostream", "--lines", "100", "--raw")


@pytest.fixture(scope="module")
def deployed(node: RunNode, module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    made = Deployment(tmp_path_factory.mktemp("deployed"), node, module_database_url)
    try:
        made.pm2("start", made.folder / "ecosystem.config.cjs")
        yield made
    finally:
        made.pm2("kill")


def status(port: int, path: str) -> int | None:
    """An answer's status; None if nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def until(check: Callable[[], object], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_start_shows_the_four_lines(deployed: Deployment) -> None:
    until(lambda: status(deployed.chat, "/chat/ready") == status(deployed.site, "/") == 200)
    until(lambda: "P0_OK" in deployed.log("chat-server"))
    lines = deployed.log("chat-server").split("\n")
    first = lines.index(f"SERVER_OK port={deployed.chat}")
    assert [line.split(" ")[0] for line in lines[first : first + 4]] == ["SERVER_OK", "DB_OK", "WS_OK", "P0_OK:"]
    assert f"SITE_OK port={deployed.site}" in deployed.log("main-site")


def test_save_keeps_no_secret(deployed: Deployment) -> None:
    deployed.pm2("save")
    dump = (deployed.folder / "pm2-home" / "dump.pm2").read_text()
    assert {one["name"] for one in json.loads(dump)} == {"chat-server", "main-site"}
    assert deployed.secret not in dump
    assert len(deployed.secret) == 64


def test_reload_loses_no_message(deployed: Deployment, module_database_url: str) -> None:
    before = deployed.processes()["chat-server"]
    chaos = deployed.start_kefu(
        "--env-file", "chat-server.env", "chaos", f"--url=http://127.0.0.1:{deployed.chat}", "--seconds=6",
        f"--visitors={VISITORS}", f"--messages={MESSAGES}", "--fault-every=1000", "--json",
    )  # fmt: skip
    with chaos:
        until(lambda: fetch(module_database_url, "select count(*) from message") >= 2 * VISITORS)
        deployed.pm2("reload", "chat-server")
        told, _ = chaos.communicate(timeout=60)
    result = json.loads(told.splitlines()[-1])
    assert result["sent"] == result["acked"] == result["stored"] == result["delivered"] == VISITORS * MESSAGES
    assert [result[name] for name in ("duplicated", "out_of_order", "holes", "lost", "undelivered")] == [0] * 5
    assert result["connections"] >= 2 * VISITORS  # everybody was connected before the reload, and came back after it
    after = deployed.processes()["chat-server"]
    assert after["pid"] != before["pid"]
    assert after["pm2_env"]["exit_code"] == 0, "it was killed, not stopped"


def test_stop_and_delete_roll_back(deployed: Deployment) -> None:
    pid = deployed.processes()["chat-server"]["pid"]
    deployed.pm2("stop", "chat-server")
    assert deployed.processes()["chat-server"]["pm2_env"]["status"] == "stopped"
    deployed.pm2("delete", "chat-server")
    deployed.pm2("save")
    assert set(deployed.processes()) == {"main-site"}
    with contextlib.suppress(psutil.NoSuchProcess):
        assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert status(deployed.chat, "/chat/health") is None
    assert status(deployed.site, "/") == 200
    deployed.pm2("start", deployed.folder / "ecosystem.config.cjs", "--only", "chat-server")
    until(lambda: status(deployed.chat, "/chat/ready") == 200)
