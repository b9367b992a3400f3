"""Failed logins are counted by address and login, and forgiven when they succeed."""

from __future__ import annotations

import pytest

from kefu.mainsite import throttle
from kefu.mainsite.throttle import LOGIN_TIMES, Key, Throttle, login_keys

A, B, C = map(Key, "abc")


def test_an_attempt_counts_until_it_succeeds() -> None:
    counter = Throttle(2)
    counter.begin([A], 0)
    counter.forgive([A])
    counter.begin([A], 1)
    assert counter.wait_s([A], 1) == 0
    counter.begin([A], 2)
    assert counter.wait_s([A], 2) == 59
    assert counter.wait_s([A, B], 60.5) == pytest.approx(0.5)
    assert counter.wait_s([A], 61) == 0
    assert counter.wait_s([B], 2) == 0


def test_attempts_at_once_do_not_get_past_the_limit() -> None:
    counter = Throttle(3)
    admitted = 0
    for _ in range(10):
        if counter.wait_s([A], 5) == 0:
            counter.begin([A], 5)
            admitted += 1
    assert admitted == 3


def test_the_limit_is_a_sliding_minute() -> None:
    counter = Throttle(2)
    for now in (0, 50):
        counter.begin([A], now)
    assert counter.wait_s([A], 60) == 0
    counter.begin([A], 60)
    assert counter.wait_s([A], 61) == 49


def test_memory_is_bounded_and_the_longest_unused_key_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "KEYS_MAX", 2)
    counter = Throttle(1)
    for now, key in enumerate((A, B, A, C)):
        counter.begin([key], now)
    assert counter.wait_s([B], 4) == 0
    assert counter.wait_s([A], 4) > 0
    assert counter.wait_s([C], 4) > 0


def test_neighbours_in_a_64_share_a_key() -> None:
    first, second = (login_keys(address, "ann")[0] for address in ("2001:db8::1", "2001:db8::ffff"))
    assert first == second
    assert login_keys("192.0.2.1", "ann") == [Key("address 192.0.2.1"), Key("login ann", LOGIN_TIMES)]
    assert login_keys("2001:db8:0:1::1", "ann")[0] != first


def test_a_wide_key_takes_more() -> None:
    counter, wide = Throttle(2), Key("wide", 3)
    for now in range(5):
        counter.begin([wide], now)
    assert counter.wait_s([wide], 5) == 0
    counter.begin([wide], 5)
    assert counter.wait_s([wide], 5) == 55
