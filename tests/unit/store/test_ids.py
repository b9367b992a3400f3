"""Opaque ids: 26 characters, unique, ordered by their millisecond."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest

from kefu.chat.messages import ID_LENGTH_MAX, check_conversation_id
from kefu.store.ids import new_id


def test_shape() -> None:
    """Section 3: ids are opaque text of at most 64 characters; ours are 26 of Crockford's base 32."""
    made = new_id()
    assert re.fullmatch(r"[0-9a-hjkmnp-tv-z]{26}", made)
    assert len(made) <= ID_LENGTH_MAX
    assert check_conversation_id(made) == made


def test_no_two_are_equal() -> None:
    """80 random bits within a millisecond."""
    assert len({new_id() for _ in range(20_000)}) == 20_000


def test_a_fork_draws_its_own() -> None:
    """What was drawn ahead is used by one process only."""
    code = """if True:
        import os
        from kefu.store.ids import new_id
        new_id()
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        print(*(new_id()[10:] for _ in range(300)), flush=True)
    """
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    drawn = done.stdout.split()
    assert len(set(drawn)) == len(drawn) == 600


def test_later_ids_sort_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time in front keeps new rows together in their indexes, also by byte (collation C)."""
    moment = time.time_ns()
    made = []
    for step in range(50):
        monkeypatch.setattr(time, "time_ns", lambda later=moment + step * 1_000_000: later)
        made.append(new_id())
    assert made == sorted(made)
