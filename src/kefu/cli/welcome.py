"""What a person sees once `kefu up` serves: where to go, and the first password."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.measure import Measurement
from rich.panel import Panel
from rich.table import Table

from kefu.cli.language import Language

TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "running": "Kefu is running",
        "stop": "Ctrl-C stops it",
        "shop": "Shop with the chat",
        "console": "Agents' console",
        "login": "Login",
        "password": "Password",
        "once": "shown this once; change it with",
    },
    "zh-CN": {
        "running": "Kefu 已启动",
        "stop": "按 Ctrl-C 停止",
        "shop": "演示商店",
        "console": "客服工作台",
        "login": "账号",
        "password": "密码",
        "once": "密码只显示这一次，修改密码：",
    },
}

UNLIMITED = 10_000
"""Columns: more than any line here has."""


def show_welcome(site: str, login: str, password: str | None, language: Language, console: Console) -> None:
    """Prints where to go in a frame, or without one where the terminal is too narrow: nothing is ever cut.

    Args:
        site: Origin of the main site.
        login: Of the first agent.
        password: Their generated password, shown this once; None if there is none to show.
        language: Of the words.
        console: Where it goes.
    """
    texts = TEXTS[language]
    lines = [(texts["shop"], f"{site}/"), (texts["console"], f"{site}/admin/chat")]
    if password is not None:
        change = f"{_program()} agent passwd {login}"
        lines += [("", ""), (texts["login"], login), (texts["password"], password), ("", texts["once"]), ("", change)]
    panel = _framed(lines, texts)
    if Measurement.get(console, console.options.update(max_width=UNLIMITED), panel).maximum <= console.width:
        console.print(panel, soft_wrap=True)
        return
    spread = [f"{label}\n  {value}" if label else value for label, value in lines]
    for text in (texts["running"], *spread, texts["stop"]):
        console.print(text, soft_wrap=True, markup=False)


def _framed(lines: list[tuple[str, str]], texts: dict[str, str]) -> Panel:
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True)
    rows.add_column(no_wrap=True)
    for label, value in lines:
        style = "bold cyan" if "://" in value else "bold" if label else ""
        rows.add_row(label, f"[{style}]{value}[/]" if style else value)
    return Panel(rows, title=texts["running"], subtitle=texts["stop"], expand=False, padding=(1, 2))


def _program() -> str:
    """How this `kefu` is called from here: by its name where PATH finds it, else by its path."""
    own = Path(sys.executable).with_name("kefu")
    if shutil.which("kefu") == str(own):
        return "kefu"
    return str(own.relative_to(Path.cwd())) if own.is_relative_to(Path.cwd()) else str(own)
