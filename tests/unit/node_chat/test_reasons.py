"""Every reason that a row can be refused for is said in Chinese too."""

from __future__ import annotations

import re
from pathlib import Path

from kefu.cli.import_ import REASONS_ZH
from kefu.node_chat import mapping, move


def test_every_reason_has_its_chinese() -> None:
    source = Path(mapping.__file__).read_text()
    literal = set(re.findall(r'NotTakenError\("([^"]+)"\)', source))
    of_ids = {
        f"{name} is missing, longer than 64 characters or not printable"
        for name in re.findall(r'\.identity\("(\w+)"', source)
    }
    assert literal
    assert of_ids
    assert {*literal, *of_ids, move.REST, move.SEVERAL_OPEN, move.NO_CONVERSATION} == REASONS_ZH.keys()
