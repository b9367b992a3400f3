"""How long the next commit waits for more messages where several processes compete for the processor.

A commit costs this process, PostgreSQL and the bus something whatever is in it, and each of them takes the processor
from the others to do its part. While it is short, a commit that waits is larger and nobody gets less done; otherwise
nothing waits (ADR 8). Linux counts how long a thread runs and waits; elsewhere nothing ever waits.
"""

from __future__ import annotations

import os
from collections.abc import Callable

PAUSE_NS_MAX = 20_000_000
WAITED_TO_RAN_MIN = 1.5
"""One busy process with its PostgreSQL on two cores comes to 0.5, two such processes to 1, four to 2 or 3."""
PAUSE_TO_WAITED = 2

_TIMES = "/proc/thread-self/schedstat"


def thread_times_ns() -> tuple[int, int]:
    """How long this thread has run, and how long it was ready to run and had to wait; zeros where nobody counts."""
    try:
        file = os.open(_TIMES, os.O_RDONLY)
    except OSError:
        return 0, 0
    try:
        ran, waited, _ = os.read(file, 100).split()
    finally:
        os.close(file)
    return int(ran), int(waited)


class Crowding:
    """Watches one thread from commit to commit.

    Args:
        times_ns: As `thread_times_ns`.
    """

    def __init__(self, times_ns: Callable[[], tuple[int, int]] = thread_times_ns) -> None:
        self._times_ns = times_ns
        self._ran_ns = self._waited_ns = 0

    def pause_s(self) -> float:
        """How long a commit should wait, by what happened since this was called last; mostly 0."""
        ran_ns, waited_ns = self._times_ns()
        ran_lately, waited_lately = ran_ns - self._ran_ns, waited_ns - self._waited_ns
        self._ran_ns, self._waited_ns = ran_ns, waited_ns
        if waited_lately <= ran_lately * WAITED_TO_RAN_MIN:
            return 0.0
        return min(waited_lately * PAUSE_TO_WAITED, PAUSE_NS_MAX) / 1e9
