"""How often a key may do something in this process: a bucket a key, forgotten when it is full again.

Counters are per node (contract section 1). The clock is passed in, so that tests need not wait.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable

from kefu import metrics
from kefu.chat.rates import Bucket, Rate
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.config import Settings

PURGE_KEYS_MIN = 1_000
"""Fewer keys are not worth looking at; beyond, full buckets are forgotten each time the keys have doubled."""


class Limiter:
    """One rate, many keys; `name` is how the metrics call it."""

    def __init__(self, rate: Rate, *, clock: Callable[[], float] = time.monotonic, name: str = "other") -> None:
        self._name = name
        self._rate = rate
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self._purge_at = PURGE_KEYS_MIN

    def check(self, key: str, code: ErrorCode = ErrorCode.RATE_LIMITED, what: str = "too many of these") -> None:
        """Takes one event of this key.

        Raises:
            Refusal: With the milliseconds after which one is allowed.
        """
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._add(key, now)
        wait_s = bucket.take(self._rate, now)
        if wait_s:
            metrics.RATE_LIMITED.add(self._name)
            raise Refusal(code, what, max(1, round(wait_s * 1000)))

    def peek(self, key: str, what: str) -> None:
        """Raises as `check` would, and takes nothing."""
        self.check(key, what=what)
        self.give_back(key)

    def give_back(self, key: str) -> None:
        """Undoes a `check` whose event turned out not to count."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            bucket.give_back(self._rate)

    def _add(self, key: str, now: float) -> Bucket:
        if len(self._buckets) >= self._purge_at:
            self._buckets = {k: b for k, b in self._buckets.items() if not b.is_full(self._rate, now)}
            self._purge_at = max(PURGE_KEYS_MIN, 2 * len(self._buckets))
        bucket = self._buckets[key] = Bucket(self._rate, now)
        return bucket


class Limits:
    """Every limit of the sockets, from the settings."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        def limiter(name: str, per_minute: float, burst: float) -> Limiter:
            return Limiter(Rate(per_minute=per_minute, burst=burst), clock=clock, name=name)

        address_rate = settings.address_rate_per_min
        self.messages = limiter("messages", settings.ws_rate_per_min, settings.ws_rate_burst)
        self.pause = limiter("pause", 60_000 / settings.rate_limit_ms, 1) if settings.rate_limit_ms else None
        self.address = limiter("address", address_rate, max(address_rate / 3, settings.ws_rate_burst))
        self.new_conversations = limiter(
            "new_conversations", settings.new_per_address_per_hour / 60, settings.new_per_address_per_hour
        )
        self.agent_messages = limiter(
            "agent_messages", settings.agent_rate_per_min, max(20, settings.agent_rate_per_min / 4)
        )
        self.failures = limiter("failures", settings.failures_per_min, settings.failures_per_min)
        # Repeats, reads, typing and syncs count apart from new messages (contract section 1), a budget a socket.
        self.chatter = limiter("chatter", 600, 120)

    def visitor_message(self, visitor_id: str, address: str) -> None:
        """Takes a visitor's new message from every budget that it counts in.

        Raises:
            Refusal: COOLDOWN within `RATE_LIMIT_MS` of the last one, RATE_LIMITED beyond a rate.
        """
        if self.pause is not None:
            self.pause.check(visitor_id, ErrorCode.COOLDOWN, "messages need a pause")
        try:
            self.messages.check(visitor_id, what="too many messages; wait a moment")
            try:
                self.address.check(address, what="too many messages from this address; wait a moment")
            except Refusal:
                self.messages.give_back(visitor_id)
                raise
        except Refusal:
            if self.pause is not None:
                self.pause.give_back(visitor_id)
            raise

    def visitor_message_did_not_count(self, visitor_id: str, address: str) -> None:
        """A message that turned out to be a repeat takes nothing."""
        self.messages.give_back(visitor_id)
        self.address.give_back(address)
        if self.pause is not None:
            self.pause.give_back(visitor_id)


def address_key(address: str) -> str:
    """What counts as one client address: an IPv4 address, or an IPv6 /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
