"""Opaque ids: 26 characters of Crockford's base 32, 48 bits of milliseconds before 80 random ones.

The time in front keeps new rows together in their indexes; nothing may read it back as a fact.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LETTERS = "".join(_ALPHABET[byte & 31] for byte in range(256)).encode()
"""The letter of each byte: five of its bits count."""
_TIME_SHIFTS = range(45, -1, -5)
_RANDOM_LETTERS = 16
_DRAWN_AT_ONCE = 256
"""Ids whose random letters are drawn from the kernel in one call; a call costs more than all the rest."""


def new_id() -> str:
    """A new id, unique for practical purposes across nodes."""
    try:
        random = _drawn.pop()
    except IndexError:
        random = _draw()
    return _time_letters(time.time_ns() // 1_000_000) + random


_drawn: list[str] = []
os.register_at_fork(after_in_child=_drawn.clear)  # two processes must not use the same letters


def _draw() -> str:
    letters = os.urandom(_RANDOM_LETTERS * _DRAWN_AT_ONCE).translate(_LETTERS).decode()
    first, *others = (letters[at : at + _RANDOM_LETTERS] for at in range(0, len(letters), _RANDOM_LETTERS))
    _drawn.extend(others)
    return first


@lru_cache(maxsize=1)
def _time_letters(milliseconds: int) -> str:
    return "".join([_ALPHABET[milliseconds >> shift & 31] for shift in _TIME_SHIFTS])
