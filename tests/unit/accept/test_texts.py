"""Every check and every reason has its words in both languages, with the same values in them."""

from __future__ import annotations

import re
from pathlib import Path

import kefu.accept
from kefu.accept.files import Files
from kefu.accept.run import checks
from kefu.accept.talk import Talk
from kefu.accept.texts import CHECKS, WORDS
from kefu.client.address import Address

SOURCES = "".join(path.read_text() for path in Path(kefu.accept.__file__).parent.glob("*.py"))
VALUE = re.compile(r"\{(\w+)")


def test_every_check_has_a_name() -> None:
    here = Address("http://localhost")
    names = [check.name for check in checks(Files(here, ""), Talk(here, here, ""))]
    assert [*names, "pictures"] == [name for name in (*names, "pictures") if name in CHECKS]
    assert sorted([*names, "pictures"]) == sorted(CHECKS)


def test_every_reason_has_words() -> None:
    raised = set(re.findall(r"(?:CheckError|SkipError)\(\s*\"(\w+)\"", SOURCES))
    assert len(raised) > 15
    assert raised <= WORDS.keys()


def test_both_languages_hold_the_same_values() -> None:
    for key, (english, chinese) in WORDS.items():
        assert set(VALUE.findall(english)) == set(VALUE.findall(chinese)), key
        assert chinese, key
