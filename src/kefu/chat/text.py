"""What may stand in a text: line ends, control characters, surrogates, length (contract section 3, Text).

Pure. Lengths are Unicode code points after cleaning.
"""

from __future__ import annotations

import re

MESSAGE_LENGTH_MAX = 4000

_LINE_ENDS = re.compile(r"\r\n?")
_CONTROL = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
_REMOVED = {**_CONTROL, **_SURROGATES}


def clean(text: str) -> str:
    """The text as it is stored: LF line ends, no control characters, no lone surrogates, trimmed."""
    if not text.isprintable():
        text = _LINE_ENDS.sub("\n", text).translate(_REMOVED)
    return text.strip()


def clean_line(text: str | None, length_max: int) -> str | None:
    """A short field such as a name or an address: one line, cut at `length_max`, None when nothing is left."""
    if text is None:
        return None
    return " ".join(clean(text).split())[:length_max].rstrip() or None


def preview(text: str, length_max: int = 140) -> str:
    """The first line or so of a message, for the inbox."""
    return " ".join(text[: length_max * 2].split())[:length_max].rstrip()
