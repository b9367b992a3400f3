"""Thirty minutes of churn, memory that must stay flat, and 200 random SIGKILLs; writes `bench/soak.md`.

    make soak                               the whole of it
    make soak ARGS="--minutes 4 --kills 20" a shorter one; written to standard output only

One server lives all the time while rounds of new visitors come, send, lose their connections and go; after each round,
with nobody connected, its memory is sampled: what is resident (RSS). The shares of it that count shared pages by who
else has them (PSS, USS) would move with the other server, which has a database of its own and is killed again and
again. Every message of both is judged as `kefu chaos` does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
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
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

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
WARM_SHARE = 1 / 3
"""Of the time: caches, pools and the interpreter's arenas fill up first."""
GROWTH_MAX = 0.05
"""What the line through the samples after that may rise from its begin to its end, over their median."""
START_S = 6.0
"""What a start of the server and the comparing take, about a kill; the rest is between ready and the next kill."""


@dataclass(frozen=True)
class Sample:
    """The server's memory between two rounds: seconds since the begin, bytes, and how many were connected still."""

    at_s: float
    rss: int
    connected: int


class Soak:
    """What was seen."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.samples: list[Sample] = []
        self.kept = True
        self.began = time.monotonic()

    def add(self, result: Result) -> None:
        """One more run of chaos."""
        self.totals.update(result.verdict.numbers())
        self.totals.update(connections=result.connections, kills=result.kills)
        self.faults.update(result.faults)
        self.kept = self.kept and result.verdict.is_kept and not result.gave_up

    @property
    def warm(self) -> list[Sample]:
        """The samples that count."""
        if not self.samples:
            return []
        begin = self.samples[-1].at_s * WARM_SHARE
        return [sample for sample in self.samples if sample.at_s >= begin]

    @property
    def slope(self) -> float:
        """How fast memory grows, by the method of least squares; bytes a second."""
        warm = self.warm
        if len(warm) < 2:
            return 0.0
        return statistics.linear_regression([sample.at_s for sample in warm], [sample.rss for sample in warm]).slope

    @property
    def growth(self) -> float:
        """The rise of that line from the first sample to the last, over the samples' median; 0 is flat."""
        warm = self.warm
        if len(warm) < 2:
            return 0.0
        return self.slope * (warm[-1].at_s - warm[0].at_s) / statistics.median(sample.rss for sample in warm)

    @property
    def connected(self) -> int:
        """The most who were connected when memory was sampled: whoever a round leaves behind looks like a leak."""
        return max((sample.connected for sample in self.samples), default=0)

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept and memory is flat, sampled with nobody connected."""
        return self.kept and self.growth <= GROWTH_MAX and not self.connected


async def churn(server: ServerProcess, seconds: float, soak: Soak) -> None:
    """Rounds of visitors against one server that lives on."""
    end = time.monotonic() + seconds
    for number in itertools.count(1):
        soak.add(await chaos(server, ROUND, kills=False))
        await asyncio.sleep(SETTLE_S)
        sample = look(server, time.monotonic() - soak.began)
        soak.samples.append(sample)
        acked = soak.totals["acked"]
        say(f"churn, round {number}: {mib(sample.rss)} MiB, {sample.connected} left, {acked} acked, kept: {soak.kept}")
        if time.monotonic() + ROUND_S > end:
            return


def look(server: ServerProcess, at_s: float) -> Sample:
    """The server at this moment."""
    process = psutil.Process(server.pid)
    port = urlsplit(server.url).port
    sockets = process.net_connections("tcp")
    connected = sum(one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port for one in sockets)
    return Sample(at_s, process.memory_info().rss, connected)


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
    """Both, each on an installation of its own."""
    soak = Soak()
    async with installation() as lives, installation() as dies:
        await asyncio.gather(churn(lives, minutes * 60, soak), kill(dies, minutes * 60, kills, soak))
    return soak


@contextlib.asynccontextmanager
async def installation() -> AsyncIterator[ServerProcess]:
    """A server that is ready, and gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="kefu-soak-", dir="/tmp"))
    try:
        async with own_installation(SECRET, folder) as server:
            await server.until_ready()
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
    yield f"| memory after the first round, MiB | {mib(soak.samples[0].rss)} |"
    yield f"| memory after the last round, MiB | {mib(soak.samples[-1].rss)} |"
    yield f"| connected when it was sampled, at most | {soak.connected} |"
    yield f"| slope after the first third of the time, MiB an hour | {soak.slope * 3600 / 2**20:+.1f} |"
    yield f"| rise of that line over its time, at most {GROWTH_MAX:.0%} | {soak.growth:+.1%} |"
    yield f"\n{'Every promise was kept' if soak.kept else 'A promise was broken'}; memory is" + (
        " flat." if soak.growth <= GROWTH_MAX else " not flat."
    )
    yield "\nThe server that lives on (with the main site in its process), between rounds, nobody connected:\n"
    yield "| minute | RSS, MiB |\n|---:|---:|"
    for sample in soak.samples:
        yield f"| {sample.at_s / 60:.1f} | {mib(sample.rss)} |"


def mib(size: int) -> str:
    """Bytes for people."""
    return f"{size / 2**20:.1f}"


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
