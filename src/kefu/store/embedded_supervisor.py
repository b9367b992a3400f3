"""The one small process that owns an embedded PostgreSQL and keeps it while anybody uses it.

Runs in a session of its own, so it outlives the program that started it. Every user holds one connection to its control
socket for as long as it needs the database: that connection is the lease. A user that says goodbye and was the last one
stops PostgreSQL; a user that just vanishes (killed) leaves it running for `linger_s`, in which its next start finds it.
Knows signals and one socket; the server itself is `embedded_cluster.py`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from kefu.store.embedded_cluster import (
    CLUSTER,
    LOG,
    POLL_S,
    STOP_WAIT_S_MAX,
    Plan,
    StartError,
    check_version,
    clear_leftovers,
    launch,
    make_cluster,
    set_passwords,
    single_user,
    stop_server,
)

READY = b"ready\n"
GOODBYE = b"bye\n"
CONTROL_SOCKET = "control"

FIRST_USER_WAIT_S = 30.0
OTHER_SUPERVISOR_WAIT_S_MAX = 40.0
RESTARTS_MAX = 5
RESTART_WINDOW_S = 60.0
TOUCH_INTERVAL_S = 3600.0  # cleaners of /tmp remove what nobody touched for days
LOG_BYTES_MAX = 8_388_608


class Supervisor:
    """Holds PostgreSQL while anybody uses it.

    Args:
        plan: What to run and where.
        server: The running server.
        listener: The bound control socket.
    """

    def __init__(self, plan: Plan, server: subprocess.Popen[bytes], listener: socket.socket) -> None:
        self._plan = plan
        self._server = server
        self._listener = listener
        self._users: set[socket.socket] = set()
        self._leaving: list[socket.socket] = []
        self._stop_at: float | None = time.monotonic() + FIRST_USER_WAIT_S
        self._restarts: list[float] = []
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._wakeup_end = socket.socketpair()

    def run(self) -> None:
        """Serves leases until nobody needs the database, then stops it."""
        self._wakeup_end.setblocking(False)
        self._listener.setblocking(False)
        signal.set_wakeup_fd(self._wakeup_end.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        while self._stop_at is None or time.monotonic() < self._stop_at:
            for key, _ in self._selector.select(self._wait_s()):
                self._serve(key.fileobj)
        self._listener.close()
        Path(self._plan.socket_dir, CONTROL_SOCKET).unlink(missing_ok=True)
        stop_server(self._server)

    def _wait_s(self) -> float:
        if self._stop_at is not None:
            return max(0.0, self._stop_at - time.monotonic())
        os.utime(Path(self._plan.socket_dir, CONTROL_SOCKET))
        return TOUCH_INTERVAL_S

    def _serve(self, ready: object) -> None:
        if ready is self._listener:
            self._admit()
        elif ready is self._wakeup:
            self._on_signals(self._wakeup.recv(64))
        elif isinstance(ready, socket.socket):
            self._on_user(ready)

    def _admit(self) -> None:
        user, _ = self._listener.accept()
        user.setblocking(False)
        with contextlib.suppress(OSError):
            user.send(READY)
        self._users.add(user)
        self._stop_at = None
        while self._leaving:
            self._leaving.pop().close()
        self._selector.register(user, selectors.EVENT_READ)

    def _on_user(self, user: socket.socket) -> None:
        """A user says goodbye, or its process is gone."""
        try:
            said_goodbye = user.recv(64) == GOODBYE
        except BlockingIOError:
            return
        except OSError:
            said_goodbye = False
        self._selector.unregister(user)
        self._users.discard(user)
        if self._users:
            user.close()
            return
        self._leaving.append(user)  # closed by our exit: it tells the last user that PostgreSQL has stopped
        self._stop_at = time.monotonic() + (0.0 if said_goodbye else self._plan.linger_s)

    def _on_signals(self, numbers: bytes) -> None:
        if signal.SIGCHLD in numbers and self._server.poll() is not None:
            self._restart()
        if (signal.SIGTERM in numbers or signal.SIGINT in numbers) and self._users:
            # The machine stops everything at once: the users finish first, but not for ever.
            self._stop_at = time.monotonic() + STOP_WAIT_S_MAX
        elif signal.SIGTERM in numbers or signal.SIGINT in numbers:
            self._stop_at = time.monotonic()

    def _restart(self) -> None:
        """PostgreSQL itself ended (killed, out of memory): start it again, unless that keeps happening."""
        now = time.monotonic()
        self._restarts = [at for at in self._restarts if now - at < RESTART_WINDOW_S] + [now]
        if len(self._restarts) > RESTARTS_MAX or self._stop_at is not None:
            self._stop_at = now
            return
        try:
            self._server = launch(self._plan)
        except StartError as error:
            print(error, file=sys.stderr)  # noqa: T201  (standard error is the log)
            self._stop_at = now


def become(plan: Plan) -> None:
    """Gives up root for good, and opens our log as standard error."""
    if plan.uid is not None and plan.gid is not None:
        os.setgroups([plan.gid])
        os.setgid(plan.gid)
        os.setuid(plan.uid)
    os.umask(0o077)
    try:
        log = Path(plan.home, LOG)
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.rename(log.with_suffix(".log.1"))
        log_fd = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise StartError(
            f"user {os.geteuid()} cannot write in {plan.home} ({error.strerror}): "
            "its owner and the folders above must allow it, or set KEFU_DATA_DIR to another folder"
        ) from error
    os.dup2(log_fd, 2)


def become_the_only_one(plan: Plan) -> None:
    """Waits for an older supervisor that is just stopping; the lock is kept until our end."""
    lock = os.open(Path(plan.home, "supervisor.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + OTHER_SUPERVISOR_WAIT_S_MAX
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                raise StartError(f"another Kefu holds {plan.home} and does not let go") from None
            time.sleep(POLL_S)
        else:
            return


def start(plan: Plan) -> Supervisor:
    """Everything up to a database that accepts connections.

    Raises:
        StartError: With the reason, ready to show.
    """
    become(plan)
    become_the_only_one(plan)
    cluster = Path(plan.home, CLUSTER)
    if not cluster.exists():
        make_cluster(plan)
    else:
        check_version(plan, cluster)
        if plan.reset_passwords:
            clear_leftovers(cluster)
            single_user(plan, cluster, set_passwords(plan))
    control = Path(plan.socket_dir, CONTROL_SOCKET)
    control.unlink(missing_ok=True)
    server = launch(plan)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(control))
    listener.listen()
    return Supervisor(plan, server, listener)


def main() -> None:
    """Reads the plan, reports `{"error": text | null}` on standard output, then supervises."""
    if os.fork():
        os._exit(0)  # whoever started us need not wait for our end
    plan = Plan(**json.load(sys.stdin))
    problem = None
    supervisor = None
    try:
        supervisor = start(plan)
    except (StartError, OSError) as error:
        problem = str(error)
    # Without a reader our start went on while the starter was killed: the next one finds the database running.
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps({"error": problem}).encode())
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    if supervisor is not None:
        supervisor.run()
