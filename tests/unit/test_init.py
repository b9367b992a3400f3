"""`kefu init`: what it writes, that it never overwrites, and that both programs take it."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kefu.cli import first_files
from kefu.cli.first_files import origins_of
from kefu.cli.main import app, register
from kefu.config import Settings, check_server, check_site, load_settings, reveal
from kefu.config_rules import variables

DATABASE = "postgresql://chatapp:s3cret@127.0.0.1:5432/kefu"
NAMES = {name for field in Settings.model_fields.values() for name in variables(field)}
LANGUAGES = ["en", "zh"]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    register("init")
    for name in (*NAMES, "KEFU_ENV_FILE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def init(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["init", "--dir", str(folder), *arguments])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(first_files.os, "open", refuse)  # a folder's mode keeps root out of nothing
    done = init(tmp_path, "--domain", "shop.example")
    assert done.exit_code == 1
    assert done.stderr == f"kefu: {tmp_path} cannot be written: Permission denied\n"


def settings_of(monkeypatch: pytest.MonkeyPatch, file: Path) -> Settings:
    monkeypatch.setenv("KEFU_ENV_FILE", str(file))
    return load_settings()


def assigned(file: Path) -> list[str]:
    """The names of a file, of its commented settings too."""
    return re.findall(r"^(?:# )?([A-Z_]+)=", file.read_text(), re.MULTILINE)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_both_programs_take_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    done = init(tmp_path / "new", "--domain", "shop.example", "--database-url", DATABASE, "--lang", lang)
    assert done.exit_code == 0, done.output
    files = sorted((tmp_path / "new").iterdir())
    assert [file.name for file in files] == ["chat-server.env", "main-site.env"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    server, site = (settings_of(monkeypatch, file) for file in files)
    check_server(server)
    check_site(site)
    assert reveal(server.admin_jwt_secret) == reveal(site.admin_jwt_secret)
    assert reveal(server.admin_jwt_secret) != reveal(server.identity_secret)
    assert reveal(server.database_url) == reveal(site.database_url) == DATABASE
    assert server.allowed_origins == ("https://shop.example", "https://www.shop.example")
    assert server.admin_allowed_origins == ("https://shop.example",)
    assert site.server_internal_url == "http://127.0.0.1:4000"
    secrets = [reveal(server.admin_jwt_secret), reveal(server.identity_secret), "s3cret"]
    assert not any(secret in done.output for secret in secrets if secret)


def test_the_databases_address_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_DATABASE_URL", DATABASE)
    assert init(tmp_path, "--domain", "shop.example").exit_code == 0
    assert f"CHAT_DATABASE_URL={DATABASE}\n" in (tmp_path / "chat-server.env").read_text()


def test_comments_and_answers_are_in_the_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    done = init(tmp_path / "zh", "--domain", "shop.example")
    assert "已写入" in done.output
    assert "# 签发客服令牌的密钥" in (tmp_path / "zh" / "chat-server.env").read_text()
    done = init(tmp_path / "en", "--domain", "shop.example", "--lang", "en")
    assert "written" in done.output
    for name in ("chat-server.env", "main-site.env"):
        assert assigned(tmp_path / "zh" / name) == assigned(tmp_path / "en" / name)
        assert set(assigned(tmp_path / "en" / name)) <= NAMES
        assert (tmp_path / "en" / name).read_text().isascii()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("way", [None, "pm2", "systemd", "containers"])
def test_the_next_steps_name_the_folder_and_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str, way: str | None
) -> None:
    monkeypatch.setattr(first_files, "own_program", lambda: Path("/srv/kefu/bin/kefu"))
    done = init(tmp_path, "--domain", "shop.example", "--lang", lang, *(["--for", way] if way else []))
    assert done.exit_code == 0, done.output
    assert str(tmp_path) in done.output
    assert "$" not in done.output
    assert ("/srv/kefu/bin/kefu db create" in done.output) is (way != "containers")
    assert ("docker compose up" in done.output) is (way == "containers")


@pytest.mark.parametrize(
    ("domain", "options"),
    [
        ("shop.example", "--domain shop.example "),
        ("www.shop.example", "--domain www.shop.example "),
        ("https://shop.example", "--domain shop.example --no-www "),
        ("商店.example", "--domain xn--czrs0t.example "),
        ("localhost", "--domain … "),
        ("http://192.168.1.5:3000", "--domain … "),
    ],
)
@pytest.mark.parametrize("way", ["pm2", None])
def test_the_step_to_nginx_serves_the_names_that_are_allowed(
    tmp_path: Path, domain: str, options: str, way: str | None
) -> None:
    done = init(tmp_path, "--domain", domain, "--lang", "en", *(["--for", way] if way else []))
    assert f"--env-file chat-server.env nginx {options}" in done.output


def test_nothing_is_overwritten_and_the_secret_is_shared(tmp_path: Path) -> None:
    init(tmp_path, "--domain", "shop.example", "--database-url", DATABASE, "--for", "pm2")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    done = init(tmp_path, "--domain", "other.example", "--for", "pm2")
    assert done.exit_code == 0
    assert done.output.count("exists, left as it is") == 3
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    (tmp_path / "main-site.env").unlink()
    init(tmp_path, "--domain", "shop.example")
    assert (tmp_path / "main-site.env").read_bytes() == before["main-site.env"]


def test_what_starts_the_programs_is_made_for_this_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_files, "own_program", lambda: Path("/srv/kefu/bin/kefu"))
    for way in ("pm2", "systemd", "containers"):
        init(tmp_path / way, "--domain", "shop.example", "--for", way)
    assert 'PROGRAM = "/srv/kefu/bin/kefu"' in (tmp_path / "pm2" / "ecosystem.config.cjs").read_text()
    unit = (tmp_path / "systemd" / "kefu-main-site.service").read_text()
    assert "ExecStart=/srv/kefu/bin/kefu site\n" in unit
    assert f"EnvironmentFile={tmp_path}/systemd/main-site.env\n" in unit
    containers = {file.name: file for file in (tmp_path / "containers").iterdir()}
    assert set(containers) == {
        "chat-server.env", "main-site.env", "database.env", "compose.yaml", "make-role.sh", "nginx.conf",
    }  # fmt: skip
    password = re.search("CHATAPP_PASSWORD=(.+)", containers["database.env"].read_text())
    assert f"CHAT_DATABASE_URL=postgresql://chatapp:{password[1]}@database:5432/kefu\n" in (
        containers["chat-server.env"].read_text()
    )


def test_units_cannot_start_a_program_that_they_do_not_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_files, "own_program", lambda: Path("/root/venv/bin/kefu"))
    done = init(tmp_path / "new", "--domain", "shop.example", "--for", "systemd")
    assert done.exit_code == 1
    assert "nothing of /root" in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give --domain"),
        (("--domain", "shop.example/path"), "expected a domain"),
        (("--domain", "*"), "expected a domain"),
        (("--domain", "ftp://shop.example"), "expected a domain"),
        (("--domain", "shop.example", "--lang", "fr"), "expected --lang en or zh"),
        (("--domain", "shop.example", "--database-url", "mysql://a@b/c"), "no PostgreSQL address"),
        (("--domain", "shop.example", "--database-url", "postgresql://a:b$c@h/kefu"), "%24 for $"),
    ],
)
def test_wrong_usage_is_told_and_writes_nothing(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = init(tmp_path / "new", *arguments)
    assert done.exit_code == 2
    assert words in " ".join(re.sub("[│╭╮╰╯─]", " ", done.stderr).split())
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = init(tmp_path / "file", "--domain", "shop.example")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
    assert "cannot be" in done.stderr


@pytest.mark.parametrize(
    ("domain", "origins"),
    [
        ("shop.example", ("https://shop.example", "https://www.shop.example")),
        ("www.shop.example", ("https://www.shop.example", "https://shop.example")),
        ("Shop.Example/", ("https://shop.example", "https://www.shop.example")),
        ("商店.example", ("https://xn--czrs0t.example", "https://www.xn--czrs0t.example")),
        ("www.example", ("https://www.example",)),
        ("localhost", ("https://localhost",)),
        ("192.168.1.5", ("https://192.168.1.5",)),
        ("http://localhost:3000", ("http://localhost:3000",)),
        ("https://shop.example", ("https://shop.example",)),
    ],
)
def test_origins_of_a_domain(domain: str, origins: tuple[str, ...]) -> None:
    assert origins_of(domain) == origins
