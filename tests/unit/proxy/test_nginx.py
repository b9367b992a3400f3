"""What `kefu nginx` prints, and what it refuses to print."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from kefu.cli import nginx as command
from kefu.cli.main import app, register
from kefu.proxy.nginx import parse_version
from kefu.proxy.site import SiteError, checked_domain, checked_folder, socket_timeout_s


@pytest.fixture(scope="module", autouse=True)
def _command() -> None:
    register("nginx")


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)


def printed(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["nginx", *arguments], env=environment)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("shop.example", "shop.example"),
        (" WWW.Shop.Example. ", "www.shop.example"),
        ("客服.example", "xn--ubtq9x.example"),
        ("a-b.c1", "a-b.c1"),
    ],
)
def test_domains(text: str, domain: str) -> None:
    assert checked_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "localhost", "https://shop.example", "shop.example:443", "shop.example/", "shop..example",
        "-shop.example", "shop-.example", "shop_.example", "*.example", "192.0.2.1", "[::1]", "a b.example",
        "shop.example;", "shop.example{}", "shop.example\nlisten 1;", "$host.example", "a'.example",
        f"{'a' * 64}.example", ".".join(["a" * 60] * 5), "shop.example#",
    ],
)  # fmt: skip
def test_what_is_no_domain_is_not_printed(text: str) -> None:
    with pytest.raises(SiteError, match="expected a domain such as"):
        checked_domain(text)
    result = printed("--domain", text)
    assert result.exit_code == 2
    assert "server" not in result.stdout


@pytest.mark.parametrize("text", ["", "relative", "/a b", "/a;", "/a/../b", "/a\n", "/$host", "/a{", "/a'"])
def test_what_is_no_folder_is_not_printed(text: str) -> None:
    with pytest.raises(SiteError, match="expected an absolute folder"):
        checked_folder(text)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--layout", "cloud"], "is not one of"),
        (["--layout", "subdomain", "--part", "rollback"], "remove its file"),
        (["--chat-domain", "chat.example"], "is for --layout subdomain"),
        (["--nginx-version", "new"], "such as 1.22"),
        (["--certificates", "/etc/x;"], "expected an absolute folder"),
        (["--https-port", "0"], "greater than"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    result = printed("--domain", "shop.example", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("told", "version"),
    [("nginx version: nginx/1.22.1\n", (1, 22, 1)), ("1.25", (1, 25, 0)), ("", None), ("nginx: not found", None)],
)
def test_versions(told: str, version: tuple[int, int, int] | None) -> None:
    assert parse_version(told) == version


def test_http2_is_written_as_the_version_wants_it() -> None:
    old = printed("--domain=shop.example", "--nginx-version=1.22").stdout
    new = printed("--domain=shop.example", "--nginx-version=1.25.1").stdout
    assert "    listen 443 ssl http2;\n    listen [::]:443 ssl http2;\n" in old
    assert "http2 on" not in old
    assert "    listen 443 ssl;\n    listen [::]:443 ssl;\n    http2 on;\n" in new
    assert "ssl http2" not in new


def test_without_an_nginx_all_of_them_take_it(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(command, "SBIN", str(tmp_path))
    assert command.installed_version() is None
    assert "listen 443 ssl http2;" in printed("--domain=shop.example").stdout


def test_the_installed_one_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    program = tmp_path / "nginx"
    program.write_text("#!/bin/sh\necho 'nginx version: nginx/1.27.4 (Ubuntu)' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert command.installed_version() == (1, 27, 4)
    assert "http2 on;" in printed("--domain=shop.example").stdout


def test_ports_sizes_and_heartbeat_come_from_the_settings() -> None:
    text = printed(
        "--domain=shop.example",
        "--workers=4",
        CHAT_SERVER_PORT="4100",
        KEFU_SITE_PORT="3100",
        KEFU_PING_INTERVAL_MS="60000",
        KEFU_PING_TIMEOUT_MS="30000",
        KEFU_MESSAGE_BYTES_MAX="2048",
    ).stdout
    for line in ("server 127.0.0.1:4100;", "server 127.0.0.1:3100;", "keepalive 64;", "proxy_read_timeout 105s;"):
        assert line in text
    assert "client_max_body_size 3072;" in text
    assert socket_timeout_s(25_000, 20_000) == 60


def test_certbot_paths_and_names() -> None:
    path = printed("--domain=www.shop.example").stdout
    assert "ssl_certificate     /etc/letsencrypt/live/www.shop.example/fullchain.pem;" in path
    assert "root /var/www/letsencrypt;" in path
    assert "return 301 https://www.shop.example$request_uri;" in path
    subdomain = printed("--domain=www.shop.example", "--layout=subdomain").stdout
    assert "server_name chat.shop.example;" in subdomain
    assert "/etc/letsencrypt/live/chat.shop.example/privkey.pem;" in subdomain
    assert ":3000" not in subdomain
    other = printed("--domain=shop.example", "--layout=subdomain", "--chat-domain=help.example").stdout
    assert "server_name help.example;" in other


@pytest.mark.parametrize(
    ("domain", "other"), [("shop.example", "www.shop.example"), ("www.shop.example", "shop.example")]
)
@pytest.mark.parametrize("part", ["all", "rollback"])
def test_the_other_name_is_sent_on(domain: str, other: str, part: str) -> None:
    text = printed(f"--domain={domain}", f"--part={part}").stdout
    plain, secure, also = text.split("server {\n")[1:]
    assert f"server_name {domain} {other};" in plain
    assert f"-d {domain} -d {other}\n" in plain
    assert f"server_name {domain};" in secure
    assert f"server_name {other};" in also
    assert f"live/{domain}/fullchain.pem;" in also
    assert f"return 301 https://{domain}$request_uri;" in also


@pytest.mark.parametrize(
    "arguments", [["--domain=shop.example", "--no-www"], ["--domain=shop.example", "--layout=subdomain"]]
)
def test_there_is_no_other_name(arguments: list[str]) -> None:
    text = printed(*arguments).stdout
    assert "www." not in text
    assert text.count("server_name") == 2


def test_the_challenge_proves_both_names() -> None:
    text = printed("--domain=shop.example", "--part=challenge").stdout
    assert "server_name shop.example www.shop.example;" in text
    assert "-d shop.example -d www.shop.example\n" in text


def test_no_location_loses_the_headers_of_its_server() -> None:
    """In nginx a location with one `add_header` or `proxy_set_header` has none of its server's."""
    for layout in ("path", "subdomain"):
        text = printed("--domain=shop.example", f"--layout={layout}").stdout
        deep = [line for line in text.splitlines() if line.startswith("        ")]
        assert not [line for line in deep if "add_header" in line or "proxy_set_header" in line]


def test_a_rollback_is_the_same_without_the_chat() -> None:
    text = printed("--domain=shop.example", "--part=rollback").stdout
    assert "server 127.0.0.1:3000;" in text
    assert not [word for word in ("4000", "ws-", "widget", "/chat/", "proxy_cache") if word in text]
