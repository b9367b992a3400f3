"""The law of the token bucket: in any window of t seconds at most burst + rate·t events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kefu.chat.rates import Bucket, Rate

PAUSES = st.lists(st.floats(0, 30, allow_nan=False) | st.just(0.0), max_size=120)


@given(st.integers(1, 600), st.integers(1, 30), PAUSES)
def test_never_more_than_burst_plus_rate(per_minute: int, burst: int, pauses: list[float]) -> None:
    """Section 1, rates: whatever the pattern of sending, no window lets more through."""
    rate, now = Rate(per_minute=per_minute, burst=burst), 1000.0
    bucket = Bucket(rate, now)
    allowed: list[float] = []
    for pause in pauses:
        now += pause
        if bucket.take(rate, now) == 0:
            allowed.append(now)
    for first, start in enumerate(allowed):
        for count, end in enumerate(allowed[first:], start=1):
            assert count <= burst + rate.per_second * (end - start) + 1e-6


@given(st.integers(1, 600), st.integers(1, 30), PAUSES)
def test_a_refusal_tells_the_true_wait(per_minute: int, burst: int, pauses: list[float]) -> None:
    """`retryAfterMs`: not before, but then."""
    rate, now = Rate(per_minute=per_minute, burst=burst), 0.0
    bucket = Bucket(rate, now)
    for pause in pauses:
        now += pause
        wait = bucket.take(rate, now)
        if wait:
            early = Bucket(rate, now)
            early.level = bucket.level
            assert early.take(rate, now + wait * 0.99) > 0
            now += wait * (1 + 1e-9) + 1e-9
            assert bucket.take(rate, now) == 0
