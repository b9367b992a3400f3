"""The program run as people run it: in this process where that is enough, else as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import kefu
from kefu.cli.main import COMMANDS, app, register
from kefu.config import Settings
from kefu.config_rules import variables

SECRET = "7d1f0c9ab26e4458b3c2d6e8f90a1b2c3d4e5f60"
PROGRAM = "import sys; sys.argv[0] = 'kefu'; from kefu.cli.main import run; run()"
NAMES = {name for field in Settings.model_fields.values() for name in variables(field)}


@pytest.fixture(scope="session", autouse=True)
def _commands() -> None:
    for name in COMMANDS:
        register(name)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES & os.environ.keys():
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


Invoke = Callable[..., Result]


@pytest.fixture
def invoke(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs a command in this process on a fresh, migrated database."""
    monkeypatch.setenv("CHAT_DATABASE_URL", database_url)

    def run(*arguments: str, text: str = "") -> Result:
        return CliRunner().invoke(app, arguments, input=text)

    return run


class Program:
    """A running `kefu`, whose lines can be waited for."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if name not in NAMES}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=inherited | {"PYTHONPATH": str(Path(kefu.__file__).parents[1]), "COLUMNS": "120"} | environment,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def wait_for(self, pattern: str, seconds: float = 40) -> re.Match[str]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.text):
                return found
            if self.process.poll() is not None and not self._reader.is_alive():
                break
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in:\n{self.text}")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self, seconds: float = 40) -> int:
        status = self.process.wait(seconds)
        self._reader.join(5)
        return status


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """Starts programs; none of them outlives the test."""
    started: list[Program] = []

    def run(*arguments: str, **environment: str) -> Program:
        started.append(Program(*arguments, **environment))
        return started[-1]

    yield run
    for program in started:
        if program.process.poll() is None:
            program.end(signal.SIGTERM)


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports
