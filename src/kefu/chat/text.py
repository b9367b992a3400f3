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
# White space, joiners and marks of direction, selectors and tags, fillers, the empty braille cell: nothing is seen of
# them where they stand alone.
_INVISIBLE = re.compile(
    "[\\s\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)
_ADDRESS = re.compile(r"[<(\[\"']*[^\s<>()\[\]]+@[^\s<>()\[\]]+[>)\]\"']*")


def clean(text: str) -> str:
    """The text as it is stored: LF line ends, no control characters, no lone surrogates, trimmed; empty if unseen."""
    if not text.isprintable():
        text = _LINE_ENDS.sub("\n", text).translate(_REMOVED)
    return "" if _INVISIBLE.fullmatch(text) else text.strip()


def clean_line(text: str | None, length_max: int) -> str | None:
    """A short field such as a name or an address: one line, cut at `length_max`, None when nothing is left."""
    if text is None:
        return None
    return clean(" ".join(clean(text).split())[:length_max]) or None


def without_addresses(name: str) -> str:
    """A name as strangers may see it: what is left beside e-mail addresses; empty if it was nothing else."""
    return " ".join(_ADDRESS.sub(" ", name).split()) if "@" in name else name


def preview(text: str, length_max: int = 140) -> str:
    """The first line or so of a message, for the inbox."""
    return " ".join(text[: length_max * 2].split())[:length_max].rstrip()
