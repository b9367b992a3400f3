"""Settings: read from the environment, refused with one line each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kefu.config import ConfigError, Settings, check_server, check_site, load_settings, reveal
from kefu.config_rules import origin_as_sent, variables

SECRET = "7d1f0c9ab26e4458b3c2d6e8f90a1b2c3d4e5f60"
IDENTITY = "f00dc0ffee9ab26e4458b3c2d6e8f90a1b2c3d4e"
ROLE_RULE = "expected theirs=ours, comma-separated, with ours one of owner, admin, agent, viewer"
DATABASE = "postgresql://chatapp:hidden@db/kefu"
ALL_NAMES = [name for field in Settings.model_fields.values() for name in variables(field)]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ALL_NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def good(**overrides: object) -> Settings:
    return load_settings(**({"admin_jwt_secret": SECRET, "database_url": DATABASE} | overrides))


def problems_of(check: object, settings: Settings) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        check(settings)  # type: ignore[operator]
    return refused.value.problems


def test_every_setting_has_a_variable_and_a_meaning() -> None:
    for name, field in Settings.model_fields.items():
        assert all(re.fullmatch(r"[A-Z][A-Z0-9_]+", variable) for variable in variables(field)), name
        assert field.description, name
        assert field.description.endswith("."), name
    assert len(ALL_NAMES) == len(set(ALL_NAMES))


def test_defaults_are_the_contracts() -> None:
    settings = load_settings()
    assert (settings.port, settings.site_port, settings.host) == (4000, 3000, "127.0.0.1")
    assert (settings.ws_rate_per_min, settings.ws_rate_burst, settings.rest_rate_per_min) == (30, 20, 60)
    assert settings.role_map == {"super": "owner"}
    assert settings.allowed_origins == ()


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_SERVER_PORT", "4100")
    monkeypatch.setenv("CHAT_ALLOWED_ORIGINS", " https://a.example, http://b.example:81 ,")
    monkeypatch.setenv("KEFU_ROLE_MAP", "boss=owner, helper=agent")
    monkeypatch.setenv("CHAT_ADMIN_JWT_SECRET", SECRET)
    settings = load_settings()
    assert settings.port == 4100
    assert settings.allowed_origins == ("https://a.example", "http://b.example:81")
    assert settings.role_map == {"boss": "owner", "helper": "agent"}
    assert reveal(settings.admin_jwt_secret) == SECRET
    assert SECRET not in repr(settings)


def test_a_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# a comment\nCHAT_SERVER_PORT=4100\nKEFU_SITE_PORT=3100\nUNKNOWN=1\n")
    monkeypatch.setenv("KEFU_SITE_PORT", "3200")
    settings = load_settings()
    assert (settings.port, settings.site_port) == (4100, 3200)


def test_another_file_may_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CHAT_SERVER_PORT=4100\n")
    (tmp_path / "chat-server.env").write_text("CHAT_SERVER_PORT=4200\n")
    monkeypatch.setenv("KEFU_ENV_FILE", str(tmp_path / "chat-server.env"))
    assert load_settings().port == 4200
    monkeypatch.setenv("KEFU_ENV_FILE", str(tmp_path / "missing.env"))
    with pytest.raises(ConfigError, match=r"missing\.env is no file: give --env-file"):
        load_settings()


def test_what_others_call_host_and_port_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "PORT", "LOG_LEVEL", "DATABASE_URL", "DATA_DIR"):
        monkeypatch.setenv(name, "1")
    assert load_settings() == load_settings(host="127.0.0.1", port=4000)


def test_an_unreadable_file_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"CHAT_SERVER_PORT=\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"\.env cannot be read"):
        load_settings()


def test_empty_means_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_SERVER_PORT", "")
    monkeypatch.setenv("CHAT_DATABASE_URL", "")
    settings = load_settings()
    assert settings.port == 4000
    assert settings.database_url is None


def test_the_newer_name_of_the_public_url_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXT_PUBLIC_CHAT_SERVER_URL", "https://old.example/")
    assert load_settings().server_public_url == "https://old.example"
    monkeypatch.setenv("CHAT_SERVER_PUBLIC_URL", "https://new.example")
    assert load_settings().server_public_url == "https://new.example"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("CHAT_SERVER_PORT", "abc", "CHAT_SERVER_PORT is 'abc'; expected a whole number from 1 to 65535"),
        ("CHAT_SERVER_PORT", "70000", "CHAT_SERVER_PORT is '70000'; expected a whole number from 1 to 65535"),
        ("KEFU_JOIN_DEADLINE_S", "0", "KEFU_JOIN_DEADLINE_S is '0'; expected a number above 0"),
        ("KEFU_LOG_LEVEL", "loud", "KEFU_LOG_LEVEL is 'loud'; expected one of debug, info, warning, error"),
        (
            "KEFU_ROLE_MAP",
            "super",
            "KEFU_ROLE_MAP is 'super'; " + ROLE_RULE,
        ),
        (
            "CHAT_SERVER_PUBLIC_URL",
            "chat.example",
            "CHAT_SERVER_PUBLIC_URL is 'chat.example'; expected http://host[:port] or https://host[:port]",
        ),
    ],
)
def test_one_line_says_what_came_and_what_was_expected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as refused:
        load_settings()
    assert refused.value.problems == [line]


def test_every_bad_setting_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_SERVER_PORT", "x")
    monkeypatch.setenv("CHAT_TRUSTED_PROXIES", "10.0.0.0/8, nonsense")
    with pytest.raises(ConfigError) as refused:
        load_settings()
    assert len(refused.value.problems) == 2
    assert "'nonsense' does not appear to be an IPv4 or IPv6 network" in refused.value.problems[1]


def test_good_settings_pass() -> None:
    settings = good(
        identity_secret=IDENTITY,
        allowed_origins=("https://shop.example", "http://localhost:3000", "http://[::1]:3000"),
        admin_allowed_origins=("https://xn--fiq228c.example",),
    )
    check_server(settings)
    check_site(settings)
    check_server(good(database_url="embedded"))


@pytest.mark.parametrize("check", [check_server, check_site])
@pytest.mark.parametrize(
    ("secret", "words"),
    [(None, "is not set"), ("too-short-9z", "has 12 bytes"), ("change-me-" + "q7" * 20, "is a sample value")],
)
def test_bad_secrets_stop_both_programs(check: object, secret: str | None, words: str) -> None:
    (line,) = problems_of(check, good(admin_jwt_secret=secret))
    assert line.startswith(f"CHAT_ADMIN_JWT_SECRET {words}")
    assert "openssl rand -hex 32" in line
    assert secret is None or secret not in line


@pytest.mark.parametrize("check", [check_server, check_site])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        (None, "is not set"),
        ("file:./dev.db", "is a file: address"),
        ("mysql://chatapp:hidden@db/kefu", "is no PostgreSQL address"),
        ("postgresql://chatapp:hidden@db", "is no PostgreSQL address"),
        ("postgresql://chatapp:hidden@db:port/kefu", "is no PostgreSQL address"),
        ("postgresql://chatapp:hidden@db/kefu?schema=public", "remove them: schema"),
    ],
)
def test_bad_databases_stop_both_programs(check: object, url: str | None, words: str) -> None:
    (line,) = problems_of(check, good(database_url=url))
    assert line.startswith("CHAT_DATABASE_URL ")
    assert words in line
    assert "hidden" not in line


def test_the_visitors_secret_must_be_another_one() -> None:
    (line,) = problems_of(check_server, good(identity_secret=SECRET))
    assert line.startswith("KEFU_IDENTITY_SECRET is the same")
    (line,) = problems_of(check_server, good(identity_secret="short9z"))
    assert line.startswith("KEFU_IDENTITY_SECRET has 7 bytes")


def test_wrong_origins_are_told_with_the_line_to_write() -> None:
    settings = good(allowed_origins=("https://Shop.Example/", "https://ok.example", "shop2.example:8443"))
    (line,) = problems_of(check_server, settings)
    assert "'https://Shop.Example/', 'shop2.example:8443'" in line
    assert line.endswith("CHAT_ALLOWED_ORIGINS=https://shop.example,https://ok.example,https://shop2.example:8443")


def test_all_problems_come_at_once() -> None:
    problems = problems_of(check_server, load_settings(admin_allowed_origins=("*",)))
    assert [line.split()[0] for line in problems] == [
        "CHAT_ADMIN_JWT_SECRET",
        "CHAT_DATABASE_URL",
        "ADMIN_ALLOWED_ORIGINS",
    ]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://a.example", "https://a.example"),
        ("https://a.example:443", "https://a.example"),
        ("http://a.example:80/", "http://a.example"),
        ("http://a.example:443", "http://a.example:443"),
        ("https://中文.example/path?x#y", "https://xn--fiq228c.example"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("a.example", "https://a.example"),
        ("*", None),
        ("https://*.example", None),
        ("null", "https://null"),
        ("https://", None),
        ("https://a.example:port", None),
    ],
)
def test_origins_as_browsers_send_them(written: str, sent: str | None) -> None:
    assert origin_as_sent(written) == sent


def test_the_example_file_names_every_setting_once() -> None:
    text = (Path(__file__).parents[2] / ".env.example").read_text()
    named = re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE)
    assert sorted(named) == sorted(variables(field)[0] for field in Settings.model_fields.values())


def test_an_answer_to_a_ping_is_due_before_the_next_one() -> None:
    check_server(good(ping_interval_ms=1001, ping_timeout_ms=1000))
    assert problems_of(check_server, good(ping_interval_ms=1000, ping_timeout_ms=1000)) == [
        "KEFU_PING_TIMEOUT_MS=1000 is not below KEFU_PING_INTERVAL_MS=1000"
    ]


def test_a_metrics_token_must_be_a_secret_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    check_server(good(metrics_token=IDENTITY))
    (short,) = problems_of(check_server, good(metrics_token="short"))
    assert short.startswith("KEFU_METRICS_TOKEN has 5 bytes; at least 32 are needed")
    (same,) = problems_of(check_server, good(metrics_token=SECRET))
    assert same.startswith("KEFU_METRICS_TOKEN is the same as CHAT_ADMIN_JWT_SECRET")
    monkeypatch.setenv("KEFU_INTERNAL_PORT", "none")
    with pytest.raises(ConfigError, match="KEFU_INTERNAL_PORT is 'none'; expected a whole number from 1 to 65535"):
        good()
