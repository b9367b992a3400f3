"""The servers that are measured. A peer is one more class here, and a dialect if it speaks none of ours."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from kefu import tokens
from peers import installed

HERE = Path(__file__).parent
PEERS = HERE / "peers"
STOP_S_MAX = 20.0
SOURCES = str(Path(tokens.__file__).parents[1])
"""Servers run the very Kefu that was imported here, wherever they start."""
LIMITS = {
    "CHAT_WS_RATE_PER_MIN": "100000000",
    "KEFU_WS_RATE_BURST": "100000000",
    "KEFU_ADDRESS_RATE_PER_MIN": "100000000",
    "KEFU_NEW_PER_ADDRESS_PER_HOUR": "100000000",
    "KEFU_AGENT_RATE_PER_MIN": "100000000",
}
"""Rates are raised out of the way: what is measured is the work of a message, not its refusal."""


@dataclass(frozen=True)
class Server:
    """A running server."""

    pid: int
    port: int
    agent_token: str


class Target:
    """A server that can be started on a fresh, migrated database.

    Attributes:
        name: As the table calls it.
        dialect: What the generator speaks to it.
        ready: The line of its output that says that it serves.
    """

    name: ClassVar[str]
    dialect: ClassVar[str]
    ready: ClassVar[str]

    def command(self, port: int, database_url: str, visitors: int) -> list[str]:
        """What is run."""
        raise NotImplementedError

    def environment(self, port: int, database_url: str) -> dict[str, str]:  # noqa: ARG002 - for those that need none
        """Its variables, over ours."""
        return {}

    def agent_token(self) -> str:
        """What opens the agent's socket."""
        return ""

    @contextlib.contextmanager
    def running(self, database_url: str, folder: Path, visitors: int) -> Iterator[Server]:
        """Runs the server; its output goes to a file in `folder`."""
        port = _free_port()
        log = folder / f"{type(self).__name__}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command(port, database_url, visitors),
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONPATH": SOURCES} | self.environment(port, database_url),
                cwd=folder,
            )
            try:
                self._wait(process, log)
                yield Server(process.pid, port, self.agent_token())
            finally:
                _stop(process)

    def _wait(self, process: subprocess.Popen[bytes], log: Path) -> None:
        while self.ready not in log.read_text(errors="replace"):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
                raise RuntimeError(f"{self.name} did not start:\n{log.read_text(errors='replace')}")


@dataclass(frozen=True)
class Kefu(Target):
    """chat-server as it is."""

    name: ClassVar[str] = "Kefu chat-server"
    dialect: ClassVar[str] = "socketio"
    ready: ClassVar[str] = "P0_OK"
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def command(self, port: int, database_url: str, visitors: int) -> list[str]:  # noqa: ARG002 - by environment
        return [sys.executable, "-c", "from kefu.cli.main import run; run()", "server"]

    def environment(self, port: int, database_url: str) -> dict[str, str]:
        return LIMITS | {
            "CHAT_SERVER_PORT": str(port),
            "CHAT_DATABASE_URL": database_url,
            "CHAT_ADMIN_JWT_SECRET": self.secret,
            "KEFU_LOG_LEVEL": "warning",
        }

    def agent_token(self) -> str:
        return tokens.issue_agent_token(self.secret, agent_id="bench", role="agent", name="Bench", seconds=3600)


@dataclass(frozen=True)
class Floor(Target):
    """Bare picows and the same append SQL; see `floor.py`."""

    name: ClassVar[str] = "floor: picows + append SQL"
    dialect: ClassVar[str] = "floor"
    ready: ClassVar[str] = "ready"

    def command(self, port: int, database_url: str, visitors: int) -> list[str]:
        return [sys.executable, str(HERE / "floor.py"), str(port), database_url, str(visitors)]


@dataclass(frozen=True)
class PythonSocketIo(Target):
    """The usual Python stack; see `peers/python_socketio.py`.

    Attributes:
        pool: Its connections to the database, the best of what `pools.py` tried.
    """

    name: ClassVar[str] = "python-socketio + uvicorn"
    dialect: ClassVar[str] = "socketio"
    ready: ClassVar[str] = "ready"
    pool: int

    def command(self, port: int, database_url: str, visitors: int) -> list[str]:  # noqa: ARG002 - they greet
        return [sys.executable, str(PEERS / "python_socketio.py"), str(port), database_url, str(self.pool)]


@dataclass(frozen=True)
class NodePeer(Target):
    """socket.io on Node; see `peers/node/`.

    Attributes:
        program: Its file there.
        pool: Its connections to the database, the best of what `pools.py` tried.
    """

    program: ClassVar[str]
    dialect: ClassVar[str] = "socketio"
    ready: ClassVar[str] = "ready"
    pool: int

    def command(self, port: int, database_url: str, visitors: int) -> list[str]:  # noqa: ARG002 - they greet
        return [installed.node(), str(PEERS / "node" / self.program), str(port), database_url, str(self.pool)]

    def environment(self, port: int, database_url: str) -> dict[str, str]:  # noqa: ARG002 - by command
        return {"NODE_ENV": "production"}


class NodePg(NodePeer):
    """One prepared statement a message."""

    name: ClassVar[str] = "Node socket.io + pg"
    program: ClassVar[str] = "pg.mjs"


class NodePrisma(NodePeer):
    """An object-relational mapper: one update and one insert a message."""

    name: ClassVar[str] = "Node socket.io + Prisma"
    program: ClassVar[str] = "prisma.mjs"


TARGETS: list[Target] = [Kefu(), Floor()]
"""In the order of a round; the first one is what the others are compared with."""

PEER_TARGETS: list[PythonSocketIo | NodePeer] = [PythonSocketIo(pool=12), NodePg(pool=12), NodePrisma(pool=8)]
"""What comes after them in a round with peers."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
