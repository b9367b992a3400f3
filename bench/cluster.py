"""What more processes give and cost; prints tables and writes `bench/cluster.md`. As root; up to ten minutes.

    python bench/cluster.py            all three parts
    python bench/cluster.py full       only parts that are named (heard, held, full: under five minutes each)

Every node is a `kefu server` of its own process, joined by one NATS, on one PostgreSQL.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import asyncpg
import msgspec
import uvloop

import cluster_report
from crowd import CrowdPlan, CrowdResult
from kefu.store.embedded import EmbeddedPostgres
from kefu.store.migrate import upgrade
from kefu.tokens import issue_agent_token
from nodes import SECRET, Nats, Node, cluster, nats
from paced import Heard, drive
from share import held

HERE = Path(__file__).parent
NODES_HEARD = (1, 2, 4, 8)
ROUNDS = 3
ROUNDS_S_MAX = 265.0
"""A part that would take longer has fewer rounds."""
VISITORS, AGENTS = cluster_report.FULL_VISITORS, 8
SECONDS_WARM, SECONDS = 1.0, 2.5
SHARE = 0.2
GENERATOR_S_MAX = 120.0


@dataclass(frozen=True)
class Setup:
    """How many processes, where agents are, whether they are joined, visitors in all, what share of a core each has."""

    processes: int
    where: Literal["same", "chance", "other"] = "chance"
    joined: bool = True
    visitors: int = VISITORS
    share: float | None = None


@dataclass(frozen=True)
class Measured:
    """A round of a setup.

    Attributes:
        crossed: Share of the messages that came to another node.
        batch: Messages a commit.
    """

    crowd: CrowdResult
    crossed: float
    batch: float


HELD = (Setup(1, share=SHARE), Setup(2, share=SHARE))
FULL = (
    Setup(1, joined=False),
    Setup(1),
    Setup(2),
    Setup(2, "other"),
    Setup(4, "same"),
    Setup(4),
    Setup(4, "other"),
    Setup(4, visitors=4 * VISITORS),
)


class Bench:
    """One run."""

    def __init__(self, postgres: EmbeddedPostgres, bus: Nats, folder: Path) -> None:
        self._postgres = postgres
        self._bus = bus
        self._folder = folder
        self._postgres_pid = int(next(folder.rglob("postmaster.pid")).read_text().splitlines()[0])
        self._numbers = itertools.count(1)
        self._sql("create database bench_template owner chatapp")
        upgrade(self._url("bench_template"))

    def heard(self) -> list[Heard]:
        """What a node hears of a trickle."""
        rows = []
        for count in NODES_HEARD:
            with self._running(count, joined=True) as nodes:
                rows.append(uvloop.run(drive(nodes)))
            _say(rows[-1])
        return rows

    def rounds(self, setups: tuple[Setup, ...]) -> dict[Setup, list[Measured]]:
        """The closed loop on each setup in turn, several times; all setups have as many rounds."""
        found: dict[Setup, list[Measured]] = {setup: [] for setup in setups}
        begun = time.monotonic()
        for number in range(1, ROUNDS + 1):
            for setup in setups:
                found[setup].append(self._load(setup))
                _say(setup, found[setup][-1])
            if (time.monotonic() - begun) * (number + 1) / number > ROUNDS_S_MAX:
                break
        return found

    def _load(self, setup: Setup) -> Measured:
        with self._running(setup.processes, joined=setup.joined) as nodes, contextlib.ExitStack() as stack:
            if setup.share is not None:
                for node in nodes:
                    stack.enter_context(held(node.process.pid, setup.share))
            crowd = self._generate(setup, nodes)
            counts = sum((node.counts() for node in nodes), Counter())
        stored = counts['kefu_messages_total{outcome="stored",sender="visitor"}']
        return Measured(
            crowd,
            counts['kefu_bus_deliveries_total{kind="message"}'] / stored,
            counts["kefu_append_batch_messages_sum"] / counts["kefu_append_batch_messages_count"],
        )

    def _generate(self, setup: Setup, nodes: list[Node]) -> CrowdResult:
        names = [f"agent{number}" for number in range(AGENTS)]
        plan = CrowdPlan(
            mode="closed",
            dialect="socketio",
            port=nodes[0].port,
            server_pid=nodes[0].process.pid,
            postgres_pid=self._postgres_pid,
            visitors=setup.visitors,
            seconds_warm=SECONDS_WARM,
            seconds=SECONDS,
            ports=[node.port for node in nodes],
            pids=[node.process.pid for node in nodes],
            nats_pid=self._bus.pid,
            agent_tokens=[issue_agent_token(SECRET, agent_id=name, role="agent", name="Agent") for name in names],
            where=setup.where,
        )
        done = subprocess.run(
            [sys.executable, str(HERE / "crowd.py")],
            input=msgspec.json.encode(plan),
            stdout=subprocess.PIPE,
            timeout=GENERATOR_S_MAX,
            check=True,
        )
        return msgspec.json.decode(done.stdout, type=CrowdResult)

    @contextlib.contextmanager
    def _running(self, count: int, *, joined: bool) -> Iterator[list[Node]]:
        name = f"bench_{next(self._numbers)}"
        self._sql(f"create database {name} template bench_template owner chatapp")
        with cluster(count, self._url(name), self._bus.url if joined else "", self._folder) as nodes:
            yield nodes
        self._sql(f"drop database {name} with (force)")

    def _url(self, database: str) -> str:
        return self._postgres.url.replace("@/kefu?", f"@/{database}?")

    def _sql(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self._postgres.admin_url)
            await connection.execute(statement)
            await connection.close()

        uvloop.run(run())


def _say(*what: object) -> None:
    print(*what, file=sys.stderr, flush=True)


def main() -> None:
    """Measures, prints, writes."""
    wanted = sys.argv[1:] or ["heard", "held", "full"]
    folder = Path(tempfile.mkdtemp(prefix="kefu-bench-", dir="/tmp"))
    folder.chmod(0o755)  # as root, PostgreSQL runs as somebody else
    sections = []
    try:
        with EmbeddedPostgres(folder / "data", crash_linger_s=1) as postgres, nats() as bus:
            bench = Bench(postgres, bus, folder)
            if "heard" in wanted:
                sections.append(cluster_report.heard(bench.heard()))
            if "held" in wanted:
                sections.append(cluster_report.held(bench.rounds(HELD)))
            if "full" in wanted:
                sections.append(cluster_report.full(bench.rounds(FULL)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    page = HERE / "cluster.md"
    text = cluster_report.page(sections, page.read_text(encoding="utf-8"))
    print(text)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
