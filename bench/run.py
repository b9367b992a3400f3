"""Measures chat-server and its peers in one run; prints one table and writes it to `bench/results.md`.

    make bench              about four minutes
    make bench ARGS=--quick about twenty seconds, writes nothing

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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import asyncpg
import msgspec
import uvloop

from kefu.store.embedded import EmbeddedPostgres
from kefu.store.migrate import upgrade
from plan import IdleResult, LoadResult, Plan
from report import Report
from targets import HERE, TARGETS, Kefu, Server, Target

GENERATOR_S_MAX = 300.0

Result = TypeVar("Result", LoadResult, IdleResult)


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    rounds: int
    seconds_warm: float
    seconds: float
    seconds_paced: float
    steps: tuple[int, ...]
    settle_s: float
    visitors: int = 200


FULL = Scale(rounds=5, seconds_warm=2, seconds=6, seconds_paced=10, steps=(1000, 5000), settle_s=12)
QUICK = Scale(rounds=1, seconds_warm=1, seconds=3, seconds_paced=2, steps=(500,), settle_s=1)


class Bench:
    """One run."""

    def __init__(self, postgres: EmbeddedPostgres, folder: Path, scale: Scale) -> None:
        self._postgres = postgres
        self._folder = folder
        self._scale = scale
        self._postgres_pid = int(next(folder.rglob("postmaster.pid")).read_text().splitlines()[0])
        self._numbers = itertools.count(1)
        self._sql("create database bench_template owner chatapp")
        upgrade(self._url("bench_template"))

    def load(self, target: Target) -> LoadResult:
        """The closed loop: as fast as acks come."""
        scale = self._scale
        with self._running(target) as server:
            plan = self._plan(target, server, "closed")
            plan.seconds_warm, plan.seconds = scale.seconds_warm, scale.seconds
            return _generate(plan, LoadResult)

    def paced(self, target: Target) -> LoadResult:
        """The open loop: a steady trickle."""
        with self._running(target) as server:
            plan = self._plan(target, server, "paced")
            plan.seconds_warm, plan.seconds = 1, self._scale.seconds_paced
            return _generate(plan, LoadResult)

    def idle(self, target: Target, *, greets: bool) -> IdleResult:
        """Memory of connections that do nothing."""
        with self._running(target) as server:
            plan = self._plan(target, server, "idle")
            plan.steps, plan.greets, plan.settle_s = self._scale.steps, greets, self._scale.settle_s
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


def _generate(plan: Plan, result: type[Result]) -> Result:
    done = subprocess.run(
        [sys.executable, str(HERE / "generate.py")],
        input=msgspec.json.encode(plan),
        stdout=subprocess.PIPE,
        timeout=GENERATOR_S_MAX,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=result)


def measure(scale: Scale) -> Report:
    """Everything, in one run on one PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="kefu-bench-", dir="/tmp"))
    folder.chmod(0o755)  # as root, PostgreSQL runs as somebody else
    report = Report()
    try:
        with EmbeddedPostgres(folder / "data", crash_linger_s=1) as postgres:
            bench = Bench(postgres, folder, scale)
            for number in range(scale.rounds):
                for target in TARGETS:
                    _say(f"round {number + 1} of {scale.rounds}: {target.name}")
                    report.add_load(target.name, bench.load(target))
            for target in TARGETS:
                _say(f"paced: {target.name}")
                report.paced[target.name] = bench.paced(target)
            kefu = next(target for target in TARGETS if isinstance(target, Kefu))
            for what, greets in (("with a conversation", True), ("connected only", False)):
                _say(f"idle: {what}")
                report.idle[f"{kefu.name}, {what}"] = bench.idle(kefu, greets=greets)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description="Measure chat-server and its peers.")
    parser.add_argument("--quick", action="store_true", help="about twenty seconds; writes no file")
    arguments = parser.parse_args()
    report = measure(QUICK if arguments.quick else FULL)
    text = report.markdown("make bench" + (" ARGS=--quick" if arguments.quick else ""))
    print(text)
    if not arguments.quick:
        (HERE / "results.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
