"""How often a login may fail: counted by client address and by login, over the last minute.

A pure counter; the caller passes the time. An attempt counts as failed from its start, so that many at once do not get
past the limit, and is forgiven when it succeeds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from kefu.transport.address import address_group

WINDOW_S = 60.0
KEYS_MAX = 20_000
LOGIN_TIMES = 10
"""How many times the failures of one address a login may have from everywhere: few enough to guess nothing by, too many
for one address to keep an agent out."""


class Key(NamedTuple):
    """What failures are counted of.

    Attributes:
        name: Tells it from others.
        times: How many times the limit it may have.
    """

    name: str
    times: int = 1


class Throttle:
    """Counts failures.

    Args:
        failures_per_min: How many a key may have in a minute.
    """

    def __init__(self, failures_per_min: int) -> None:
        self._failures_max = failures_per_min
        self._failures: dict[Key, deque[float]] = {}

    def wait_s(self, keys: Sequence[Key], now: float) -> float:
        """Seconds until none of the keys is over the limit; 0 if an attempt may be made now."""
        return max(self._wait_of(key, now) for key in keys)

    def begin(self, keys: Sequence[Key], now: float) -> None:
        """Counts an attempt as failed."""
        for key in keys:
            failures = self._failures.pop(key, deque(maxlen=self._failures_max * key.times))
            failures.append(now)
            self._failures[key] = failures  # at the end: the longest unused keys are in front
        while len(self._failures) > KEYS_MAX:
            del self._failures[next(iter(self._failures))]

    def forgive(self, keys: Sequence[Key]) -> None:
        """Takes back the newest failure of each key: that attempt succeeded."""
        for key in keys:
            if failures := self._failures.get(key):
                failures.pop()

    def _wait_of(self, key: Key, now: float) -> float:
        failures = self._failures.get(key)
        if failures is None or len(failures) < self._failures_max * key.times:
            return 0.0
        return max(0.0, failures[0] + WINDOW_S - now)


def login_keys(address: str, login: str) -> list[Key]:
    """The keys of an attempt: the group of its client address (IPv6: the /64), and, far wider, its login."""
    return [Key(f"address {address_group(address)}"), Key(f"login {login}", LOGIN_TIMES)]
