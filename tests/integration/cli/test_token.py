"""`kefu token` and the secret that `kefu up` keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kefu.cli.kept_secret import FILE, with_kept_secret
from kefu.cli.main import app
from kefu.config import ConfigError, load_settings, reveal
from kefu.tokens import secret_problem, verify_agent_token

from .conftest import SECRET


def invoke(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["token", *arguments], env=environment)


def test_a_token_that_is_believed() -> None:
    result = invoke("--id", "bot", "--role", "viewer", "--name", "Bot", CHAT_ADMIN_JWT_SECRET=SECRET)
    claims = verify_agent_token(SECRET, result.output.strip())
    assert (claims.agent_id, claims.role, claims.name) == ("bot", "viewer", "Bot")


@pytest.mark.parametrize(
    ("secret", "words"), [("", "is not set"), ("tiny-9z", "has 7 bytes"), ("change-me-now", "is a sample value")]
)
def test_no_token_with_a_bad_secret(secret: str, words: str, tmp_path: Path) -> None:
    result = invoke(CHAT_ADMIN_JWT_SECRET=secret, KEFU_DATA_DIR=str(tmp_path))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"kefu: CHAT_ADMIN_JWT_SECRET {words}")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["--role", "boss"], ["--id", ""], ["--seconds", "0"], ["--seconds", "x"]])
def test_wrong_usage(arguments: list[str]) -> None:
    assert invoke(*arguments, CHAT_ADMIN_JWT_SECRET=SECRET).exit_code == 2


def test_the_kept_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "new")
    first = with_kept_secret(settings, make=True)
    file = tmp_path / "new" / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret_problem(reveal(first.admin_jwt_secret)) is None
    assert reveal(with_kept_secret(settings, make=True).admin_jwt_secret) == reveal(first.admin_jwt_secret)
    token = invoke(KEFU_DATA_DIR=str(tmp_path / "new")).output.strip()
    assert verify_agent_token(reveal(first.admin_jwt_secret), token).agent_id == "script"
    assert [path.name for path in file.parent.iterdir()] == [FILE]


def test_a_secret_that_is_set_wins_over_the_kept_one(tmp_path: Path) -> None:
    with_kept_secret(load_settings(data_dir=tmp_path), make=True)
    settings = load_settings(data_dir=tmp_path, admin_jwt_secret=SECRET)
    assert reveal(with_kept_secret(settings).admin_jwt_secret) == SECRET


def test_none_is_made_unasked(tmp_path: Path) -> None:
    assert with_kept_secret(load_settings(data_dir=tmp_path / "none")).admin_jwt_secret is None
    assert not (tmp_path / "none").exists()


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("nothing of use\n")
    with pytest.raises(ConfigError, match=r"has no line CHAT_ADMIN_JWT_SECRET="):
        with_kept_secret(load_settings(data_dir=tmp_path))
