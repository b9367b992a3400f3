"""The sockets' limits (contract section 1), with a clock that the test moves."""

from __future__ import annotations

import pytest

from kefu.chat.rates import Rate
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.config import Settings
from kefu.gateway import limits as limits_module
from kefu.gateway.limits import Limiter, Limits, address_key


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limits(clock: Clock, **settings: object) -> Limits:
    return Limits(Settings(_env_file=None, **settings), clock=clock)


def refusal_of(call: object, *args: object) -> Refusal | None:
    try:
        call(*args)  # type: ignore[operator]
    except Refusal as refusal:
        return refusal
    return None


def test_each_key_has_its_own_budget(clock: Clock) -> None:
    """A visitor cannot use up another one's rate."""
    limiter = Limiter(Rate(per_minute=60, burst=2), clock=clock)
    limiter.check("a")
    limiter.check("a")
    limiter.check("b")
    refusal = refusal_of(limiter.check, "a")
    assert refusal is not None
    assert (refusal.code, refusal.retry_after_ms) == (ErrorCode.RATE_LIMITED, 1000)


def test_peek_takes_nothing(clock: Clock) -> None:
    """Asking whether failures are too many is no failure."""
    limiter = Limiter(Rate(per_minute=10, burst=1), clock=clock)
    for _ in range(5):
        limiter.peek("a", "what")
    limiter.check("a")
    assert refusal_of(limiter.peek, "a", "what") is not None


def test_memory_is_bounded_by_forgetting_full_buckets(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of addresses cannot grow the table for ever, and forgets nobody who is limited now."""
    monkeypatch.setattr(limits_module, "PURGE_KEYS_MIN", 100)
    limiter = Limiter(Rate(per_minute=60, burst=1), clock=clock)
    for number in range(500):
        clock.now += 0.5
        limiter.check(f"key {number}")
    assert len(limiter._buckets) <= 200
    assert refusal_of(limiter.check, "key 499") is not None


def test_a_visitors_rate(clock: Clock) -> None:
    """Section 1: 30 a minute, 20 at once, and the refusal says when the next is allowed."""
    made = limits(clock)
    for _ in range(20):
        made.visitor_message("v", "192.0.2.1")
    refusal = refusal_of(made.visitor_message, "v", "192.0.2.1")
    assert refusal is not None
    assert (refusal.code, refusal.retry_after_ms) == (ErrorCode.RATE_LIMITED, 2000)
    clock.now += 2
    made.visitor_message("v", "192.0.2.1")


def test_a_repeat_gives_everything_back(clock: Clock) -> None:
    """Section 1: repeats of a stored clientId count apart, from every budget."""
    made = limits(clock, ws_rate_burst=1, address_rate_per_min=1, rate_limit_ms=5000)
    for _ in range(10):
        made.visitor_message("v", "192.0.2.1")
        made.visitor_message_did_not_count("v", "192.0.2.1")
    made.visitor_message("v", "192.0.2.1")


def test_the_pause_between_two_messages(clock: Clock) -> None:
    """`RATE_LIMIT_MS`: COOLDOWN with the rest of the pause; a refused message starts no new pause."""
    made = limits(clock, rate_limit_ms=1500)
    made.visitor_message("v", "192.0.2.1")
    clock.now += 0.5
    refusal = refusal_of(made.visitor_message, "v", "192.0.2.1")
    assert refusal is not None
    assert (refusal.code, refusal.retry_after_ms) == (ErrorCode.COOLDOWN, 1000)
    clock.now += 1.0
    made.visitor_message("v", "192.0.2.1")


def test_no_pause_by_default(clock: Clock) -> None:
    """`RATE_LIMIT_MS` is 0."""
    made = limits(clock)
    made.visitor_message("v", "192.0.2.1")
    made.visitor_message("v", "192.0.2.1")


def test_an_addresses_rate_holds_over_visitors(clock: Clock) -> None:
    """`KEFU_ADDRESS_RATE_PER_MIN` caps an address however many visitors it pretends to be."""
    made = limits(clock, address_rate_per_min=60)
    outcomes = [refusal_of(made.visitor_message, f"v{number}", "192.0.2.1") for number in range(30)]
    assert [outcome is None for outcome in outcomes] == [True] * 20 + [False] * 10
    assert refusal_of(made.visitor_message, "v99", "192.0.2.2") is None


def test_what_an_address_refuses_costs_the_visitor_nothing(clock: Clock) -> None:
    """A message refused for its address is not counted as one of the visitor's."""
    made = limits(clock, address_rate_per_min=60, ws_rate_burst=2, rate_limit_ms=500)
    for number in range(20):
        made.visitor_message(f"other {number}", "192.0.2.1")
    for _ in range(5):
        refusal = refusal_of(made.visitor_message, "v", "192.0.2.1")
        assert refusal is not None
        assert refusal.code is ErrorCode.RATE_LIMITED
    made.visitor_message("v", "192.0.2.9")
    clock.now += 0.5
    made.visitor_message("v", "192.0.2.9")


def test_new_conversations_an_hour(clock: Clock) -> None:
    """`KEFU_NEW_PER_ADDRESS_PER_HOUR`: 30, then one every two minutes."""
    made = limits(clock)
    for _ in range(30):
        made.new_conversations.check("192.0.2.1")
    refusal = refusal_of(made.new_conversations.check, "192.0.2.1")
    assert refusal is not None
    assert refusal.retry_after_ms == 120_000


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_what_counts_as_one_address(address: str, key: str) -> None:
    """Section 1: IPv6 by /64; the same IPv4 client is one, however it is written."""
    assert address_key(address) == key
