"""Passwords of agents: hashed and compared with argon2, in a thread, a few at a time.

Knows nothing of logins or sessions. Comparing takes the same work whether or not there is a hash to compare with.
"""

from __future__ import annotations

import asyncio
import functools
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_CHARS_MIN = 8
PASSWORD_CHARS_MAX = 256
AT_ONCE_MAX = 2  # each takes a core for some 50 ms and 64 MiB
GENERATED_CHARS = 16
GENERATED_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without look-alikes

_hasher = PasswordHasher()


class PasswordCheck:
    """Compares passwords without blocking the event loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE_MAX)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password; with no hash (unknown login) the same work is done, and the answer is False."""
        async with self._turn:
            return await asyncio.to_thread(_matches, password, password_hash)


async def hash_password(password: str) -> str:
    """The text to store."""
    return await asyncio.to_thread(_hasher.hash, password)


def password_problem(password: str) -> str | None:
    """Why a new password is refused; None if it is good."""
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        return f"a password has {PASSWORD_CHARS_MIN}–{PASSWORD_CHARS_MAX} characters; this one has {len(password)}"
    return None


def generate_password() -> str:
    """A password that a person can type: 16 characters, 93 bits."""
    return "".join(secrets.choice(GENERATED_ALPHABET) for _ in range(GENERATED_CHARS))


def _matches(password: str, password_hash: str | None) -> bool:
    try:
        _hasher.verify(password_hash or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@functools.cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_hex())
