"""`kefu accept` through every proxy that must work, and through proxies that must be found out."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kefu.accept import connection
from kefu.cli.main import app, register
from kefu.tokens import issue_agent_token
from proxy.conftest import SECRET, Front, Installation, example, states
from proxy.processes import free_ports, start_caddy


@pytest.mark.parametrize("name", ["path", "subdomain", "document", "strip"])
def test_accepted_through(installation: Installation, name: str) -> None:
    result = installation.accept(installation.fronts[name], "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["lines"] == [
        "SERVER_OK",
        "DB_OK",
        "WS_OK visitor=/ws-visitor admin=/ws-admin",
        "P0_OK: chat_widget + admin_panel + message_persist",
    ]
    assert told["isClosed"]
    found = states(result)
    assert found.pop("redirect") == "skipped"  # https is on another port than 443 here
    assert set(found.values()) == {"ok"}, told


def test_accepted_through_caddy(installation: Installation) -> None:
    """The docs' Caddyfile, with our names, ports and certificate."""
    port = installation.caddy_port
    text = example("nginx", "caddy").replace("shop.example {", f"https://localhost:{port} {{\n    tls {{cert}} {{key}}")
    text = text.replace("{cert}", f"{installation.folder}/fullchain.pem")
    text = text.replace("{key}", f"{installation.folder}/privkey.pem")
    text = text.replace(":4000", f":{installation.chat_port}").replace(":3000", f":{installation.site_ports[0]}")
    caddy = start_caddy(installation.folder / "caddy", text, port)
    try:
        result = installation.accept(Front(f"https://localhost:{port}", f"https://localhost:{port}"), "--json")
    finally:
        caddy.stop()
    assert result.exit_code == 0, result.output
    assert "failed" not in states(result).values()


def test_a_report_for_people_in_their_language(installation: Installation) -> None:
    front = installation.fronts["path"]
    result = installation.accept(front, "--lang=zh")
    assert result.exit_code == 0, result.output
    assert re.search(r"访客可用 websocket 连接\s+│ 通过 │\s+\d+ │", result.stdout)
    assert "P0_OK: chat_widget + admin_panel + message_persist\n" in result.stdout
    assert re.search(r"留下一个已关闭的会话，访客名为“Kefu acceptance test”：\w+\n", result.stdout)
    assert "验收通过" in result.stdout


def test_pictures_by_an_installed_browser(installation: Installation, tmp_path: Path) -> None:
    front = installation.fronts["path"]
    page = front.local(front.page)
    result = installation.accept(
        front, "--json", "--admin-url=", f"--screenshots={tmp_path / 'shots'}", f"--page={page}/"
    )
    assert result.exit_code == 0, result.output
    pictures = [Path(name) for name in json.loads(result.stdout)["pictures"]]
    assert [picture.name for picture in pictures] == ["widget.png", "console.png"]
    for picture in pictures:
        head = picture.read_bytes()[:24]
        assert head.startswith(b"\x89PNG")
        assert struct.unpack(">II", head[16:24]) == (1280, 800)


def test_a_proxy_that_does_not_upgrade_is_found_out(installation: Installation) -> None:
    """Polling goes through, so the widget would work slowly and nobody would see why."""
    (port,) = free_ports(1)
    plain = installation._plain_server(port, installation.chat_port, "")
    installation.nginx.site("broken", plain)
    installation.nginx.reload()
    try:
        front = Front(f"https://localhost:{port}", f"https://localhost:{port}")
        result = wait_for(lambda: installation.accept(front, "--json", f"--origin={installation.fronts['path'].page}"))
    finally:
        installation.nginx.site("broken", "")
        installation.nginx.reload()
    assert result.exit_code == 1
    found = states(result)
    assert [found["visitor_websocket"], found["agent_websocket"]] == ["failed", "failed"], result.output
    assert found["hello"] == "skipped"
    assert "WS_FAIL" in json.loads(result.stdout)["lines"]


def test_wrong_tokens_and_origins_are_found_out_and_leave_nothing(installation: Installation) -> None:
    front = installation.fronts["path"]
    refused = installation.accept(front, "--json", "--token=not.a.token")
    told = json.loads(refused.stdout)
    assert refused.exit_code == 1
    assert states(refused)["agent_websocket"] == "failed"
    assert "UNAUTHORIZED" in next(one["detail"] for one in told["checks"] if one["name"] == "agent_websocket")
    assert told["conversationId"] is None
    foreign = installation.accept(front, "--json", "--origin=https://elsewhere.example")
    assert states(foreign)["visitor_polling"] == "failed"
    assert "403" in foreign.stdout


@pytest.mark.parametrize("way", ["file", "standard input"])
def test_a_token_that_is_not_on_the_command_line(installation: Installation, tmp_path: Path, way: str) -> None:
    token = issue_agent_token(SECRET, agent_id="script", role="agent")
    (tmp_path / "token").write_text(f"{token}\n")
    source = str(tmp_path / "token") if way == "file" else "-"
    front = installation.fronts["path"]
    result = installation.accept(front, f"--token-from={source}", text=f"{token}\n", CHAT_ADMIN_JWT_SECRET="")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--token=x", "--token-from=-"], "not both"),
        (["--token-from=nowhere"], "No such file"),
        (["--token-from=-"], "no token in it"),
        (["--token=x", "--url=shop.example"], "expected --url https://host[:port]"),
        (["--token=x", "--origin=https://a/?b"], "expected --origin"),
        (["--token=x", "--lang=fr"], "expected --lang en or zh"),
        (["--token=x", f"--ca={__file__}"], "--ca"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    register("accept")
    result = CliRunner().invoke(app, ["accept", "--url=http://localhost:1", *arguments])
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


def test_a_talk_that_breaks_off_is_closed_all_the_same(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAR_S_MAX", 0.0)
    result = installation.accept(installation.fronts["path"], "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    found = states(result)  # what is heard at once is heard; the first that is not breaks the talk off
    assert (found["hello"], "failed" in found.values(), found["close"] != "ok") == ("ok", True, True)
    assert told["conversationId"]
    assert told["isClosed"]


def test_an_agent_who_may_only_read_is_told_what_is_left(installation: Installation) -> None:
    token = issue_agent_token(SECRET, agent_id="looker", role="viewer")
    result = installation.accept(installation.fronts["path"], f"--token={token}")
    assert result.exit_code == 1
    assert "✗ agent assigns, visitor sees who: admin_assign was refused: FORBIDDEN" in result.stdout
    assert "could not be closed; close it in the console" in result.stdout


def test_an_unknown_certificate_is_not_taken(installation: Installation) -> None:
    url = installation.fronts["path"].local(installation.fronts["path"].chat)
    result = CliRunner().invoke(app, ["accept", "--url", url, "--token", "x"])
    assert result.exit_code == 1
    assert "✗ chat-server answers: the certificate is not trusted: unable to get local issuer" in result.stdout
    assert f"not accepted; kefu doctor --url {url} names the line to change\n" in result.stdout
    assert [line for line in result.stdout.splitlines() if line.endswith("_FAIL")] == [
        "SERVER_FAIL",
        "DB_FAIL",
        "WS_FAIL",
        "P0_FAIL",
    ]


def wait_for(ask):
    """Asks again while nginx still has the configuration from before the reload."""
    for _ in range(50):
        result = ask()
        if states(result)["health"] == "ok":
            break
    return result
