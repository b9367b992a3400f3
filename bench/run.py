"""Measures chat-server and its peers in one run; prints one table and writes it to `bench/results.md`.

    make bench                        about thirteen minutes, with the peers
    make bench ARGS=--short           about five minutes, with the peers
    make bench ARGS=--no-peers        about four minutes, writes nothing
    make bench ARGS=--quick           about twenty seconds, without the peers, writes nothing
    make bench ARGS="--quick --peers" about a minute, writes nothing

Servers take turns on the same machine and PostgreSQL, each time freshly started on a fresh database. The generator is
a process of its own; its CPU is in the table so that one sees when it, not the server, is the limit.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import asyncpg
import msgspec
import uvloop

import goals
from kefu.store.embedded import EmbeddedPostgres
from kefu.store.migrate import upgrade
from peers import installed
from plan import IdleResult, LoadResult, Plan
from processes import machine_cpu_s
from report import Report
from targets import HERE, PEER_TARGETS, TARGETS, Server, Target

GENERATOR_S_MAX = 300.0
OTHERS_CORES_MAX = 0.25
"""A round beside which others used more is measured again: it would say more of them than of the server."""
QUIET_S = 1.0
QUIET_WAIT_S_MAX = 20.0

Result = TypeVar("Result", LoadResult, IdleResult)


@dataclass(frozen=True)
class Scale:
    """How much is measured: rounds of the closed loop and of the paced one, seconds, connections.

    Attributes:
        repeats_max: Rounds that may be measured again; after that they count as they are, on however busy a machine.
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


FULL = Scale(5, 3, seconds_warm=2, seconds=6, seconds_paced=8, steps=(1000, 10_000), settle_s=6, repeats_max=8)
SHORT = Scale(3, 1, seconds_warm=1, seconds=3, seconds_paced=6, steps=(1000, 10_000), settle_s=2, repeats_max=4)
QUICK = Scale(1, 1, seconds_warm=1, seconds=3, seconds_paced=2, steps=(500,), settle_s=1)


class Bench:
    """One run."""

    def __init__(self, postgres: EmbeddedPostgres, folder: Path, scale: Scale) -> None:
        self._postgres = postgres
        self._folder = folder
        self._scale = scale
        self._postgres_pid = int(next(folder.rglob("postmaster.pid")).read_text().splitlines()[0])
        self._numbers = itertools.count(1)
        self.repeats = 0
        self._sql("create database bench_template owner chatapp")
        upgrade(self._url("bench_template"))

    def closed(self, target: Target) -> LoadResult:
        """The closed loop: as fast as acks come."""
        return self._undisturbed(target, "closed", self._scale.seconds_warm, self._scale.seconds)

    def paced(self, target: Target) -> LoadResult:
        """The open loop: a steady trickle."""
        return self._undisturbed(target, "paced", 1, self._scale.seconds_paced)

    def _undisturbed(self, target: Target, mode: str, seconds_warm: float, seconds: float) -> LoadResult:
        while True:
            with self._running(target) as server:
                plan = self._plan(target, server, mode)
                plan.seconds_warm, plan.seconds = seconds_warm, seconds
                result = _generate(plan, LoadResult)
            if result.other_cores <= OTHERS_CORES_MAX or self.repeats == self._scale.repeats_max:
                return result
            self.repeats += 1
            _say(f"others used {result.other_cores:.2f} cores meanwhile: again")
            _until_quiet()

    def idle(self, target: Target, steps: tuple[int, ...], *, greets: bool) -> IdleResult:
        """Memory of connections that do nothing, and what it takes to accept them."""
        with self._running(target) as server:
            plan = self._plan(target, server, "idle")
            plan.steps, plan.greets, plan.settle_s = steps, greets, self._scale.settle_s
            return _generate(plan, IdleResult)

    def _plan(self, target: Target, server: Server, mode: str) -> Plan:
        return Plan(
            mode=mode,  # type: ignore[arg-type]
            dialect=target.dialect,
            port=server.port,
            server_pid=server.pid,
            postgres_pid=self._postgres_pid,
            agent_token=server.agent_token,
            visitors=self._scale.visitors,
        )

    @contextlib.contextmanager
    def _running(self, target: Target) -> Iterator[Server]:
        name = f"bench_{next(self._numbers)}"
        self._sql(f"create database {name} template bench_template owner chatapp")
        with target.running(self._url(name), self._folder, self._scale.visitors) as server:
            yield server
        self._sql(f"drop database {name} with (force)")

    def _url(self, database: str) -> str:
        return self._postgres.url.replace("@/kefu?", f"@/{database}?")

    def _sql(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self._postgres.admin_url)
            await connection.execute(statement)
            await connection.close()

        uvloop.run(run())


def _until_quiet() -> None:
    """Waits a while for the others to finish; nothing of ours runs now."""
    deadline = time.monotonic() + QUIET_WAIT_S_MAX
    while time.monotonic() < deadline:
        before = machine_cpu_s()
        time.sleep(QUIET_S)
        if machine_cpu_s() - before <= OTHERS_CORES_MAX * QUIET_S:
            return


def _generate(plan: Plan, result: type[Result]) -> Result:
    done = subprocess.run(
        [sys.executable, str(HERE / "generate.py")],
        input=msgspec.json.encode(plan),
        stdout=subprocess.PIPE,
        timeout=GENERATOR_S_MAX,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=result)


def measure(scale: Scale, targets: list[Target]) -> Report:
    """Everything, in one run on one PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="kefu-bench-", dir="/tmp"))
    folder.chmod(0o755)  # as root, PostgreSQL runs as somebody else
    report = Report()
    try:
        with EmbeddedPostgres(folder / "data", crash_linger_s=1) as postgres:
            bench = Bench(postgres, folder, scale)
            for number in range(scale.rounds):
                for target in targets:
                    _say(f"round {number + 1} of {scale.rounds}: {target.name}")
                    report.add_load(target.name, bench.closed(target))
            for number in range(scale.rounds_paced):
                for target in targets:
                    _say(f"paced, round {number + 1} of {scale.rounds_paced}: {target.name}")
                    report.add_paced(target.name, bench.paced(target))
            for target in targets:
                _say(f"idle: {target.name}")
                report.idle[target.name] = bench.idle(target, scale.steps, greets=True)
                _say(f"accepting: {target.name}")
                report.accepted[target.name] = bench.idle(target, scale.steps[-1:], greets=False)
            report.repeats = bench.repeats
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description="Measure chat-server and its peers.")
    scales = parser.add_mutually_exclusive_group()
    scales.add_argument("--quick", action="store_true", help="about twenty seconds; writes no file")
    scales.add_argument("--short", action="store_true", help="about five minutes")
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
