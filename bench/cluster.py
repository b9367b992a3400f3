"""What more processes give and cost; prints tables and writes `bench/cluster.md`. As root; up to twenty minutes.

    python bench/cluster.py            all three parts
    python bench/cluster.py full       only parts that are named: heard, held (a minute each), full (ten)

Every node is a `kefu server` of its own process, joined by one NATS, on one PostgreSQL.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import uvloop

import cluster_report
from crowd import CrowdPlan, CrowdResult, Crowds
from installation import HERE, Databases, Quiet, databases, generate, say
from kefu.tokens import issue_agent_token
from nodes import SECRET, Nats, Node, cluster, nats
from paced import Heard, drive
from share import held

NODES_HEARD = (1, 2, 4, 8)
ROUNDS, ROUNDS_SMALL = 3, 2
TURNS = 3
REPEATS_MAX = 15
VISITORS_SMALL, VISITORS_LARGE = 200, 800
AGENTS = 8
SECONDS_WARM, SECONDS = 0.5, 2.0
SHARE = 0.2


@dataclass(frozen=True)
class Setup:
    """How many processes, where agents are, whether they are joined, visitors in all, what share of a core each has."""

    processes: int
    where: Literal["same", "chance", "other"] = "chance"
    joined: bool = True
    visitors: int = VISITORS_SMALL
    share: float | None = None


@dataclass(frozen=True)
class Measured:
    """A round of a setup.

    Attributes:
        crossed: Share of the messages that came to another node.
        batch: Messages a commit.
        alone: The same crowd on one process alone, in turns with this one.
    """

    crowd: CrowdResult
    crossed: float
    batch: float
    alone: Measured | None = None


HELD = tuple((Setup(2, visitors=visitors, share=SHARE),) for visitors in (VISITORS_LARGE, VISITORS_SMALL))
LARGE, SMALL = (
    (
        Setup(1, joined=False, visitors=visitors),
        Setup(2, visitors=visitors),
        Setup(2, "other", visitors=visitors),
        Setup(4, "same", visitors=visitors),
        Setup(4, visitors=visitors),
        Setup(4, "other", visitors=visitors),
    )
    for visitors in (VISITORS_LARGE, VISITORS_SMALL)
)


class Bench:
    """One run."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._quiet = Quiet(REPEATS_MAX)

    def heard(self) -> list[Heard]:
        """What a node hears of a trickle."""
        rows = []
        for count in NODES_HEARD:
            with self._running(Setup(count)) as (nodes, _):
                rows.append(uvloop.run(drive(nodes)))
            say(rows[-1])
        return rows

    def beside_one(self, setups: tuple[Setup, ...], count: int) -> dict[Setup, list[Measured]]:
        """The closed loop on each setup, in turns with one process alone: the machine's speed drifts within seconds."""
        alone = Setup(1, visitors=setups[0].visitors, share=setups[0].share)
        found: dict[Setup, list[Measured]] = {setup: [] for setup in (alone, *setups)}
        for _ in range(count):
            for setup in setups:
                base, beside = self._measured(alone, setup)
                found[alone].append(base)
                found[setup].append(replace(beside, alone=base))
        return found

    def _measured(self, *setups: Setup) -> list[Measured]:
        results = self._quiet.undisturbed(
            functools.partial(self._load, setups), lambda found: max(map(cluster_report.strangers, found))
        )
        for setup, result in zip(setups, results, strict=True):
            say(setup, result)
        return results

    def _load(self, setups: tuple[Setup, ...]) -> list[Measured]:
        """Installations side by side, each with a database and a bus of its own, whose crowds take turns."""
        with contextlib.ExitStack() as stack:
            installations = [stack.enter_context(self._running(setup)) for setup in setups]
            crowds = [self._crowd(setup, *made) for setup, made in zip(setups, installations, strict=True)]
            results = generate("crowd.py", Crowds(crowds, TURNS), list[CrowdResult])
            return [_measured(result, nodes) for result, (nodes, _) in zip(results, installations, strict=True)]

    def _crowd(self, setup: Setup, nodes: list[Node], bus: Nats) -> CrowdPlan:
        names = [f"agent{number}" for number in range(AGENTS)]
        return CrowdPlan(
            mode="closed",
            dialect="socketio",
            port=nodes[0].port,
            server_pid=nodes[0].process.pid,
            postgres_pid=self._databases.postgres_pid,
            visitors=setup.visitors,
            seconds_warm=SECONDS_WARM,
            seconds=SECONDS,
            ports=[node.port for node in nodes],
            pids=[node.process.pid for node in nodes],
            nats_pid=bus.pid,
            agent_tokens=[issue_agent_token(SECRET, agent_id=name, role="agent", name="Agent") for name in names],
            where=setup.where,
        )

    @contextlib.contextmanager
    def _running(self, setup: Setup) -> Iterator[tuple[list[Node], Nats]]:
        with (
            self._databases.fresh() as url,
            nats() as bus,
            cluster(setup.processes, url, bus.url if setup.joined else "", self._databases.folder) as nodes,
            contextlib.ExitStack() as stack,
        ):
            if setup.share is not None:
                for node in nodes:
                    stack.enter_context(held(node.process.pid, setup.share))
            yield nodes, bus


def _measured(crowd: CrowdResult, nodes: list[Node]) -> Measured:
    counts = sum((node.counts() for node in nodes), Counter())
    return Measured(
        crowd,
        counts['kefu_bus_deliveries_total{kind="message"}']
        / counts['kefu_messages_total{outcome="stored",sender="visitor"}'],
        counts["kefu_append_batch_messages_sum"] / counts["kefu_append_batch_messages_count"],
    )


def main() -> None:
    """Measures, prints, writes."""
    wanted = sys.argv[1:] or ["heard", "held", "full"]
    sections = []
    with databases() as made:
        bench = Bench(made)
        if "heard" in wanted:
            sections.append(cluster_report.heard(bench.heard()))
        if "held" in wanted:
            sections.append(cluster_report.held([bench.beside_one(setups, ROUNDS) for setups in HELD]))
        if "full" in wanted:
            sections.append(cluster_report.full(bench.beside_one(LARGE, ROUNDS), bench.beside_one(SMALL, ROUNDS_SMALL)))
    page = HERE / "cluster.md"
    text = cluster_report.page(sections, page.read_text(encoding="utf-8"))
    print(text)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
