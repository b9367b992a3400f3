"""A file that is not whole yet: under a name of ours beside its place, locked as long as its writer lives.

The kernel lets go of the lock however the writer ends, so whoever gets it knows that nobody writes there any more.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX, SUFFIX = ".kefu-backup.", ".part"


def make(folder: Path) -> tuple[int, Path]:
    """A new, empty file of mode 600 and its descriptor, to write and read; closing it gives the lock up.

    Raises:
        OSError: There can be none.
    """
    while True:
        descriptor, name = tempfile.mkstemp(SUFFIX, PREFIX, folder)
        with suppress(OSError):  # a file system without locks: then nobody can take it for abandoned either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _is_at(name, descriptor):
            return descriptor, Path(name)
        os.close(descriptor)  # between its making and its lock somebody took it for abandoned


def clear_abandoned(folder: Path) -> None:
    """Removes such files whose writer was killed; what cannot be locked or removed stays."""
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(path, descriptor):
                    path.unlink()
            finally:
                os.close(descriptor)


def _is_at(name: str | Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(name, follow_symlinks=False), os.fstat(descriptor))  # noqa: PTH116
    except FileNotFoundError:
        return False
