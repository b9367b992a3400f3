"""Ends what detached itself from the tests (PM2's daemon and its programs), however the tests end: a SIGKILL too.

Everything started with `mark` in its environment is held. A process of its own waits on a pipe that the kernel closes
when the tests are gone, and then ends whoever bears the mark.
"""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import sys
from collections.abc import Iterator

import psutil

NAME = "KEFU_TEST_LEASH"
END_S_MAX = 10


@contextlib.contextmanager
def leash() -> Iterator[dict[str, str]]:
    """The mark, to be added to the environment of what is started; nothing that bears it outlives the block."""
    value = secrets.token_hex(8)
    with subprocess.Popen([sys.executable, __file__, value], stdin=subprocess.PIPE, start_new_session=True):
        yield {NAME: value}


def end(value: str) -> None:
    """Ends every process that bears the mark, PM2's daemon and what it would start again included."""
    held = [process for process in psutil.process_iter() if _mark(process) == value]
    for process in held:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(held, END_S_MAX)[1]:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _mark(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(NAME)
    except (psutil.Error, OSError):
        return None


if __name__ == "__main__":
    sys.stdin.read()
    end(sys.argv[1])
