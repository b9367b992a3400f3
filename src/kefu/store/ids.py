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


def new_id() -> str:
    """A new id, unique for practical purposes across nodes."""
    return _time_letters(time.time_ns() // 1_000_000) + os.urandom(_RANDOM_LETTERS).translate(_LETTERS).decode()


@lru_cache(maxsize=1)
def _time_letters(milliseconds: int) -> str:
    return "".join([_ALPHABET[milliseconds >> shift & 31] for shift in _TIME_SHIFTS])
