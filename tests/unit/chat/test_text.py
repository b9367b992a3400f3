"""The text rules of contract section 3: LF line ends, no control characters, no lone surrogates, trimmed."""

from __future__ import annotations

import pytest

from kefu.chat.text import clean, clean_line, preview, without_addresses


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("plain", "plain"),
        ("  blanks \n around\t ", "blanks \n around"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("\r\n\r\n", ""),
        ("nul\x00 bell\x07 del\x7f c1\x9f", "nul bell del c1"),
        ("tab\tstays", "tab\tstays"),
        ("next line\x85gone", "next linegone"),
        ("你好，世界 👋🏽", "你好，世界 👋🏽"),
        ("\ud800 alone", "\ufffd alone"),
        ("\udfff", "\ufffd"),
        ("", ""),
        ("\u3000全角\u3000", "全角"),
        ("مرحبا \u200fبك", "مرحبا \u200fبك"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("\u200b\u2060\ufeff \u00ad", ""),
        ("\u3164\u2800\ufe0f\u200d\U000e0041", ""),
        ("\u200b.\u200b", "\u200b.\u200b"),
    ],
)
def test_clean(sent: str, stored: str) -> None:
    """Section 3, Text: CRLF becomes LF, control characters go, a lone surrogate becomes U+FFFD, ends are trimmed."""
    assert clean(sent) == stored


def test_clean_keeps_pairs_of_surrogates_that_python_already_joined() -> None:
    """Only lone surrogates are replaced: an emoji is one code point and stays."""
    assert clean("\U0001f600\x00") == "\U0001f600"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (None, None),
        ("", None),
        (" \r\n\t ", None),
        ("A \n B", "A B"),
        ("x" * 9, "x" * 5),
        ("ab cdef", "ab cd"),
        ("abcd efg", "abcd"),
    ],
)
def test_clean_line(sent: str | None, kept: str | None) -> None:
    """A short field is one trimmed line of at most its length; nothing left is None."""
    assert clean_line(sent, 5) == kept


def test_preview_is_one_short_line() -> None:
    """The inbox shows a line: white space folded, at most 140 characters, never ending in a blank."""
    assert preview("one\n\n two\tthree") == "one two three"
    assert preview("x" * 5000) == "x" * 140
    assert preview("y" * 139 + " z") == "y" * 139
    assert preview("   ") == ""


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann", "Ann"),
        ("ann.smith@corp.example", ""),
        ("Ann Smith <ann.smith@corp.example>", "Ann Smith"),
        ("Ann (ann@corp.example), support", "Ann , support"),
        ('"ann@corp.example"', ""),
        ("Ann @support", "Ann @support"),
        ("小王 wang@corp.example", "小王"),
    ],
)
def test_names_lose_addresses(name: str, shown: str) -> None:
    """Section 3: no e-mail ever leaves the server to a visitor, though some agents' names are nothing else."""
    assert without_addresses(name) == shown
