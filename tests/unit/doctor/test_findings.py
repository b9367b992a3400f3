"""Every code has its texts in both languages, and its row in the troubleshooting pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kefu.doctor.findings import KINDS, LANGUAGES, SUBJECTS, Language, finding, in_order, texts
from kefu.doctor.table import markdown

ROOT = Path(__file__).parents[3]
PLACE = re.compile(r"\{([a-z_]+)\}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_code_has_its_texts(language: Language) -> None:
    catalogue = texts(language)
    assert catalogue.keys() == KINDS.keys()
    assert all(told["symptom"].strip() and told["found"].strip() for told in catalogue.values())


def test_the_languages_tell_the_same_facts() -> None:
    for code in KINDS:
        english, chinese = (set(PLACE.findall(texts(language)[code]["found"])) for language in LANGUAGES)
        assert english <= chinese | {"url"}, code
        assert chinese <= english | {"setting"}, code


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_troubleshooting_page_holds_every_finding(language: Language) -> None:
    """`kefu doctor --list` printed it; print it again when a finding changes."""
    page = (ROOT / "docs" / language / "troubleshooting.md").read_text(encoding="utf-8")
    assert markdown(language) in page
    assert all(f"`{code}`" in page for code in KINDS)


def test_codes_are_plain_names() -> None:
    assert sum(len(kinds) for kinds in SUBJECTS.values()) == len(KINDS)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in KINDS)


def test_failures_come_first_and_what_two_sides_found_comes_once() -> None:
    low = finding("disk_low", folder="/", free_mb=900)
    here, there = (finding("secret_short", setting="S", bytes=3, needed=32, file=file) for file in ("a.env", ".env"))
    assert in_order([low, there, here]) == [here, low]
    with pytest.raises(KeyError):
        finding("no_such_code")
