"""Opaque ids: 26 characters, unique, ordered by their millisecond."""

from __future__ import annotations

import re
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


def test_later_ids_sort_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time in front keeps new rows together in their indexes, also by byte (collation C)."""
    moment = time.time_ns()
    made = []
    for step in range(50):
        monkeypatch.setattr(time, "time_ns", lambda later=moment + step * 1_000_000: later)
        made.append(new_id())
    assert made == sorted(made)
