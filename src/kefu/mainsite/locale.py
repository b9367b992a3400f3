"""Which language a page speaks: the one that was chosen, else the browser's first that we have.

Knows cookies and Accept-Language; texts themselves are in `texts/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Locale = Literal["en", "zh-CN"]
LOCALES: tuple[Locale, ...] = get_args(Locale)
DEFAULT_LOCALE: Locale = "en"
LOCALE_COOKIE = "kefu_locale"
LANGUAGES_MAX = 20


def choose_locale(cookies: Mapping[str, str], accept_language: str | None) -> Locale:
    """The language of a request.

    Args:
        cookies: The request's; a choice is remembered in `LOCALE_COOKIE`.
        accept_language: The header, such as `zh-TW,zh;q=0.9,en;q=0.8`; None or empty gives the default.
    """
    chosen = as_locale(cookies.get(LOCALE_COOKIE))
    if chosen is not None:
        return chosen
    for language in _by_preference(accept_language or ""):
        primary = language.partition("-")[0]
        if primary == "zh":
            return "zh-CN"
        if primary == "en":
            return "en"
    return DEFAULT_LOCALE


def as_locale(value: str | None) -> Locale | None:
    """The value if it names one of our languages."""
    return next((locale for locale in LOCALES if locale == value), None)


def other_locale(locale: Locale) -> Locale:
    """The language that the switch of a page offers."""
    return "en" if locale == "zh-CN" else "zh-CN"


def _by_preference(accept_language: str) -> list[str]:
    """Languages in lower case, most wanted first; those with `q=0` and malformed ones are left out."""
    wanted: list[tuple[float, str]] = []
    for part in accept_language.split(",")[:LANGUAGES_MAX]:
        language, _, quality = part.partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if weight > 0:
            wanted.append((weight, language.strip().lower()))
    return [language for _, language in sorted(wanted, key=lambda item: -item[0])]
