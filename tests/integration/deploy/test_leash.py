"""Nothing that the tests of deployments start outlives them, not even when they are killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from .leash import END_S_MAX

HOLDER = """
import os, subprocess, time
from leash import leash
with leash() as mark:
    started = subprocess.Popen(["sleep", "60"], env=os.environ | mark, start_new_session=True)
    print(started.pid, flush=True)
    time.sleep(60)
"""


def has_ended(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def test_a_kill_leaves_nothing_behind() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER], cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        pid = int(holder.stdout.readline())
        assert not has_ended(pid)
        os.kill(holder.pid, signal.SIGKILL)
    deadline = time.monotonic() + END_S_MAX
    while not has_ended(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_pm2_is_held_and_never_the_one_of_this_machine(node, leashed: dict[str, str]) -> None:
    told = node("pm2/bin/pm2", "ping").stdout
    assert f"pm2_home={leashed['PM2_HOME']}" in told
    pid = int((Path(leashed["PM2_HOME"]) / "pm2.pid").read_text())
    assert leashed.items() <= psutil.Process(pid).environ().items()
