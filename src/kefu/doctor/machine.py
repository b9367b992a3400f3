"""What the machine has left: disk, open files, the right time. `look` asks the kernel; the rest is pure."""

from __future__ import annotations

import resource
import shutil
from dataclasses import dataclass
from pathlib import Path

from kefu.doctor.findings import Finding, finding

DISK_FULL_BYTES = 200 * 1024**2
DISK_LOW_BYTES = 1024**3
FILES_WANTED = 8192
CLOCK_DIFFERENCE_S_MAX = 10.0
"""A token is good for 30 seconds beyond its time; a third of that is worth a word."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the kernel says.

    Attributes:
        folder: The nearest existing folder to where data is kept.
        free_bytes: Free there for us.
        files_max: Open files that this process may raise its limit to.
    """

    folder: str
    free_bytes: int
    files_max: int


def look(data_dir: Path) -> Facts:
    """Asks the kernel."""
    folder = next(one for one in (data_dir.absolute(), *data_dir.absolute().parents) if one.exists())
    _, files_max = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files_max == resource.RLIM_INFINITY:
        files_max = FILES_WANTED
    return Facts(str(folder), shutil.disk_usage(folder).free, files_max)


def judge(facts: Facts) -> list[Finding]:
    """What the answers mean."""
    findings = []
    if facts.free_bytes < DISK_LOW_BYTES:
        code = "disk_full" if facts.free_bytes < DISK_FULL_BYTES else "disk_low"
        findings.append(finding(code, folder=facts.folder, free_mb=facts.free_bytes // 1024**2))
    if facts.files_max < FILES_WANTED:
        findings.append(finding("files_few", limit=facts.files_max, wanted=FILES_WANTED))
    return findings


def check_clock(difference_s: float) -> list[Finding]:
    """Whether two machines agree on the time.

    Args:
        difference_s: The server's clock less ours.
    """
    if abs(difference_s) <= CLOCK_DIFFERENCE_S_MAX:
        return []
    return [finding("clock_wrong", seconds=round(difference_s))]
