"""The embedded PostgreSQL as its users see it: ask for it, get a URL, let go.

Holds one lease, a connection to the supervisor (`embedded_supervisor.py`), and starts the supervisor if there is none.
Several programs may share one data folder; the last one that lets go stops PostgreSQL. A lease belongs to the process
that started it: worker processes are given the URL and never start anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from kefu.store import embedded_supervisor as supervisor
from kefu.store.embedded_cluster import CLUSTER, DATABASE, ROLE, SUPERUSER, Plan
from kefu.store.embedded_place import (
    HOME,
    LOCK,
    EmbeddedPostgresError,
    Place,
    Record,
    make_data_dir,
    prepare,
    read_record,
)

# Isolated from the environment and the current folder, so where this very package lies is an argument.
PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from kefu.store.embedded_supervisor import main; main()"
PACKAGES = Path(__file__).parents[2]

CRASH_LINGER_S = 60.0
LOCK_WAIT_S_MAX = 360.0
ANSWER_WAIT_S_MAX = 10.0
RELEASE_WAIT_S_MAX = 45.0
POLL_S = 0.02


def is_made(data_dir: Path) -> bool:
    """Whether a data folder holds a database; one that we may not look into counts as one."""
    try:
        return (data_dir / HOME / CLUSTER).exists()
    except PermissionError:
        return True


class EmbeddedPostgres:
    """PostgreSQL in a data folder, running at least as long as this lease is held.

    Use it as a context manager, `with` or `async with`.

    Args:
        data_dir: Folder for everything; made if missing.
        crash_linger_s: How long PostgreSQL stays after its last user was killed, so that a restart finds it.
        settings: PostgreSQL settings over our own, used by whoever starts it.
    """

    def __init__(
        self, data_dir: Path, *, crash_linger_s: float = CRASH_LINGER_S, settings: Mapping[str, str] | None = None
    ) -> None:
        self._data_dir = Path(data_dir).absolute()
        self._crash_linger_s = crash_linger_s
        self._settings = dict(settings or {})
        self._lease: socket.socket | None = None
        self._record: Record | None = None

    @property
    def url(self) -> str:
        """`postgresql://` URL of the database `kefu` for its owner, a role that is no superuser."""
        return self._url(ROLE, self._held().role_password, DATABASE)

    @property
    def admin_url(self) -> str:
        """The same server for PostgreSQL's superuser: for backups and tests, never for Kefu itself."""
        return self._url(SUPERUSER, self._held().superuser_password, "postgres")

    def start(self) -> None:
        """Takes the lease; starts PostgreSQL if it is not running. Blocks; about a second on the first run.

        Raises:
            EmbeddedPostgresError: With the reason and what to do.
        """
        if self._lease is not None:
            return
        make_data_dir(self._data_dir)
        if self._take_lease():
            return
        with start_lock(self._data_dir):
            if self._take_lease():
                return
            place = prepare(self._data_dir)
            spawn_supervisor(self._plan(place))
            if not self._take_lease():
                raise EmbeddedPostgresError(
                    f"PostgreSQL in {place.home} was stopped while it started; see its log there"
                )

    def stop(self) -> None:
        """Lets go, and waits until PostgreSQL has stopped if nobody else uses it. Safe to call twice."""
        lease, self._lease = self._lease, None
        if lease is None:
            return
        with lease, contextlib.suppress(OSError):
            lease.settimeout(RELEASE_WAIT_S_MAX)
            lease.send(supervisor.GOODBYE)
            lease.recv(1)  # the end of the connection: stopped, or still needed by others

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    def _take_lease(self) -> bool:
        """Connects to a running supervisor; False if there is none, or one that is just stopping."""
        record = read_record(self._data_dir)
        if record is None:
            return False
        lease = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            lease.settimeout(ANSWER_WAIT_S_MAX)
            lease.connect(str(Path(record.socket_dir, supervisor.CONTROL_SOCKET)))
            if lease.recv(len(supervisor.READY)) != supervisor.READY:
                lease.close()
                return False
        except OSError:
            lease.close()
            return False
        self._lease, self._record = lease, record
        return True

    def _plan(self, place: Place) -> Plan:
        return Plan(
            binaries=str(place.binaries),
            home=str(place.home),
            socket_dir=place.record.socket_dir,
            uid=place.runner.uid,
            gid=place.runner.gid,
            linger_s=self._crash_linger_s,
            settings=self._settings,
            superuser_password=place.record.superuser_password,
            role_password=place.record.role_password,
            reset_passwords=place.passwords_are_new,
        )

    def _held(self) -> Record:
        if self._lease is None or self._record is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL is not started")
        return self._record

    def _url(self, role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{password}@/{database}?host={quote(self._held().socket_dir, safe='/')}"


@contextlib.contextmanager
def start_lock(data_dir: Path) -> Iterator[None]:
    """One starter at a time; the others wait and then find PostgreSQL running. The kernel frees it with its holder."""
    with os.fdopen(os.open(data_dir / LOCK, os.O_RDWR | os.O_CREAT, 0o600), "rb") as lock:
        deadline = time.monotonic() + LOCK_WAIT_S_MAX
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EmbeddedPostgresError(f"another Kefu has been starting {data_dir} for too long") from None
                time.sleep(POLL_S)
        yield


def spawn_supervisor(plan: Plan) -> None:
    """Starts the supervisor in a session of its own and waits for its report.

    Raises:
        EmbeddedPostgresError: With the reason that it reports.
    """
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-c", PROGRAM, str(PACKAGES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        start_new_session=True,
    )
    report, complaint = process.communicate(json.dumps(asdict(plan)).encode())
    try:
        problem = json.loads(report)["error"]
    except ValueError:
        problem = f"its supervisor failed: {complaint.decode(errors='replace').strip()[-2000:]}"
    if problem is not None:
        raise EmbeddedPostgresError(problem)
