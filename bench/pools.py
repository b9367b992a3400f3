"""Which pool suits each peer best: the closed loop with pools of several sizes in turns; prints the best rounds.

    python bench/pools.py [ROUNDS]

The best size stands in `targets.py`; run this again when a peer, PostgreSQL or the machine changes.
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
import tempfile
from pathlib import Path

from kefu.store.embedded import EmbeddedPostgres
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
    folder = Path(tempfile.mkdtemp(prefix="kefu-bench-", dir="/tmp"))
    folder.chmod(0o755)
    found: dict[tuple[str, int], list[LoadResult]] = {}
    try:
        with EmbeddedPostgres(folder / "data", crash_linger_s=1) as postgres:
            bench = Bench(postgres, folder, dataclasses.replace(QUICK, repeats_max=REPEATS_MAX))
            for _ in range(rounds):
                for target in PEER_TARGETS:
                    for size in SIZES:
                        result = bench.closed(dataclasses.replace(target, pool=size))
                        found.setdefault((target.name, size), []).append(result)
                        print(target.name, size, result, file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("| peer | pool | messages/s | server + PostgreSQL CPU, µs a message |\n|---|---:|---:|---:|")
    for (name, size), results in found.items():
        speed = max(result.messages_per_s for result in results)
        cost = min(result.server_us + result.postgres_us for result in results)
        print(f"| {name} | {size} | {speed:,.0f} | {cost:.0f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
