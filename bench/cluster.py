"""What a node hears from the others: the same load on 1, 2, 4 and 8 nodes, each visitor's agent on another node.

Run `python bench/cluster.py`; it prints a table and writes `bench/cluster.md`. Every node is a `kefu server` of its own
process, joined by one NATS, on one PostgreSQL. The load is paced, so that the figures are counts and CPU a message, not
how fast this machine is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import psutil
import uvloop

from dialects import SocketIoAgent, SocketIoVisitor
from kefu.store.embedded import EmbeddedPostgres
from kefu.store.migrate import upgrade
from kefu.tokens import issue_agent_token

HERE = Path(__file__).parent
NODES = (1, 2, 4, 8)
VISITORS, AGENTS = 64, 8
RATE_PER_S = 240
SECONDS_WARM, SECONDS = 2.0, 10.0
SETTLE_S = 1.5
SECRET = secrets.token_hex(32)
PROGRAM = "import sys; sys.argv = ['kefu', 'server']; from kefu.cli.main import run; run()"
UNLIMITED = "10000000"


@dataclass(frozen=True, slots=True)
class Row:
    """One number of nodes; counts are of the measured window, a second and a node."""

    nodes: int
    messages: int
    delivered: int
    heard_messages: float
    heard_rows: float
    heard_presence: float
    cpu_us: float


class Count:
    """What became of the messages."""

    def __init__(self) -> None:
        self.acks = self.deliveries = 0

    def acked(self, _visitor: int, _n: int) -> None:
        self.acks += 1

    def echoed(self, _visitor: int, _n: int) -> None:
        pass

    def delivered(self, _visitor: int, _n: int) -> None:
        self.deliveries += 1

    def failed(self, reason: str) -> None:
        raise SystemExit(f"the run is void: {reason}")


@dataclass(frozen=True, slots=True)
class Node:
    """A chat-server: its port, its internal port, its process."""

    port: int
    internal: int
    process: subprocess.Popen[bytes]

    def deliveries(self) -> dict[str, float]:
        """Bus messages it got so far, by kind."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.internal}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        found = [line for line in lines if line.startswith("kefu_bus_deliveries_total{")]
        return {line.partition('kind="')[2].partition('"')[0]: float(line.rpartition(" ")[2]) for line in found}

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


@contextlib.contextmanager
def nats() -> Iterator[str]:
    """A NATS server for one run."""
    port = free_port()
    binary = Path(sys.executable).with_name("nats-server")
    process = subprocess.Popen(
        [binary, "-a", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield f"nats://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def cluster(count: int, database: str, bus: str, folder: Path) -> Iterator[list[Node]]:
    """So many nodes, serving and joined."""
    nodes = []
    for _ in range(count):
        port, internal = free_port(), free_port()
        environment = os.environ | {
            "CHAT_DATABASE_URL": database,
            "CHAT_ADMIN_JWT_SECRET": SECRET,
            "CHAT_SERVER_PORT": str(port),
            "KEFU_INTERNAL_PORT": str(internal),
            "KEFU_NATS_URL": bus,
            "KEFU_DB_POOL_MAX": "4",
            "CHAT_WS_RATE_PER_MIN": UNLIMITED,
            "KEFU_WS_RATE_BURST": UNLIMITED,
            "KEFU_ADDRESS_RATE_PER_MIN": UNLIMITED,
            "KEFU_NEW_PER_ADDRESS_PER_HOUR": UNLIMITED,
        }
        command = [
            sys.executable,
            "-c",
            "import sys; sys.argv = ['kefu', 'server']; from kefu.cli.main import run; run()",
        ]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
        nodes.append(Node(port, internal, process))
    try:
        for node in nodes:
            _until_ready(node)
        yield nodes
    finally:
        for node in nodes:
            node.process.terminate()
        for node in nodes:
            node.process.wait()


def _until_ready(node: Node) -> None:
    deadline = time.monotonic() + 60
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


async def drive(nodes: list[Node]) -> Row:
    """Connects everybody, sends at the rate, and reads what it came to."""
    loop, count = asyncio.get_running_loop(), Count()
    visitors = [SocketIoVisitor(number, count, greets=True) for number in range(VISITORS)]
    for visitor in visitors:
        await loop.create_connection(lambda made=visitor: made, "127.0.0.1", nodes[visitor.number % len(nodes)].port)
        await visitor.ready
    for number in range(AGENTS):
        theirs = [visitor for visitor in visitors if (visitor.number + 1) % AGENTS == number]
        token = issue_agent_token(SECRET, agent_id=f"agent{number}", role="agent", name="Agent")
        agent = SocketIoAgent(count, theirs, token)
        node = nodes[number % len(nodes)]
        await loop.create_connection(lambda made=agent: made, "127.0.0.1", node.port)
        await agent.ready
    sent = await _send(visitors, 0, SECONDS_WARM)
    await asyncio.sleep(SETTLE_S)
    acks, deliveries = count.acks, count.deliveries
    heard, cpu = [node.deliveries() for node in nodes], sum(node.cpu_s() for node in nodes)
    messages = await _send(visitors, sent, SECONDS)
    await asyncio.sleep(SETTLE_S)
    cpu = sum(node.cpu_s() for node in nodes) - cpu
    gained = [
        {kind: now - then.get(kind, 0) for kind, now in node.deliveries().items()}
        for node, then in zip(nodes, heard, strict=True)
    ]
    if count.acks - acks != messages:
        raise SystemExit(f"the run is void: {messages} sent, {count.acks - acks} acked")

    def a_second(kind: str) -> float:
        return statistics.mean(found.get(kind, 0) for found in gained) / (SECONDS + SETTLE_S)

    return Row(
        len(nodes),
        messages,
        count.deliveries - deliveries,
        a_second("message"),
        a_second("changed"),
        a_second("presence"),
        cpu / messages * 1e6,
    )


async def _send(visitors: list[SocketIoVisitor], already: int, seconds: float) -> int:
    """Sends in turn at the rate; each visitor's messages are numbered on. Whole rounds only."""
    rounds = round(seconds * RATE_PER_S / VISITORS)
    began = time.monotonic()
    for number in range(rounds * VISITORS):
        await asyncio.sleep(max(0.0, began + number / RATE_PER_S - time.monotonic()))
        visitors[number % VISITORS].send_message((already + number) // VISITORS + 1)
    return rounds * VISITORS


def measure() -> list[Row]:
    """One row for each number of nodes, each on a database of its own."""
    folder = Path(tempfile.mkdtemp(prefix="kefu-bench-", dir="/tmp"))
    folder.chmod(0o755)
    rows = []
    try:
        with EmbeddedPostgres(folder / "data", crash_linger_s=1) as postgres, nats() as bus:
            for count in NODES:
                name = f"cluster_{count}"
                uvloop.run(_execute(postgres.admin_url, f"create database {name} owner chatapp"))
                url = postgres.url.replace("@/kefu?", f"@/{name}?")
                upgrade(url)
                with cluster(count, url, bus, folder) as nodes:
                    rows.append(uvloop.run(drive(nodes)))
                print(rows[-1], file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return rows


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def table(rows: list[Row]) -> str:
    """What was measured, for people."""
    where = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        f"| {row.nodes} | {row.messages} | {row.delivered} | {row.heard_messages:.1f} | {row.heard_rows:.1f} "
        f"| {row.heard_presence:.1f} | {row.cpu_us:.0f} µs |\n"
        for row in rows
    ]
    return f"""# What a node hears from the others

`python bench/cluster.py`, {datetime.now(UTC):%Y-%m-%d}, {where}. The same load each time: {VISITORS} visitors,
{AGENTS} agents, {RATE_PER_S} messages a second in all, every visitor's agent on another node. Bus deliveries are
a second and a node. CPU is that of all nodes together. At this rate most of it is waking up: a process
that only sleeps as often uses a good part of it. `results.md` has what a message costs one node under full load.

| nodes | messages | came to their agent | heard: messages | inbox hints | presence | CPU a message |
|---|---|---|---|---|---|---|
{"".join(lines)}
A node hears the messages of conversations that have a socket on it, and nothing of the others. Inbox hints are at most
four a second from each other node, whatever the load: each names all conversations that changed. Presence is one report
in five seconds from each other node, and the changes.
"""


if __name__ == "__main__":
    text = table(measure())
    print(text)
    (HERE / "cluster.md").write_text(text, encoding="utf-8")
