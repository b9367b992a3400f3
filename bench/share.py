"""Holds a process to a share of one core by the kernel's CPU groups (cgroup v2 or v1); needs root.

The period is short, so that a held process answers late by milliseconds, not by tenths of a second.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

PERIOD_US = 10_000
_V2, _V1 = Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/cpu")


@contextlib.contextmanager
def held(pid: int, share: float) -> Iterator[None]:
    """Holds a process to a share of one core until the end, or its own.

    Raises:
        SystemExit: The kernel's CPU groups cannot be used here.
    """
    quota_us = round(share * PERIOD_US)
    if "cpu" in _text(_V2 / "cgroup.subtree_control").split():
        root, limits = _V2, {"cpu.max": f"{quota_us} {PERIOD_US}"}
    else:
        root, limits = _V1, {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(quota_us)}
    group = root / f"kefu-bench-{os.getpid()}-{pid}"
    try:
        group.mkdir()
        for name, value in limits.items():
            (group / name).write_text(value)
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        raise SystemExit(f"processes cannot be held to a share of CPU here: {error}") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it may have ended
            (root / "cgroup.procs").write_text(str(pid))
        group.rmdir()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
