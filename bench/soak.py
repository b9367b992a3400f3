"""Thirty minutes of churn, memory that must stay flat, and 200 random SIGKILLs; writes `bench/soak.md`.

    make soak                               the whole of it
    make soak ARGS="--minutes 4 --kills 20" a shorter one; written to standard output only

Half of the time one server lives on while rounds of new visitors come, send, lose their connections and go; after each
round, with nobody connected, its memory is sampled. In the other half the server is killed again and again. Every
message of both halves is judged as `kefu chaos` does.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import itertools
import json
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import uvloop

from kefu.chaos.process import ServerProcess, own_installation
from kefu.chaos.run import Chaos, Plan, Result
from kefu.client.address import Address
from kefu.tokens import TOKEN_LIFE_S_MAX, issue_agent_token

HERE = Path(__file__).parent
SECRET = "8c1b5b0f6f1d4a3e9c7a2d5e0b4f8a6c1d3e5f70"
ROUND = Plan(visitors=100, messages=30, seconds=30, fault_every_s=0.05, patience_s=60)
ROUND_S = 40.0
"""A round and what it takes to settle and to compare."""
SETTLE_S = 3.0
GROWTH_MAX = 1.10
"""The median of the last third over that of the second; the first third warms up."""
START_S = 3.0
"""What a start of the server takes, about; the rest of the time is between ready and the next kill."""


class Soak:
    """What was seen."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.memory: list[int] = []
        self.kept = True
        self.began = time.monotonic()

    def add(self, result: Result) -> None:
        """One more run of chaos."""
        self.totals.update(result.verdict.numbers())
        self.totals.update(connections=result.connections, kills=result.kills)
        self.faults.update(result.faults)
        self.kept = self.kept and result.verdict.is_kept and not result.gave_up

    @property
    def growth(self) -> float:
        """How much memory grew; 1 is flat."""
        third = len(self.memory) // 3
        if third == 0:
            return 1.0
        return statistics.median(self.memory[-third:]) / statistics.median(self.memory[third : 2 * third])

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept and memory is flat."""
        return self.kept and self.growth <= GROWTH_MAX


async def churn(server: ServerProcess, seconds: float, soak: Soak) -> None:
    """Rounds of visitors against one server that lives on."""
    end = time.monotonic() + seconds
    for number in itertools.count(1):
        soak.add(await chaos(server, ROUND, kills=False))
        await asyncio.sleep(SETTLE_S)
        soak.memory.append(psutil.Process(server.pid).memory_info().rss)
        say(
            f"churn, round {number}: {soak.memory[-1] / 2**20:.1f} MiB, {soak.totals['acked']} acked, kept: {soak.kept}"
        )
        if time.monotonic() + ROUND_S > end:
            return


async def kill(server: ServerProcess, seconds: float, kills: int, soak: Soak) -> None:
    """Kills the server so many times."""
    every_s = max(0.5, seconds / kills - START_S)
    plan = Plan(visitors=30, messages=60, seconds=60, fault_every_s=0.3, kill_every_s=every_s, patience_s=90)
    while server.kills < kills:
        soak.add(await chaos(server, plan, kills=True))
        say(f"kills: {server.kills} of {kills}, {soak.totals['acked']} acked, kept: {soak.kept}")


async def chaos(server: ServerProcess, plan: Plan, *, kills: bool) -> Result:
    """One run."""
    token = issue_agent_token(SECRET, agent_id="soak", role="agent", name="Soak", seconds=TOKEN_LIFE_S_MAX)
    return await Chaos(Address(server.url), token, plan, server if kills else None).run()


async def run(minutes: float, kills: int) -> Soak:
    """Both halves on one installation."""
    soak = Soak()
    folder = Path(tempfile.mkdtemp(prefix="kefu-soak-", dir="/tmp"))
    try:
        async with own_installation(SECRET, folder) as server:
            await server.until_ready()
            await churn(server, minutes * 30, soak)
            await kill(server, minutes * 30, kills, soak)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return soak


def lines(soak: Soak, command: str) -> Iterator[str]:
    """The page."""
    minutes = (time.monotonic() - soak.began) / 60
    machine = f"{psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB"
    yield "# Soak\n"
    yield f"`{command}` on {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, {minutes:.0f} minutes;"
    yield f"{machine}, {platform.system()} {platform.machine()}, Python {platform.python_version()}.\n"
    yield "| | |\n|---|---:|"
    for name, number in soak.totals.items():
        yield f"| {name.replace('_', ' ')} | {number:,} |"
    for name, number in sorted(soak.faults.items()):
        yield f"| broken connections: {name} | {number:,} |"
    if soak.memory:
        yield f"| memory after the first round, MiB | {soak.memory[0] / 2**20:.1f} |"
        yield f"| memory after the last round, MiB | {soak.memory[-1] / 2**20:.1f} |"
        yield f"| last third over second third, at most {GROWTH_MAX:.2f} | {soak.growth:.3f} |"
        yield f"\nMemory of the server (both programs) after each round, MiB: {samples(soak.memory)}."
    yield f"\n{'Every promise was kept' if soak.kept else 'A promise was broken'}; memory is" + (
        " flat." if soak.growth <= GROWTH_MAX else " not flat."
    )


def samples(memory: list[int]) -> str:
    """All of them, short."""
    return ", ".join(f"{value / 2**20:.1f}" for value in memory)


def say(what: str) -> None:
    """Progress."""
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    """Soaks, prints, writes."""
    parser = argparse.ArgumentParser(description="Soak chat-server.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--kills", type=int, default=200)
    arguments = parser.parse_args()
    soak = uvloop.run(run(arguments.minutes, arguments.kills))
    is_whole = arguments.minutes >= 30 and arguments.kills >= 200
    command = "make soak" if is_whole else f'make soak ARGS="--minutes {arguments.minutes:g} --kills {arguments.kills}"'
    text = "\n".join([*lines(soak, command), ""])
    print(text)
    if is_whole:
        (HERE / "soak.md").write_text(text, encoding="utf-8")
    say(json.dumps({"ok": soak.is_good}))
    sys.exit(not soak.is_good)


if __name__ == "__main__":
    main()
