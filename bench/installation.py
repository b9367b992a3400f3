"""What measuring stands on: one PostgreSQL, a fresh database a run, a generator that is its own process, and quiet."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import asyncpg
import msgspec
import uvloop

from kefu.store.embedded import EmbeddedPostgres
from kefu.store.migrate import upgrade
from processes import machine_cpu_s

HERE = Path(__file__).parent
GENERATOR_S_MAX = 300.0
OTHERS_CORES_MAX = 0.25
"""A round beside which others used more is measured again: it would say more of them than of the server."""
QUIET_S = 1.0
QUIET_WAIT_S_MAX = 20.0

Result = TypeVar("Result")


class Databases:
    """A PostgreSQL that makes migrated databases.

    Attributes:
        folder: For files of the run; gone with it.
        postgres_pid: The parent of PostgreSQL's processes.
    """

    def __init__(self, postgres: EmbeddedPostgres, folder: Path) -> None:
        self.folder = folder
        self.postgres_pid = int(next(folder.rglob("postmaster.pid")).read_text().splitlines()[0])
        self._postgres = postgres
        self._numbers = itertools.count(1)
        self._sql("create database bench_template owner chatapp")
        upgrade(self._url("bench_template"))

    @contextlib.contextmanager
    def fresh(self) -> Iterator[str]:
        """The address of a new database, dropped afterwards."""
        name = f"bench_{next(self._numbers)}"
        self._sql(f"create database {name} template bench_template owner chatapp")
        yield self._url(name)
        self._sql(f"drop database {name} with (force)")

    def _url(self, database: str) -> str:
        return self._postgres.url.replace("@/kefu?", f"@/{database}?")

    def _sql(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self._postgres.admin_url)
            await connection.execute(statement)
            await connection.close()

        uvloop.run(run())


@contextlib.contextmanager
def databases() -> Iterator[Databases]:
    """A PostgreSQL for one run of a bench."""
    folder = Path(tempfile.mkdtemp(prefix="kefu-bench-", dir="/tmp"))
    folder.chmod(0o755)  # as root, PostgreSQL runs as somebody else
    try:
        with EmbeddedPostgres(folder / "data", crash_linger_s=1) as postgres:
            yield Databases(postgres, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def generate(script: str, plan: msgspec.Struct, result: type[Result]) -> Result:
    """Runs a plan in a generator of its own process; `script` is a file of this folder."""
    done = subprocess.run(
        [sys.executable, str(HERE / script)],
        input=msgspec.json.encode(plan),
        stdout=subprocess.PIPE,
        timeout=GENERATOR_S_MAX,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=result)


class Quiet:
    """Measures again what others disturbed.

    Args:
        repeats_max: How often at most; after that a round counts as it is, on however busy a machine.
    """

    def __init__(self, repeats_max: int) -> None:
        self.repeats = 0
        self._repeats_max = repeats_max

    def undisturbed(self, measure: Callable[[], Result], others: Callable[[Result], float]) -> Result:
        """The first result beside which others used little, in cores."""
        while True:
            result = measure()
            used = others(result)
            if used <= OTHERS_CORES_MAX or self.repeats == self._repeats_max:
                return result
            self.repeats += 1
            say(f"others used {used:.2f} cores meanwhile: again")
            _until_quiet()


def _until_quiet() -> None:
    """Waits a while for the others to finish; nothing of ours runs now."""
    deadline = time.monotonic() + QUIET_WAIT_S_MAX
    while time.monotonic() < deadline:
        before = machine_cpu_s()
        time.sleep(QUIET_S)
        if machine_cpu_s() - before <= OTHERS_CORES_MAX * QUIET_S:
            return


def say(*what: object) -> None:
    """Progress."""
    print(*what, file=sys.stderr, flush=True)
