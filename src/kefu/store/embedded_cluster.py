"""The embedded PostgreSQL's cluster on disk and the server that runs on it: made, checked, started, stopped.

Part of the supervisor's process. Knows files and processes; never connects to the database and imports nothing of Kefu.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil

CLUSTER = "cluster"
LOG = "server.log"
DATABASE = "kefu"
ROLE = "chatapp"
SUPERUSER = "postgres"

READY_WAIT_S_MAX = 300.0  # crash recovery of a large log counts too
STOP_WAIT_S_MAX = 20.0
POLL_S = 0.01
LOG_TAIL_LINES = 12
DISK_FULL = ("No space left on device", "Check free disk space")
"""What PostgreSQL says then: the second where a part of a block still went in."""

CONNECTIONS_MAX = 80
"""Unless whoever starts it asks for more."""

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "cluster_name": "kefu",
    "max_connections": str(CONNECTIONS_MAX),
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",  # no discs that turn
    "jit": "off",
    "io_method": "sync",  # spares the three I/O processes of the default
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # What people write must not reach the log: no statements, no details of failing rows.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] ",
}


class StartError(Exception):
    """PostgreSQL cannot run here; the text says why, for the person who started Kefu."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the starter hands over on standard input.

    Attributes:
        binaries: Folder of `postgres` and `initdb`.
        home: Our folder with the cluster and the log, owned by the user who runs PostgreSQL.
        socket_dir: Private folder of the database's and the control socket.
        uid: User to become before anything is touched; None to stay who we are.
        gid: That user's group.
        linger_s: How long PostgreSQL stays after its last user vanished without a goodbye.
        settings: PostgreSQL settings over `SETTINGS`.
        superuser_password: Password of `postgres`.
        role_password: Password of the role the server connects with, which is no superuser.
        reset_passwords: The cluster is older than these passwords: set them before the start.
    """

    binaries: str
    home: str
    socket_dir: str
    uid: int | None
    gid: int | None
    linger_s: float
    settings: dict[str, str]
    superuser_password: str
    role_password: str
    reset_passwords: bool


def run_tool(command: list[str], feed: str = "") -> str:
    """Runs one of PostgreSQL's programs and returns what it wrote.

    Raises:
        StartError: It failed; the text holds its last lines.
    """
    done = subprocess.run(  # noqa: S603  (our own binaries and arguments)
        command, input=feed, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=tool_env(), check=False
    )
    if done.returncode != 0:
        raise StartError(explain(f"{Path(command[0]).name} failed", done.stdout))
    return done.stdout


def tool_env() -> dict[str, str]:
    """An environment without the PG* names of whoever started us."""
    return {"PATH": os.defpath, "LC_ALL": "C"}


def explain(what: str, output: str) -> str:
    """One readable text from a failed program's output."""
    lines = [line.strip() for line in output.splitlines() if line.strip()][-LOG_TAIL_LINES:]
    if any(sign in line for line in lines for sign in DISK_FULL):
        return f"{what}: the disk is full (No space left on device)"
    return f"{what}: " + (" | ".join(lines) or "no output")


def single_user(plan: Plan, cluster: Path, statements: list[str]) -> None:
    """Runs statements on a cluster that is not started; needs no password and no socket."""
    command = [f"{plan.binaries}/postgres", "--single", "-D", str(cluster), "-c", "log_checkpoints=off", SUPERUSER]
    # The program reports a failed statement on its output only, never by its exit status.
    output = run_tool(command, "".join(f"{statement};\n" for statement in statements))
    if " ERROR: " in output or " FATAL: " in output:
        raise StartError(explain("preparing the database failed", output))


def set_passwords(plan: Plan) -> list[str]:
    """Statements that give both roles the plan's passwords (made by us from hex digits, so quoting is plain)."""
    return [
        f"alter role {SUPERUSER} password '{plan.superuser_password}'",
        f"alter role {ROLE} password '{plan.role_password}'",
    ]


def make_cluster(plan: Plan) -> None:
    """Makes cluster, role and database in a staging folder, then names it: a killed start leaves nothing half made."""
    staging = Path(plan.home, f"{CLUSTER}.new")
    shutil.rmtree(staging, ignore_errors=True)
    command = [f"{plan.binaries}/initdb", "-D", str(staging), "-U", SUPERUSER, "-E", "UTF8", "--no-instructions"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=scram-sha-256"]
    if plan.settings.get("fsync") == "off":
        command.append("--no-sync")
    password_file = Path(plan.home, "password.new")
    password_file.write_text(plan.superuser_password)
    try:
        run_tool([*command, f"--pwfile={password_file}"])
    finally:
        password_file.unlink()
    make_role = [
        f"create role {ROLE} login nosuperuser nocreatedb nocreaterole password '{plan.role_password}'",
        f"create database {DATABASE} owner {ROLE}",
        f"revoke connect, temporary on database {DATABASE} from public",
    ]
    single_user(plan, staging, make_role)
    staging.rename(Path(plan.home, CLUSTER))


def check_version(plan: Plan, cluster: Path) -> None:
    """Refuses data of another major version, which PostgreSQL could not read."""
    ours = run_tool([f"{plan.binaries}/postgres", "--version"]).split()[-1].split(".")[0]
    theirs = Path(cluster, "PG_VERSION").read_text().strip()
    if ours != theirs:
        raise StartError(
            f"{cluster} was written by PostgreSQL {theirs}, the embedded one is {ours}: "
            "with the version of Kefu that wrote it run `kefu backup`, point KEFU_DATA_DIR to a new folder, and there "
            "run `kefu restore` with this one"
        )


def processes_in(cluster: Path) -> list[psutil.Process]:
    """PostgreSQL processes whose working directory is the cluster: the postmaster and its children."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd() == str(cluster):
                found.append(process)
    return found


def clear_leftovers(cluster: Path) -> None:
    """Ends a PostgreSQL that lost its supervisor, and forgets a pid file whose number now belongs to a stranger."""
    pid_file = cluster / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return
    running = processes_in(cluster)
    if any(process.pid == pid for process in running):
        os.kill(pid, signal.SIGINT)
    _, alive = psutil.wait_procs(running, timeout=STOP_WAIT_S_MAX)
    if alive:
        raise StartError(f"an older PostgreSQL (process {alive[0].pid}) on {cluster} does not stop")
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(pid)
        pid_file.unlink(missing_ok=True)  # alive, but not on this cluster: PostgreSQL would wait for a stranger


def is_ready(cluster: Path, pid: int) -> bool:
    """Whether the server `pid` accepts connections; it says so in the last line of its pid file."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def launch(plan: Plan) -> subprocess.Popen[bytes]:
    """Starts the server and returns when it accepts connections.

    Raises:
        StartError: It ended or was not ready in time; the text holds the end of its log.
    """
    cluster = Path(plan.home, CLUSTER)
    clear_leftovers(cluster)
    settings = SETTINGS | {"unix_socket_directories": plan.socket_dir} | plan.settings
    command = [f"{plan.binaries}/postgres", "-D", str(cluster)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    log_start = os.fstat(2).st_size
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, env=tool_env(), cwd="/")  # noqa: S603
    deadline = time.monotonic() + READY_WAIT_S_MAX
    while not is_ready(cluster, server.pid):
        if server.poll() is not None or time.monotonic() > deadline:
            stop_server(server)
            with Path(plan.home, LOG).open("rb") as log:
                log.seek(log_start)
                raise StartError(explain("PostgreSQL did not start", log.read().decode(errors="replace")))
        time.sleep(POLL_S)
    return server


def stop_server(server: subprocess.Popen[bytes]) -> None:
    """Ends open connections, writes everything and stops; at once and without care if that takes too long."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is not None:
            return
        server.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP_WAIT_S_MAX)
