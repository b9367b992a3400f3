"""The token bucket: what is allowed, and how long to wait for what is not."""

from __future__ import annotations

import pytest

from kefu.chat.rates import Bucket, Rate

RATE = Rate(per_minute=30, burst=3)


def test_a_burst_then_the_rate() -> None:
    """Section 1: `CHAT_WS_RATE_PER_MIN` on average, a burst at once."""
    bucket = Bucket(RATE, now=100.0)
    assert [bucket.take(RATE, 100.0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(RATE, 100.0) == pytest.approx(2.0)
    assert bucket.take(RATE, 101.0) == pytest.approx(1.0)
    assert bucket.take(RATE, 102.0) == 0
    assert bucket.take(RATE, 102.0) == pytest.approx(2.0)


def test_waiting_as_long_as_told_is_enough() -> None:
    """`retryAfterMs` is true: the event is allowed after the seconds that the refusal named."""
    bucket = Bucket(RATE, now=0.0)
    for _ in range(3):
        bucket.take(RATE, 0.3)
    wait = bucket.take(RATE, 0.7)
    assert wait > 0
    assert bucket.take(RATE, 0.7 + wait + 1e-9) == 0


def test_idleness_saves_no_more_than_the_burst() -> None:
    """A long pause does not earn more than a burst."""
    bucket = Bucket(RATE, now=0.0)
    assert [bucket.take(RATE, 1e6) == 0 for _ in range(4)] == [True, True, True, False]


def test_given_back_is_not_counted_and_never_more_than_the_burst() -> None:
    """Section 1: repeats of a stored clientId count apart."""
    bucket = Bucket(RATE, now=0.0)
    bucket.give_back(RATE)
    for _ in range(3):
        assert bucket.take(RATE, 0.0) == 0
    bucket.give_back(RATE)
    assert bucket.take(RATE, 0.0) == 0
    assert bucket.take(RATE, 0.0) > 0


def test_a_full_bucket_may_be_forgotten() -> None:
    """Forgetting a bucket is allowed only when a new one would allow the same."""
    bucket = Bucket(RATE, now=0.0)
    assert bucket.is_full(RATE, 0.0)
    bucket.take(RATE, 0.0)
    assert not bucket.is_full(RATE, 1.9)
    assert bucket.is_full(RATE, 2.0)
