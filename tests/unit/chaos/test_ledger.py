"""Each promise, kept and broken, as the ledger judges it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kefu.chaos.ledger import Entry, Ledger, Verdict


class Run:
    """Two visitors with three messages each, all well, until a test changes something."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.entries = {(v, n): self.ledger.entry(v, n) for v in (1, 2) for n in (1, 2, 3)}
        self.stored: dict[str, list[dict[str, Any]]] = {"c1": [], "c2": []}
        for (visitor, number), entry in self.entries.items():
            entry.sendings = 1
            self.stored[f"c{visitor}"].append(message(entry, number))
            self.ledger.answered(entry, ack(entry, number))
            self.ledger.delivered(message(entry, number))

    def judge(self) -> Verdict:
        return self.ledger.judge(self.stored)


def message(entry: Entry, seq: int) -> dict[str, Any]:
    return {"id": f"m{entry.visitor}{entry.number}", "seq": seq, "clientId": entry.client_id}


def ack(entry: Entry, seq: int) -> dict[str, Any]:
    return {"ok": True, "conversationId": f"c{entry.visitor}", "seq": seq, "id": f"m{entry.visitor}{entry.number}"}


def test_all_well() -> None:
    verdict = Run().judge()
    assert (verdict.sent, verdict.acked, verdict.stored, verdict.delivered) == (6, 6, 6, 6)
    assert verdict.is_kept


def lose(run: Run) -> None:
    run.stored["c1"].pop()


def renumber(run: Run) -> None:
    """Stored, but not where the ack said."""
    run.ledger.answered(run.entries[1, 3], ack(run.entries[1, 3], 7))


def rename(run: Run) -> None:
    run.stored["c1"][2]["id"] = "another"


def double(run: Run) -> None:
    run.stored["c1"].append(message(run.entries[1, 3], 4))


def swap(run: Run) -> None:
    """Stored in another order, as their acks say too."""
    first, second = run.stored["c1"][:2]
    first["seq"], second["seq"] = 2, 1
    run.ledger.answered(run.entries[1, 1], ack(run.entries[1, 1], 2))
    run.ledger.answered(run.entries[1, 2], ack(run.entries[1, 2], 1))


def tear(run: Run) -> None:
    """A number that nobody has."""
    run.stored["c1"][2]["seq"] = 4
    run.ledger.answered(run.entries[1, 3], ack(run.entries[1, 3], 4))


def behead(run: Run) -> None:
    """A conversation that begins at 2: somebody's first message went."""
    for stored in run.stored["c1"]:
        stored["seq"] += 1
    for n in (1, 2, 3):
        run.ledger.answered(run.entries[1, n], ack(run.entries[1, n], n + 1))


def withhold(run: Run) -> None:
    entry = run.ledger.entry(1, 4)
    entry.sendings = 1
    run.stored["c1"].append(message(entry, 4))
    run.ledger.answered(entry, ack(entry, 4))


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (lose, "lost"),
        (renumber, "lost"),
        (rename, "lost"),
        (double, "duplicated"),
        (swap, "out_of_order"),
        (tear, "holes"),
        (behead, "holes"),
        (withhold, "undelivered"),
    ],
)
def test_each_broken_promise_is_seen_alone(fault: Callable[[Run], None], name: str) -> None:
    run = Run()
    fault(run)
    verdict = run.judge()
    broken = {"duplicated", "out_of_order", "holes", "lost", "undelivered"}
    assert {key for key, count in verdict.numbers().items() if key in broken and count} == {name}
    assert verdict.numbers()[name] == 1
    assert not verdict.is_kept


def test_what_was_refused_for_a_while_may_come_later() -> None:
    run = Run()
    late = run.entries[1, 1]
    run.ledger.answered(late, {"ok": False, "error": "RATE_LIMITED"})
    first, second = run.stored["c1"][:2]
    first["seq"], second["seq"] = 2, 1
    run.ledger.answered(late, ack(late, 2))
    run.ledger.answered(run.entries[1, 2], ack(run.entries[1, 2], 1))
    verdict = run.judge()
    assert (verdict.out_of_order, verdict.refused) == (0, 1)
    assert verdict.is_kept


def test_what_was_not_acked_may_be_stored_or_not() -> None:
    run = Run()
    stored, gone = run.ledger.entry(1, 4), run.ledger.entry(2, 4)
    stored.sendings, gone.sendings = 1, 3
    run.stored["c1"].append(message(stored, 4))
    verdict = run.judge()
    assert (verdict.sent, verdict.resent, verdict.acked, verdict.stored) == (8, 2, 6, 7)
    assert verdict.is_kept


def test_deliveries_beyond_the_first_are_counted_and_allowed() -> None:
    run = Run()
    run.ledger.delivered(message(run.entries[1, 1], 1))
    run.ledger.delivered({"id": "x", "seq": 9, "clientId": None})
    verdict = run.judge()
    assert (verdict.delivered, verdict.delivered_again) == (6, 1)
    assert verdict.is_kept


def test_nothing_acked_proves_nothing() -> None:
    assert not Ledger().judge({}).is_kept
