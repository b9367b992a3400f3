"""Which pool suits each peer best: the closed loop with pools of several sizes in turns; prints the best rounds.

    python bench/pools.py [ROUNDS]

The best size stands in `targets.py`; run this again when a peer, PostgreSQL or the machine changes.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace

from installation import databases, say
from peers import installed
from plan import LoadResult
from run import QUICK, Bench
from targets import PEER_TARGETS

SIZES = (4, 8, 12, 20, 40)
"""PostgreSQL allows 80 connections; some are its own."""
REPEATS_MAX = 10


def main(rounds: int) -> None:
    """Measures and prints."""
    installed.node()
    found: dict[tuple[str, int], list[LoadResult]] = {}
    with databases() as made:
        bench = Bench(made, replace(QUICK, repeats_max=REPEATS_MAX))
        for _ in range(rounds):
            for target, size in itertools.product(PEER_TARGETS, SIZES):
                result = bench.closed(replace(target, pool=size))
                found.setdefault((target.name, size), []).append(result)
                say(target.name, size, result)
    print("| peer | pool | messages/s | server + PostgreSQL CPU, µs a message |\n|---|---:|---:|---:|")
    for (name, size), results in found.items():
        speed = max(result.messages_per_s for result in results)
        cost = min(result.server_us + result.postgres_us for result in results)
        print(f"| {name} | {size} | {speed:,.0f} | {cost:.0f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
