"""Commits wait for each other's messages only while the processor is short."""

from __future__ import annotations

import time

import pytest

from kefu.store.crowding import PAUSE_NS_MAX, PAUSE_TO_WAITED, WAITED_TO_RAN_MIN, Crowding, thread_times_ns

MS = 1_000_000


@pytest.mark.parametrize(
    ("ran_ms", "waited_ms", "pause_ms"),
    [
        (0, 0, 0),
        (5, 0, 0),
        (5, 5, 0),
        (4, 4 * WAITED_TO_RAN_MIN, 0),
        (2, 5, 5 * PAUSE_TO_WAITED),
        (20, 900, PAUSE_NS_MAX / MS),
    ],
)
def test_pause(ran_ms: float, waited_ms: float, pause_ms: float) -> None:
    """What happened before the last call counts no more."""
    times = iter([(7 * MS, 900 * MS), (int((7 + ran_ms) * MS), int((900 + waited_ms) * MS))])
    crowding = Crowding(lambda: next(times))
    crowding.pause_s()
    assert crowding.pause_s() == pytest.approx(pause_ms / 1000)


def test_times_of_this_thread() -> None:
    """Linux counts; both only grow."""
    ran, waited = thread_times_ns()
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    ran_later, waited_later = thread_times_ns()
    assert ran_later == ran == 0 or ran_later - ran >= 10 * MS
    assert waited_later >= waited


def test_where_nobody_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kefu.store.crowding._TIMES", "/nowhere/schedstat")
    assert thread_times_ns() == (0, 0)
    assert Crowding().pause_s() == 0
