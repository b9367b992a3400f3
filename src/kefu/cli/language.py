"""Which language a command speaks: the one that was asked for, else that of the terminal's locale."""

from __future__ import annotations

import os
from typing import Literal

import typer

Language = Literal["en", "zh-CN"]
LANG_HELP = "en or zh; as LC_ALL or LANG says unless given."


def language_of(wanted: str) -> Language:
    """The language of a `--lang`, which may be empty.

    Raises:
        typer.BadParameter: It is one that there is not.
    """
    if wanted and wanted.partition("-")[0] not in ("en", "zh"):
        raise typer.BadParameter(f"expected --lang en or zh, got {wanted!r}")
    chosen = wanted or os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")
    return "zh-CN" if chosen.lower().startswith("zh") else "en"
