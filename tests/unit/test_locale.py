"""The language of a page: chosen, else the browser's first that we have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kefu.mainsite.locale import LOCALES, choose_locale, other_locale


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        (None, "en"),
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("zh-TW", "zh-CN"),
        ("EN-gb", "en"),
        ("fr,de;q=0.9", "en"),
        ("fr, zh;q=0.1, en;q=0.05", "zh-CN"),
        ("en;q=0.3, zh;q=0.7", "zh-CN"),
        ("zh;q=0, en", "en"),
        ("zh;q=high, en;q=0.1", "en"),
        ("zhuang", "en"),
    ],
)
def test_the_browsers_first_that_we_have(header: str | None, locale: str) -> None:
    assert choose_locale({}, header) == locale


def test_a_choice_wins_and_nonsense_is_no_choice() -> None:
    assert choose_locale({"kefu_locale": "zh-CN"}, "en") == "zh-CN"
    assert choose_locale({"kefu_locale": "klingon"}, "zh") == "zh-CN"


def test_the_switch_offers_the_other_one() -> None:
    assert {other_locale(locale) for locale in LOCALES} == set(LOCALES)
    assert all(other_locale(locale) != locale for locale in LOCALES)


@given(st.text())
def test_any_header_gives_a_language(header: str) -> None:
    assert choose_locale({}, header) in LOCALES
