"""What systemd is told, over real datagram sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from kefu.cli import systemd


@pytest.fixture(params=["/", "@"], ids=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket on which systemd listens, of both kinds that it uses."""
    name = str(tmp_path / "notify") if request.param == "/" else f"@kefu-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(name.replace("@", "\0"))
        opened.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield opened


def waiting(manager: socket.socket) -> list[bytes]:
    """What was said and not yet read."""
    manager.setblocking(False)
    said = []
    with contextlib.suppress(BlockingIOError):
        while True:
            said.append(manager.recv(100))
    return said


def test_a_state_is_one_datagram(manager: socket.socket) -> None:
    systemd.tell(systemd.READY)
    systemd.tell(systemd.STOPPING)
    assert (manager.recv(100), manager.recv(100)) == (b"READY=1", b"STOPPING=1")


async def test_a_watched_loop_says_that_it_turns(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    async with systemd.watched():
        await asyncio.sleep(0.05)
    said = waiting(manager)
    assert len(said) >= 2
    assert set(said) == {b"WATCHDOG=1"}
    await asyncio.sleep(0.03)
    assert waiting(manager) == []


async def test_nothing_is_said_where_nothing_is_asked(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    async with systemd.watched():
        await asyncio.sleep(0.03)
    monkeypatch.delenv("NOTIFY_SOCKET")
    systemd.tell(systemd.READY)
    assert waiting(manager) == []


@pytest.mark.parametrize(
    ("usec", "interval_s"), [("", None), ("0", None), ("soon", None), ("30000000", 15.0), ("-5", None)]
)
def test_the_interval_is_half_of_what_systemd_waits(
    monkeypatch: pytest.MonkeyPatch, usec: str, interval_s: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    assert systemd.watchdog_interval_s() == interval_s


def test_a_manager_that_is_gone_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    systemd.tell(systemd.READY)
    assert "systemd cannot be told READY=1" in caplog.text
