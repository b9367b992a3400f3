"""The page of `cluster.py`: medians of the rounds, beside what was aimed at."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from paced import AGENTS, RATE_PER_S, SECONDS, SETTLE_S, VISITORS, Heard

if TYPE_CHECKING:
    from cluster import Measured, Setup

HELD_RATIO_MIN = 1.7
CPU_RATIO_MAX = 1.3

INTRODUCTION = """# What more processes give and cost

`python bench/cluster.py`. Everything runs on one machine: chat-servers, PostgreSQL, NATS and the generator.
"""
_SECTION = "\n## "


def page(sections: list[str], before: str) -> str:
    """The page with these sections in the place of older ones of the same title."""
    kept = {section.partition("\n")[0]: section for section in before.split(_SECTION)[1:]}
    kept |= {section.partition("\n")[0]: section for section in sections}
    return _SECTION.join([INTRODUCTION, *kept.values()])


def _circumstances() -> str:
    where = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {where}."


def heard(rows: list[Heard]) -> str:
    """Whether a node's work depends on its own sockets."""
    lines = [
        f"| {row.nodes} | {row.messages} | {row.delivered} | {row.heard_messages:.1f} | {_most(row)} "
        f"| {row.heard_rows:.1f} | {row.heard_presence:.1f} |"
        for row in rows
    ]
    return f"""What a node hears from the others

{_circumstances()}

The same trickle each time: {VISITORS} visitors, {AGENTS} agents, {RATE_PER_S} messages a second in all, every visitor's
agent on another node. Figures of what was heard are a second and a node.

| nodes | messages | came to their agent | heard: messages | target | inbox hints | presence |
|---|---|---|---|---|---|---|
{_joined(lines)}

A node hears the messages of conversations that have a socket on it, and nothing of the others: where N nodes share
the load, an Nth of all messages. Inbox hints are at most four a second from each other node, whatever the load: each
names all conversations that changed. Presence is one report in five seconds from each other node, and the changes.
"""


def _most(row: Heard) -> str:
    return f"≤ {row.messages / (SECONDS + SETTLE_S) / row.nodes:.1f}" if row.nodes > 1 else "0"


def held(crowds: list[dict[Setup, list[Measured]]]) -> str:
    """What a second process carries where each has the same share of a core."""
    share = next(iter(crowds[0])).share or 0
    return f"""Each process held to a share of a core

{_circumstances()}

To {share:.0%}, by the kernel's CPU groups, so that neither PostgreSQL nor the generator is the limit. The same crowd on
one process and on two, in a closed loop, 8 agents, visitors' agents on any node as by chance. "To one" is the median of
the rounds' ratios, with the least and the most: one process and two have turns, as below. Medians of
{_rounds(crowds[0])} rounds.

| visitors | processes | messages/s | to one | target | commit | cores: chat-servers | PostgreSQL | NATS | generator |
|---|---|---|---|---|---|---|---|---|---|
{_joined([line for found in crowds for line in _held(found)])}
"""


def _held(found: dict[Setup, list[Measured]]) -> list[str]:
    lines = []
    for setup, rounds in found.items():
        rate, to_one, batch = _median(rounds, _rate), _to_one(rounds, _rate), _median(rounds, lambda each: each.batch)
        cores = [rate * _median(rounds, pick) / 1e6 for pick in (_server, _postgres, _nats, _generator)]
        target = f"≥ {HELD_RATIO_MIN}" if setup.processes > 1 else ""
        lines.append(
            f"| {setup.visitors} | {setup.processes} | {rate:,.0f} | {to_one} | {target} | {batch:.0f} | "
            + " | ".join(f"{value:.2f}" for value in cores)
            + " |"
        )
    return lines


def full(large: dict[Setup, list[Measured]], small: dict[Setup, list[Measured]]) -> str:
    """What a message costs on several processes that nothing holds."""
    return f"""Full load, nothing held

{_circumstances()}

The same crowd on one, two and four processes, in a closed loop, 8 agents; "server" is chat-servers' CPU a message, of
all of them together, in µs. "Crosses" is the share of messages that came to another node: by chance 1/2 of them on two
nodes and 3/4 on four; in the worst case every agent is elsewhere. "To one" is the median of the rounds' ratios, with
the least and the most: in each round one process alone and the processes of the row stand side by side, each with a
database and a NATS of its own, and have turns of a few seconds, because the machine's speed drifts from one second to
the next. What a node still does in the other's turn counts as its own; what it does at rest, measured before, does not.
"Others" is what had nothing to do with the run, in cores; a round beside which it was more than a quarter was measured
again. Medians.

{_crowd(large)}

{_crowd(small)}

How to read it: where nothing crosses, a message does the same work as on one process. What it costs more there is the
price of several processes on {os.cpu_count()} cores: smaller commits, more wakings, and caches that are cold after each
switch between them, PostgreSQL and the generator. The generator's work ("load") is the same in every row; its column
shows a part of that. The bus is the difference between 0 % and 100 %: hearing a message, and encoding it for sockets
once more. Publishing is in every row but the one without NATS, because nobody knows who listens. Of the large crowd
each of four processes has as many visitors as one has of the small crowd; of the small one it has fifty, and small
commits.
"""


def _crowd(found: dict[Setup, list[Measured]]) -> str:
    lines = []
    for setup, rounds in found.items():
        rate, server, to_one = _median(rounds, _rate), _median(rounds, _server), _to_one(rounds, _server)
        crossed, batch = _median(rounds, lambda each: each.crossed), _median(rounds, lambda each: each.batch)
        others = [_median(rounds, pick) for pick in (_nats, _postgres, _generator)]
        name = f"{setup.processes}" if setup.joined else f"{setup.processes}, without NATS"
        target = f"≤ {CPU_RATIO_MAX}" if setup.processes > 1 else ""
        lines.append(
            f"| {name} | {len(rounds)} | {crossed:.0%}{_case(setup)} | {server:.1f} | {to_one} | {target} | "
            + " | ".join(f"{value:.1f}" for value in others)
            + f" | {batch:.0f} | {rate:,.0f} | {_median(rounds, strangers):.2f} |"
        )
    visitors = next(iter(found)).visitors
    return f"""{visitors} visitors in all:

| processes | rounds | crosses | server | to one | target | NATS | PostgreSQL | load | commit | messages/s | others |
|---|---|---|---|---|---|---|---|---|---|---|---|
{_joined(lines)}"""


def _to_one(rounds: list[Measured], pick: Callable[[Measured], float]) -> str:
    """The rounds' ratios to one process alone."""
    ratios = sorted(pick(each) / pick(each.alone) for each in rounds if each.alone is not None)
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})" if ratios else ""


def _case(setup: Setup) -> str:
    return {"same": "", "chance": ", by chance", "other": ", worst"}[setup.where] if setup.processes > 1 else ""


def _rate(one: Measured) -> float:
    return one.crowd.load.messages_per_s


def _server(one: Measured) -> float:
    return one.crowd.load.server_us


def _postgres(one: Measured) -> float:
    return one.crowd.load.postgres_us


def _generator(one: Measured) -> float:
    return one.crowd.load.generator_us


def _nats(one: Measured) -> float:
    return one.crowd.nats_us


def strangers(one: Measured) -> float:
    """CPU that had nothing to do with the run, in cores."""
    load = one.crowd.load
    return max(0.0, load.other_cores - one.crowd.nats_us * load.messages_per_s / 1e6)


def _median(rounds: Iterable[Measured], pick: Callable[[Measured], float]) -> float:
    return statistics.median(map(pick, rounds))


def _rounds(found: dict[Setup, list[Measured]]) -> int:
    return len(next(iter(found.values())))


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines)
