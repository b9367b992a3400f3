"""Nodes to measure: chat-servers of their own processes, joined by one NATS, and what they count."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from processes import cpu_s
from targets import LIMITS

SECRET = secrets.token_hex(32)
START_S_MAX = 60.0
POOL_MAX = 4
"""Connections of a node's pool: eight nodes must fit the embedded PostgreSQL."""
_COMMAND = [sys.executable, "-c", "from kefu.cli.main import run; run()", "server"]


@dataclass(frozen=True, slots=True)
class Node:
    """A chat-server: its port, its internal port, its process."""

    port: int
    internal: int
    process: subprocess.Popen[bytes]

    def counts(self) -> Counter[str]:
        """What it counted so far, by Prometheus' name and labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.internal}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        found = [line.rpartition(" ") for line in lines if not line.startswith("#")]
        return Counter({name: float(number) for name, _, number in found})

    def deliveries(self) -> dict[str, float]:
        """Bus messages it got so far, by kind."""
        start = 'kefu_bus_deliveries_total{kind="'
        return {name[len(start) : -2]: count for name, count in self.counts().items() if name.startswith(start)}

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        return cpu_s(self.process.pid)


@dataclass(frozen=True, slots=True)
class Nats:
    """A NATS server."""

    url: str
    pid: int


@contextlib.contextmanager
def nats() -> Iterator[Nats]:
    """A NATS server for one run."""
    port = _free_port()
    binary = Path(sys.executable).with_name("nats-server")
    process = subprocess.Popen(
        [binary, "-a", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield Nats(f"nats://127.0.0.1:{port}", process.pid)
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def cluster(count: int, database: str, bus: str, folder: Path) -> Iterator[list[Node]]:
    """So many nodes, serving and joined."""
    nodes: list[Node] = []
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            node = _start(database, bus, folder)
            stack.callback(node.process.wait)
            nodes.append(node)
        stack.callback(_terminate, nodes)
        for node in nodes:
            _until_ready(node)
        yield nodes


def _terminate(nodes: list[Node]) -> None:
    for node in nodes:
        node.process.terminate()


def _start(database: str, bus: str, folder: Path) -> Node:
    port, internal = _free_port(), _free_port()
    environment = {
        "CHAT_DATABASE_URL": database,
        "CHAT_ADMIN_JWT_SECRET": SECRET,
        "CHAT_SERVER_PORT": str(port),
        "KEFU_INTERNAL_PORT": str(internal),
        "KEFU_NATS_URL": bus,
        "KEFU_DB_POOL_MAX": str(POOL_MAX),
        "KEFU_LOG_LEVEL": "warning",
    }
    process = subprocess.Popen(_COMMAND, cwd=folder, env=os.environ | LIMITS | environment, stdout=subprocess.DEVNULL)
    return Node(port, internal, process)


def _until_ready(node: Node) -> None:
    deadline = time.monotonic() + START_S_MAX
    while True:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{node.port}/chat/ready", timeout=5) as answer,
        ):
            if answer.read() == b'{"ok":true}':
                return
        if time.monotonic() > deadline or node.process.poll() is not None:
            raise SystemExit("a node does not start")
        time.sleep(0.05)


def _free_port() -> int:
    """Below those that outgoing connections take: a thousand of them come and go meanwhile."""
    while True:
        port = random.randrange(10_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
