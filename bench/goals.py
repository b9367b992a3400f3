"""What Kefu is meant to reach beside its peers, and whether this run reached it. Reads a report, measures nothing."""

from __future__ import annotations

from dataclasses import dataclass

from plan import LoadResult
from report import Pick, Report, ratio
from targets import Floor, Kefu, NodePg, NodePrisma, PythonSocketIo

CONNECTIONS = 10_000


@dataclass(frozen=True)
class Goal:
    """One of them.

    Attributes:
        what: What is compared.
        limit: The most, or the least, that is meant.
        at_least: Whether more is better.
        measured: What it came to.
        shown: How both numbers are written.
    """

    what: str
    limit: float
    at_least: bool
    measured: float
    shown: str = "{:.2f} ×"

    @property
    def is_met(self) -> bool:
        """Whether it was reached."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def line(self) -> str:
        """Its row."""
        asked = ("≥ " if self.at_least else "≤ ") + self.shown.format(self.limit)
        return (
            f"| {self.what} | {asked} | {self.shown.format(self.measured)} | {'met' if self.is_met else '**missed**'} |"
        )


def goals(report: Report) -> list[Goal]:
    """Those whose peers were in the run."""
    found = []

    def cost(peer: str, limit: float) -> None:
        measured = _compare(report.loads, peer, lambda result: result.server_us + result.postgres_us)
        found.append(Goal(f"server + PostgreSQL CPU a message, over {peer}", limit, at_least=False, measured=measured))

    def speed(peer: str, limit: float) -> None:
        measured = _compare(report.loads, peer, lambda result: result.messages_per_s)
        found.append(Goal(f"messages/s, over {peer}", limit, at_least=True, measured=measured))

    cost(Floor.name, 2)
    if NodePg.name in report.loads:
        cost(NodePg.name, 1 / 2.5)
        speed(NodePg.name, 2)
        speed(PythonSocketIo.name, 4)
        speed(NodePrisma.name, 20)
        found.extend(_paced(report, NodePg.name))
    found.extend(
        Goal(f"memory of an idle connection with a conversation, at {count:,}", 10, False, each, "{:.1f} KiB")
        for count, each in report.kib_each(Kefu.name)
        if count == CONNECTIONS
    )
    return found


def _paced(report: Report, peer: str) -> list[Goal]:
    picks: list[tuple[str, Pick]] = [
        ("send → ack, p50", lambda result: result.ack_ms.p50),
        ("send → ack, p99", lambda result: result.ack_ms.p99),
        ("send → delivery, p50", lambda result: result.delivery_ms.p50),
        ("send → delivery, p99", lambda result: result.delivery_ms.p99),
    ]
    return [
        Goal(f"100 messages/s: {what}, over {peer}", 1, at_least=False, measured=_compare(report.paced, peer, pick))
        for what, pick in picks
    ]


def _compare(rounds: dict[str, list[LoadResult]], peer: str, pick: Pick) -> float:
    ours, theirs = ([pick(result) for result in rounds[name]] for name in (Kefu.name, peer))
    return ratio(ours, theirs)


def table(report: Report) -> list[str]:
    """The goals of Kefu chat-server, as lines of a page."""
    return [
        f"| {Kefu.name}, 200 visitors, closed loop where nothing else is said | target | measured | |",
        "|---|---:|---:|---|",
        *(goal.line() for goal in goals(report)),
    ]
