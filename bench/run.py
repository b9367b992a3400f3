"""Measures chat-server and its peers in one run; prints one table and writes it to `bench/results.md`.

    make bench                        about fifteen minutes, with the peers
    make bench ARGS=--short           about eight minutes, with the peers
    make bench ARGS=--no-peers        about four minutes, writes nothing
    make bench ARGS=--quick           about twenty seconds, without the peers, writes nothing
    make bench ARGS="--quick --peers" about a minute, writes nothing

Servers take turns on the same machine and PostgreSQL, each time freshly started on a fresh database. The generator is
a process of its own; its CPU is in the table so that one sees when it, not the server, is the limit.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import goals
from installation import HERE, Databases, Quiet, databases, generate, say
from peers import installed
from plan import IdleResult, LoadResult, Plan
from report import Report
from targets import PEER_TARGETS, TARGETS, Server, Target


@dataclass(frozen=True)
class Scale:
    """How much is measured: rounds of the closed loop and of the paced one, seconds, connections.

    Attributes:
        repeats_max: Rounds that may be measured again because others disturbed them.
    """

    rounds: int
    rounds_paced: int
    seconds_warm: float
    seconds: float
    seconds_paced: float
    steps: tuple[int, ...]
    settle_s: float
    repeats_max: int = 0
    visitors: int = 200


FULL = Scale(5, 5, seconds_warm=2, seconds=6, seconds_paced=8, steps=(1000, 10_000), settle_s=6, repeats_max=8)
SHORT = Scale(3, 3, seconds_warm=1, seconds=3, seconds_paced=6, steps=(1000, 10_000), settle_s=2, repeats_max=4)
QUICK = Scale(1, 1, seconds_warm=1, seconds=3, seconds_paced=2, steps=(500,), settle_s=1)


class Bench:
    """One run."""

    def __init__(self, databases: Databases, scale: Scale) -> None:
        self._databases = databases
        self._scale = scale
        self._quiet = Quiet(scale.repeats_max)

    @property
    def repeats(self) -> int:
        """Rounds that were measured again."""
        return self._quiet.repeats

    def closed(self, target: Target) -> LoadResult:
        """The closed loop: as fast as acks come."""
        return self._undisturbed(target, "closed", self._scale.seconds_warm, self._scale.seconds)

    def paced(self, target: Target) -> LoadResult:
        """The open loop: a steady trickle."""
        return self._undisturbed(target, "paced", 1, self._scale.seconds_paced)

    def _undisturbed(self, target: Target, mode: str, seconds_warm: float, seconds: float) -> LoadResult:
        def measure() -> LoadResult:
            with self._running(target) as server:
                plan = self._plan(target, server, mode)
                plan.seconds_warm, plan.seconds = seconds_warm, seconds
                return generate("generate.py", plan, LoadResult)

        return self._quiet.undisturbed(measure, lambda result: result.other_cores)

    def idle(self, target: Target, steps: tuple[int, ...], *, greets: bool) -> IdleResult:
        """Memory of connections that do nothing, and what it takes to accept them."""
        with self._running(target) as server:
            plan = self._plan(target, server, "idle")
            plan.steps, plan.greets, plan.settle_s = steps, greets, self._scale.settle_s
            return generate("generate.py", plan, IdleResult)

    def _plan(self, target: Target, server: Server, mode: str) -> Plan:
        return Plan(
            mode=mode,  # type: ignore[arg-type]
            dialect=target.dialect,
            port=server.port,
            server_pid=server.pid,
            postgres_pid=self._databases.postgres_pid,
            agent_token=server.agent_token,
            visitors=self._scale.visitors,
        )

    @contextlib.contextmanager
    def _running(self, target: Target) -> Iterator[Server]:
        with (
            self._databases.fresh() as url,
            target.running(url, self._databases.folder, self._scale.visitors) as server,
        ):
            yield server


def measure(scale: Scale, targets: list[Target]) -> Report:
    """Everything, in one run on one PostgreSQL."""
    report = Report()
    with databases() as made:
        bench = Bench(made, scale)
        for number in range(scale.rounds):
            for target in targets:
                say(f"round {number + 1} of {scale.rounds}: {target.name}")
                report.add_load(target.name, bench.closed(target))
        for number in range(scale.rounds_paced):
            for target in targets:
                say(f"paced, round {number + 1} of {scale.rounds_paced}: {target.name}")
                report.add_paced(target.name, bench.paced(target))
        for target in targets:
            say(f"idle: {target.name}")
            report.idle[target.name] = bench.idle(target, scale.steps, greets=True)
            say(f"accepting: {target.name}")
            report.accepted[target.name] = bench.idle(target, scale.steps[-1:], greets=False)
        report.repeats = bench.repeats
    return report


def main() -> None:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description="Measure chat-server and its peers.")
    scales = parser.add_mutually_exclusive_group()
    scales.add_argument("--quick", action="store_true", help="about twenty seconds; writes no file")
    scales.add_argument("--short", action="store_true", help="about eight minutes")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, help="the default, but for --quick")
    parser.add_argument("--rounds", type=int, help="of the closed loop")
    arguments = parser.parse_args()
    scale = QUICK if arguments.quick else SHORT if arguments.short else FULL
    if arguments.rounds:
        scale = replace(scale, rounds=arguments.rounds)
    with_peers = not arguments.quick if arguments.peers is None else arguments.peers
    if with_peers:
        installed.node()
    report = measure(scale, [*TARGETS, *(PEER_TARGETS if with_peers else [])])
    given = " ".join(sys.argv[1:])
    text = report.markdown("make bench" + (f' ARGS="{given}"' if given else ""), goals.table(report))
    print(text)
    if with_peers and not arguments.quick:
        (HERE / "results.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
