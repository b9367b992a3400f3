"""Files that are not whole yet: whose they are, and when nobody's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kefu.store import part_file


def test_one_that_is_written_stays_and_an_abandoned_one_goes(tmp_path: Path) -> None:
    written, path = part_file.make(tmp_path)
    abandoned, left = part_file.make(tmp_path)
    os.close(abandoned)
    (tmp_path / f"{part_file.PREFIX}link{part_file.SUFFIX}").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").touch()
    part_file.clear_abandoned(tmp_path)
    assert (path.exists(), left.exists(), (tmp_path / "elsewhere").exists()) == (True, False, True)
    assert path.stat().st_mode & 0o777 == 0o600
    os.close(written)
    part_file.clear_abandoned(tmp_path)
    assert not path.exists()


def test_one_that_is_taken_before_it_is_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, taken = part_file.fcntl.flock, []

    def flock(descriptor: int, operation: int) -> None:
        if not taken:
            (first,) = tmp_path.iterdir()
            taken.append(first)
            first.unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(part_file.fcntl, "flock", flock)
    descriptor, path = part_file.make(tmp_path)
    assert path.exists()
    assert path not in taken
    os.close(descriptor)
