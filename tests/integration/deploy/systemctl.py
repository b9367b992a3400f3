"""`systemctl` for a server that is a folder: the links by the real one, the programs by their units' own lines.

Run as `systemctl.py FOLDER reload|enable|disable …`. A unit's program is started as `Type=notify` says: the command
waits for its READY=1. Each program's process id is in `FOLDER/run/UNIT.pid`, its output in `FOLDER/var/log/UNIT.log`.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

START_S_MAX = 40
STOP_S_MAX = 20


def main(root: Path, verb: str, *arguments: str) -> None:
    if (verb, *arguments) == ("reload", "nginx"):
        reload(int((root / "run/nginx.pid").read_text()))
        return
    now, *units = arguments
    assert verb in ("enable", "disable"), verb
    assert now == "--now"
    names = [Path(unit).name.removesuffix(".service") for unit in units]
    if verb == "disable":
        for name in names:
            stop(root / f"run/{name}.pid")
    inside = ["/" + str(Path(unit).relative_to(root)) if unit.startswith("/") else unit for unit in units]
    subprocess.run(["systemctl", f"--root={root}", "--quiet", verb, *inside], check=True)
    if verb == "enable":
        for unit, name in zip(units, names, strict=True):
            subprocess.run(["systemd-analyze", "verify", "--man=no", unit], check=True)
            start(root, Path(unit), name)


def reload(pid: int) -> None:
    """Waits until nginx's workers are new: those before serve the old configuration."""
    before = psutil.Process(pid).children()
    os.kill(pid, signal.SIGHUP)
    wait(lambda: not any(one.is_running() and "shutting down" not in title(one) for one in before), "workers")


def title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return "shutting down"


def start(root: Path, unit: Path, name: str) -> None:
    lines = [line.partition("=")[::2] for line in unit.read_text().splitlines() if "=" in line and line[0] != "#"]
    of = dict(lines)
    assert of["Type"] == "notify"
    state = root / "var/lib" / of["StateDirectory"]
    state.mkdir(parents=True, exist_ok=True)
    # Like systemd: nothing of the caller's environment but these, and the mark that `leash.py` looks for.
    kept = ("PATH", "LANG", "LC_ALL", "KEFU_TEST_LEASH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= dict(one.split("=", 1) for one in of["Environment"].replace("%S", str(root / "var/lib")).split())
    settings = Path(of["EnvironmentFile"]).read_text().splitlines()
    environment |= dict(line.split("=", 1) for line in settings if "=" in line and line[0] != "#")
    told = root / f"run/{name}.notify"
    told.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard, (root / f"var/log/{name}.log").open("ab") as log:
        heard.bind(str(told))
        heard.settimeout(START_S_MAX)
        process = subprocess.Popen(
            shlex.split(of["ExecStart"]),
            cwd=state,
            env=environment | {"NOTIFY_SOCKET": str(told)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        (root / f"run/{name}.pid").write_text(str(process.pid))
        assert b"READY=1" in heard.recv(4096)


def stop(file: Path) -> None:
    """Ends the program whose process id is in a file, and waits until it has ended."""
    pid = int(file.read_text())
    file.unlink()
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.terminate()
        wait(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, f"process {pid}")


def wait(is_so, what: str) -> None:
    deadline = time.monotonic() + STOP_S_MAX
    while not is_so():
        if time.monotonic() > deadline:
            sys.exit(f"still there: {what}")
        time.sleep(0.02)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
