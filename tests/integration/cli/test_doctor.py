"""`kefu doctor` as people run it: exit status, languages, JSON, files that `kefu init` wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from integration.cli.conftest import SECRET, free_ports
from kefu.cli.main import app
from kefu.doctor.findings import KINDS

GOOD = "7f1e3c5a9b8d2046e1f3a5c7092b4d6e8fa1c3b5"


@pytest.fixture
def lines(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Settings with which nothing is wrong."""
    return {
        "CHAT_DATABASE_URL": database_url,
        "CHAT_ADMIN_JWT_SECRET": SECRET,
        "CHAT_ALLOWED_ORIGINS": "https://shop.example",
        "ADMIN_ALLOWED_ORIGINS": "https://shop.example",
        "KEFU_DATA_DIR": str(tmp_path),
        "CHAT_SERVER_PORT": str(free_ports(1)[0]),
    }


def doctor(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *arguments], env={"LC_ALL": "", "LANG": "C.UTF-8", **environment})


def write(file: str, lines: dict[str, str], mode: int = 0o600) -> None:
    Path(file).write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    Path(file).chmod(mode)


def test_nothing_is_wrong(lines: dict[str, str]) -> None:
    write(".env", lines)
    found = doctor()
    assert (found.exit_code, found.stdout) == (0, "✓ Nothing is wrong.\n")
    assert doctor(LANG="zh_CN.UTF-8").stdout == "✓ 没有发现问题。\n"


def test_a_warning_is_no_failure(lines: dict[str, str]) -> None:
    write(".env", lines, 0o644)
    found = doctor()
    assert found.exit_code == 0
    assert found.stdout.splitlines() == [
        "! env_file_open  .env holds secrets and has mode 644, so other users of this machine can read it.",
        "    → chmod 600 .env    in .env",
        "failures: 0, warnings: 1",
    ]


def test_a_failure_is_status_1_and_programs_read_it(lines: dict[str, str]) -> None:
    """Plain lines where the output is no terminal; JSON has both what was found and the line."""
    write(".env", lines | {"CHAT_ALLOWED_ORIGINS": "https://shop.example/"})
    plain = doctor("--lang", "zh")
    assert plain.exit_code == 1
    assert "✗ origin_slash  CHAT_ALLOWED_ORIGINS 中的 https://shop.example/ 末尾多了斜杠" in plain.stdout
    assert "\x1b" not in plain.stdout
    found = doctor("--json")
    told = json.loads(found.stdout)
    assert (found.exit_code, told["ok"]) == (1, False)
    (one,) = told["findings"]
    assert (one["code"], one["severity"], one["subject"]) == ("origin_slash", "failure", "origins")
    assert one["change"] == "CHAT_ALLOWED_ORIGINS=https://shop.example"


def test_files_that_init_wrote_are_found(lines: dict[str, str]) -> None:
    write("chat-server.env", lines)
    write("main-site.env", {"CHAT_ADMIN_JWT_SECRET": GOOD, "CHAT_SERVER_INTERNAL_URL": "http://127.0.0.1:9"})
    found = doctor()
    assert found.exit_code == 1
    assert "✗ secret_differs  CHAT_ADMIN_JWT_SECRET in main-site.env is not the one in chat-server.env" in found.stdout
    assert "✗ internal_url_silent" in found.stdout
    assert SECRET not in found.stdout
    assert GOOD not in found.stdout


@pytest.mark.parametrize("wrong", [["--url=shop.example"], ["--page=ftp://x"], ["--lang=fr"], ["--workers=0"]])
def test_wrong_usage_is_status_2(wrong: list[str]) -> None:
    assert doctor(*wrong).exit_code == 2


def test_the_list_of_everything() -> None:
    printed = doctor("--list").stdout
    assert all(f"`{code}`" in printed for code in KINDS)


def test_nothing_at_all_is_set() -> None:
    """In an empty folder each thing that is needed is named, and nothing breaks."""
    found = json.loads(doctor("--json", KEFU_DATA_DIR=str(Path.cwd())).stdout)["findings"]
    codes = [one["code"] for one in found]
    assert {"secret_missing", "origins_empty", "database_unset"} <= set(codes)
    assert "check_failed" not in codes
