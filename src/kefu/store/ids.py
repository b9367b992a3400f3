"""Opaque ids: 26 characters of Crockford's base 32, 48 bits of milliseconds before 80 random ones.

The time in front keeps new rows together in their indexes; nothing may read it back as a fact.
"""

from __future__ import annotations

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)


def new_id() -> str:
    """A new id, unique for practical purposes across nodes."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])
