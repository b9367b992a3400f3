"""Which database a command works on where none is named: it says so, and makes none unless a life begins with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kefu.cli.main import app

Kefu = Callable[..., Result]
NEEDS_ONE = [
    ("backup", "--to", "."),
    ("migrate", "--check"),
    ("agent", "list"),
    ("db", "move", "--to", "postgresql://a:b@127.0.0.1:1/c"),
    ("import", "node-chat", "--from", "postgresql://a:b@127.0.0.1:1/c"),
    ("import", "node-chat", "--from", "postgresql://a:b@127.0.0.1:1/c", "--dry-run"),
]


@pytest.fixture
def kefu(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Kefu:
    """A command in a folder without settings, whose data would go into `data_dir / "data"`."""
    monkeypatch.setenv("KEFU_DATA_DIR", str(data_dir / "data"))
    monkeypatch.chdir(data_dir)
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("arguments", NEEDS_ONE, ids=lambda arguments: " ".join(arguments[:2]))
@pytest.mark.parametrize("url", ["", "embedded"])
def test_what_works_on_a_database_makes_none(
    kefu: Kefu, data_dir: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], url: str
) -> None:
    monkeypatch.setenv("CHAT_DATABASE_URL", url)
    done = kefu(*arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"there is no embedded database in {data_dir}/data:" in done.stderr
    assert ("CHAT_DATABASE_URL is not set" in done.stderr) is (url == "")
    assert list(data_dir.iterdir()) == []


def test_settings_that_nobody_named_are_pointed_at(kefu: Kefu, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of `kefu init` is right, and the command line is not."""
    Path("chat-server.env").write_text("CHAT_DATABASE_URL=postgresql://a:b@127.0.0.1:1/c\n")
    assert "kefu --env-file chat-server.env …" in kefu("backup").stderr
    monkeypatch.setenv("KEFU_ENV_FILE", "chat-server.env")
    done = kefu("backup")
    assert done.exit_code == 1
    assert "host=127.0.0.1:1" in done.stderr


def test_a_new_one_is_told_and_named_from_then_on(kefu: Kefu, data_dir: Path) -> None:
    name = f"embedded database in {data_dir}/data"
    Path("chat-server.env").touch()
    made = kefu("migrate")
    assert made.exit_code == 0, made.stderr
    first, second = made.stdout.splitlines()
    assert first.startswith(f"made a new {name} (chat-server.env in this folder was not read")
    assert second == f"{name}: migrated, was empty"
    assert kefu("migrate").stdout == f"{name}: is up to date\n"
    saved = kefu("backup", "--to", "a.zip")
    assert saved.stdout.endswith(f"; of {name}\n")
    assert f"{name}: restored " in kefu("restore", "a.zip").stdout
