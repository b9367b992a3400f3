"""PostgreSQL servers of every major version that Kefu supports, from npm's packages, for as long as a test wants one.

`package-lock.json` says which; they are downloaded when a test first wants one.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from alone import alone_with
from kefu.store.embedded_cluster import is_ready, stop_server
from kefu.store.embedded_place import Runner, can_execute, give_to, system_user

HOME = Path(__file__).resolve().parent
ROOT = HOME.parents[1]
MAJORS = (14, 15, 16, 17, 18)
PASSWORD = "admin-s3cr3t"
START_WAIT_S_MAX = 30

sys.path.insert(0, str(ROOT))

import hatch_build  # noqa: E402 - it lies beside the folders, not in a package


@cache
def packages() -> Path:
    """The folder of the installed packages, with the links that npm cannot store."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        if os.environ.get("CI"):
            pytest.fail("the servers to test with are for Linux on x86_64")
        pytest.skip("the servers to test with are for Linux on x86_64")
    lock, done = HOME / "package-lock.json", HOME / "node_modules" / ".installed"
    with alone_with(lock):
        if not done.is_file() or done.read_bytes() != lock.read_bytes():
            program, npm = hatch_build.node_and_npm()
            env = {**os.environ, "PATH": os.pathsep.join([str(Path(program).parent), os.environ.get("PATH", "")])}
            hatch_build.run([*npm, "ci", "--ignore-scripts", "--loglevel=error"], cwd=HOME, env=env)
            for major in MAJORS:
                _make_links(HOME / "node_modules" / f"pg{major}")
            done.write_bytes(lock.read_bytes())
    return HOME / "node_modules"


def _make_links(package: Path) -> None:
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        target = package / link["target"]
        target.unlink(missing_ok=True)
        target.symlink_to(os.path.relpath(package / link["source"], target.parent))
    for program in (package / "native" / "bin").iterdir():
        program.chmod(0o755)


@contextmanager
def running(major: int, *, hba: str = "", port: int = 5432, tcp: bool = False) -> Iterator[str]:
    """A server of that version; gives the superuser's address over its Unix socket.

    Args:
        major: The version.
        hba: Instead of passwords for everybody.
        port: Of the socket's name and, if `tcp`, on the loopback address.
        tcp: Whether it listens there.
    """
    entry = system_user() if os.geteuid() == 0 else None
    runner = Runner(entry.pw_uid, entry.pw_gid) if entry else Runner()
    folder = Path(tempfile.mkdtemp(prefix=f"kefu-pg{major}-", dir="/tmp"))
    give_to(folder, runner)
    try:
        native = packages() / f"pg{major}" / "native"
        if not can_execute(native / "bin", runner):
            folder.chmod(0o755)
            shutil.copytree(native, folder / "native", symlinks=True)
            native = folder / "native"
            folder.chmod(0o700)
        server = _start(native / "bin", folder, runner, hba, port, tcp=tcp)
        try:
            yield f"postgresql://postgres:{PASSWORD}@/postgres?host={folder}&port={port}"
        finally:
            stop_server(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(programs: Path, folder: Path, runner: Runner, hba: str, port: int, *, tcp: bool) -> subprocess.Popen[bytes]:
    cluster, words = folder / "cluster", folder / "password"
    words.write_text(PASSWORD)
    words.chmod(0o644)
    as_runner = {"user": runner.uid, "group": runner.gid, "cwd": "/", "env": {"PATH": os.defpath, "LC_ALL": "C"}}
    made = subprocess.run(
        [programs / "initdb", "-D", cluster, "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync",
         "--auth=scram-sha-256", f"--pwfile={words}"],
        capture_output=True, text=True, check=False, **as_runner,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    if hba:
        (cluster / "pg_hba.conf").write_text(hba)
    settings = {
        "listen_addresses": "127.0.0.1" if tcp else "",
        "port": port,
        "unix_socket_directories": folder,
        "fsync": "off",
        "shared_buffers": "16MB",
        "max_connections": "30",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([programs / "postgres", "-D", cluster, *options], stderr=log, **as_runner)
    deadline = time.monotonic() + START_WAIT_S_MAX
    while not is_ready(cluster, server.pid):
        assert server.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.02)
    return server
