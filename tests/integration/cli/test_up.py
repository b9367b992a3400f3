"""`kefu up`: everything in one process, first run, second run, killed, stopped."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from kefu.cli.up import origin_of, reachable_by
from kefu.config import ConfigError, load_settings
from kefu.store.embedded_cluster import processes_in

from .conftest import Program, free_ports

RUNNING = "Kefu is running"


@pytest.fixture
def up(start, data_dir: Path) -> Callable[..., Program]:
    ports = free_ports(2)

    def run(*arguments: str, **environment: str) -> Program:
        program = start(
            "up",
            *arguments,
            **{
                "KEFU_DATA_DIR": str(data_dir),
                "CHAT_SERVER_PORT": str(ports[0]),
                "KEFU_SITE_PORT": str(ports[1]),
            }
            | environment,
        )
        program.chat, program.site = (f"http://localhost:{port}" for port in ports)
        return program

    return run


def postgres(data_dir: Path) -> list[psutil.Process]:
    return processes_in((data_dir / "postgres" / "cluster").resolve())


@contextlib.contextmanager
def logged_in(program: Program, password: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=program.site, timeout=10) as client:
        csrf = client.get("/admin/login").text.split('name="csrf" value="')[1].split('"')[0]
        client.post("/admin/login", data={"csrf": csrf, "login": "admin", "password": password})
        yield client


def test_the_whole_life(up, data_dir: Path) -> None:
    first = up()
    password = first.wait_for(r"Password\s+(\S{16})\s")[1]
    first.wait_for(RUNNING)
    assert f"{first.site}/" in first.text
    assert f"{first.site}/admin/chat" in first.text
    with logged_in(first, password) as agent:
        assert "kefu-console" in agent.get("/admin/chat").text
        token = agent.get("/api/admin/chat/token").json()["token"]
        assert token.count(".") == 2
    assert first.end() == 0
    assert postgres(data_dir) == []

    begun = time.monotonic()
    second = up()
    second.wait_for(RUNNING)
    assert time.monotonic() - begun < 5 * max(1.0, psutil.getloadavg()[0] / psutil.cpu_count())
    assert "Password" not in second.text
    with logged_in(second, password) as agent:
        assert agent.get("/api/admin/chat/token").status_code == 200
        second.end(signal.SIGKILL)

    third = up()
    third.wait_for(RUNNING)
    with logged_in(third, password) as agent:
        assert agent.get("/api/admin/chat/token").status_code == 200
    assert third.end(signal.SIGINT) == 0
    assert postgres(data_dir) == []


def test_both_allowlists_hold_this_machine_and_the_host(up) -> None:
    program = up(
        "--host", "kefu.test", KEFU_ADMIN_PASSWORD="correct horse", CHAT_ALLOWED_ORIGINS="https://shop.example"
    )
    program.wait_for(RUNNING)
    assert "Password" not in program.text
    site, chat = program.site.rpartition(":")[2], program.chat.rpartition(":")[2]
    assert f"http://kefu.test:{site}/admin/chat" in program.text
    with logged_in(program, "correct horse") as agent:
        assert agent.get("/api/admin/chat/token").status_code == 200
        assert f'serverBaseUrl: "http://kefu.test:{chat}"' in agent.get("/").text

    def admits(path: str, origin: str) -> bool:
        query = {"EIO": "4", "transport": "polling"}
        return httpx.get(f"{program.chat}{path}/", params=query, headers={"Origin": origin}).status_code == 200

    for name in ("localhost", "127.0.0.1", "kefu.test"):
        for port in (site, chat):
            assert admits("/ws-visitor", f"http://{name}:{port}")
            assert admits("/ws-admin", f"http://{name}:{port}")
    assert admits("/ws-visitor", "https://shop.example")
    assert not admits("/ws-admin", "https://shop.example")
    assert not admits("/ws-visitor", "http://evil.example")


def test_a_second_one_is_told_that_the_port_is_taken(up) -> None:
    program = up()
    program.wait_for(RUNNING)
    second = up()
    assert second.wait() == 1
    assert len(second.lines) == 1
    assert "is in use by another program" in second.text
    assert httpx.get(f"{program.chat}/chat/health").status_code == 200


def test_nothing_is_made_when_a_port_is_taken(up, data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        program = up(KEFU_SITE_PORT=str(taken.getsockname()[1]))
        assert program.wait() == 1
    assert "KEFU_SITE_PORT" in program.text
    assert list(data_dir.iterdir()) == []


def test_a_bad_first_password_stops_the_start(up, data_dir: Path) -> None:
    program = up(KEFU_ADMIN_PASSWORD="short")
    assert program.wait() == 1
    made, problem = program.text.splitlines()
    assert made == f"made a new embedded database in {data_dir}"
    assert problem == "kefu: KEFU_ADMIN_PASSWORD: a password has 8–256 characters; this one has 5"
    assert postgres(data_dir) == []


@pytest.mark.parametrize("host", ["http://shop.local", "shop.local:3000", "shop local", "*", ""])
def test_a_host_that_is_none_is_wrong_usage(up, host: str) -> None:
    program = up("--host", host)
    assert program.wait() == 2
    assert "name or an address" in " ".join(program.text.split())


def test_one_port_for_both_is_told() -> None:
    with pytest.raises(ConfigError, match="are both 4100"):
        reachable_by(load_settings(port=4100, site_port=4100), None)


@pytest.mark.parametrize(
    ("name", "port", "origin"),
    [
        ("localhost", 3000, "http://localhost:3000"),
        ("192.168.1.5", 80, "http://192.168.1.5"),
        ("::1", 3000, "http://[::1]:3000"),
        ("Shop.Local", 3000, "http://shop.local:3000"),
        ("a/b", 3000, None),
        ("user@host", 3000, None),
    ],
)
def test_origins_of_names(name: str, port: int, origin: str | None) -> None:
    assert origin_of(name, port) == origin


def test_settings_that_are_set_win_over_those_that_are_filled() -> None:
    settings = load_settings(
        host="192.0.2.7", server_internal_url="http://inside:1", server_public_url="https://chat.example"
    )
    filled = reachable_by(settings, "shop.local")
    assert (filled.host, filled.server_internal_url, filled.server_public_url) == (
        "192.0.2.7",
        "http://inside:1",
        "https://chat.example",
    )
    plain = reachable_by(load_settings(), None)
    assert (plain.host, plain.server_internal_url, plain.server_public_url) == (
        "127.0.0.1",
        "http://127.0.0.1:4000",
        "http://localhost:4000",
    )
    assert reachable_by(load_settings(), "shop.local").host == "0.0.0.0"
    six = reachable_by(load_settings(), "fd00::1")
    assert (six.host, six.server_public_url) == ("", "http://[fd00::1]:4000")
