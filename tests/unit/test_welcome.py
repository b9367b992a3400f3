"""What `kefu up` shows when it serves, in wide and in narrow terminals, in both languages."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from kefu.cli.welcome import TEXTS, show_welcome

SITE = "http://shop.example.internal:3000"


def shown(language: str, width: int, password: str | None = "gQVAxcb7gJapFuJY") -> str:
    out = io.StringIO()
    show_welcome(SITE, "admin", password, language, Console(file=out, width=width, highlight=False))
    return out.getvalue()


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("width", [30, 40, 60, 80, 200])
def test_nothing_is_cut_however_narrow(language: str, width: int) -> None:
    text = shown(language, width)
    for whole in (f"{SITE}/", f"{SITE}/admin/chat", "gQVAxcb7gJapFuJY", "agent passwd admin"):
        assert whole in text
    assert "…" not in text


def test_the_frame_is_straight_where_it_has_room() -> None:
    lines = shown("zh-CN", 200).rstrip("\n").split("\n")
    assert "Kefu 已启动" in lines[0]
    assert len({cell_len(line) for line in lines}) == 1


def test_no_password_no_login() -> None:
    text = shown("en", 200, password=None)
    assert "Kefu is running" in text
    assert "Login" not in text
    assert "passwd" not in text
