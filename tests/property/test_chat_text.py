"""Laws of the text rules, for any text that a client can send (contract section 3, Text)."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from kefu.chat.text import clean, clean_line, preview

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60) | st.text(
    st.sampled_from("ab \r\n\t\x00\x0b\x1c\x7f\x85\xa0\u2028\ud800\udfff\ufeff你👍"), max_size=30
)


@given(ANYTHING)
def test_clean_is_idempotent(text: str) -> None:
    """What is stored is what a second sending would store: repeats compare equal."""
    assert clean(clean(text)) == clean(text)


@given(ANYTHING)
def test_clean_leaves_nothing_forbidden(text: str) -> None:
    """No control character but LF and tab, no surrogate, nothing to trim, and PostgreSQL can store it."""
    cleaned = clean(text)
    assert not [char for char in cleaned if unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t"]
    assert cleaned == cleaned.strip()
    assert cleaned.encode().decode() == cleaned


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=60))
def test_clean_keeps_everything_else(text: str) -> None:
    """People's text is not touched inside; what nobody can see is no text."""
    if any(unicodedata.category(char)[0] in "NP" for char in text):
        assert clean(text) == text.strip()
    else:
        assert clean(text) in {text.strip(), ""}


@given(ANYTHING, st.integers(1, 20))
def test_clean_line_is_a_trimmed_line(text: str, length_max: int) -> None:
    """Names and addresses are one line, trimmed, at most as long as allowed, never empty."""
    line = clean_line(text, length_max)
    if line is not None:
        assert 0 < len(line) <= length_max
        assert line == " ".join(line.split())
        assert clean_line(line, length_max) == line


@given(ANYTHING)
def test_preview_is_a_trimmed_line(text: str) -> None:
    """The inbox's line has no line end, no double blank and at most 140 characters."""
    line = preview(clean(text))
    assert len(line) <= 140
    assert line == " ".join(line.split())
