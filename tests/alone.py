"""One process at a time, where several of `pytest -n` would make the same thing."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def alone_with(file: Path) -> Iterator[None]:
    """Waits until no other process is alone with this file; it is only read."""
    with file.open() as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
