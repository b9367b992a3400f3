"""How a node gets onto a real NATS: credentials of every kind, TLS, several servers, and those that are none."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from integration.nats_server import PASSWORD, USER, NatsServer
from kefu.bus import nats_connection
from kefu.bus.envelope import Changed, Hint, Seal
from kefu.bus.nats import NatsBus, say_once
from kefu.bus.nats_connection import NatsError, connect, servers
from kefu.bus.subjects import inbox_subject

SECRET = "7d1f0c9ab26e4458b3c2d6e8f90a1b2c3d4e5f60"
INBOX = inbox_subject("default")


class Listener:
    def heard(self, hint: Hint) -> None:
        pass

    def returned(self) -> None:
        pass


@contextlib.contextmanager
def running(*options: str) -> Iterator[NatsServer]:
    server = NatsServer(*options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextlib.asynccontextmanager
async def node(url: str) -> AsyncIterator[NatsBus]:
    bus = NatsBus(url, Seal(SECRET))
    bus.start(Listener())
    try:
        yield bus
    finally:
        await bus.close()


async def is_let_in(url: str) -> bool:
    refusal = ""
    try:
        (await connect(servers(url)[0], lambda _subject, _data: None)).abort()
    except NatsError as error:
        refusal = str(error)
    assert refusal in ("", "NATS says: Authorization Violation")
    return not refusal


async def test_credentials() -> None:
    """User and password, with any characters; a token; nobody else."""
    with running("--user", "ke fu", "--pass", "p@ss:w/rd%") as server:
        at = f"127.0.0.1:{server.port}"
        assert await is_let_in(f"nats://ke%20fu:p%40ss%3Aw%2Frd%25@{at}")
        assert not await is_let_in(f"nats://ke%20fu:wrong@{at}")
        assert not await is_let_in(f"nats://{at}")
        assert not await is_let_in(f"nats://token@{at}")
    with running("--auth", "a-token") as server:
        assert await is_let_in(f"nats://a-token@127.0.0.1:{server.port}")
        assert not await is_let_in(f"nats://another@127.0.0.1:{server.port}")


async def test_a_refusal_is_told_without_the_password(caplog, until) -> None:
    with running() as server:
        async with node(f"nats://{USER}:not-the-password@127.0.0.1:{server.port}"):
            await until(lambda: "the bus is away" in caplog.text)
            assert "the bus is away (NATS says: Authorization Violation)" in caplog.text
            assert "not-the-password" not in caplog.text


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate for localhost and its key, beside each other."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "certificate.pem"


async def test_tls(certificate: Path, monkeypatch, until) -> None:
    """Where either side asks for it, and only with a certificate that this machine trusts for that name."""
    tls = ("--tls", "--tlscert", str(certificate), "--tlskey", str(certificate.with_name("key.pem")))
    with running("--user", USER, "--pass", PASSWORD, *tls) as server:
        at = f"{USER}:{PASSWORD}@localhost:{server.port}"
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            await is_let_in(f"tls://{at}")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            await is_let_in(f"tls://{USER}:{PASSWORD}@127.0.0.1:{server.port}")
        async with node(f"tls://{at}") as here, node(f"nats://{at}") as there:
            await until(lambda: here.state == there.state == "joined")
            await there.listen(INBOX)
            for number in range(200):
                here.publish(INBOX, Changed((str(number) * 500,)))
            await until(lambda: there.counts["delivered"] == 200)
    with running() as server, pytest.raises((OSError, TimeoutError)):
        await is_let_in(f"tls://{USER}:{PASSWORD}@localhost:{server.port}")


async def test_several_servers(until) -> None:
    """One that is away is passed over, at the start and later."""
    with running() as first, running() as second:
        url = f"{first.url}, {second.url}"
        second.stop()
        async with node(url) as bus:
            await until(lambda: bus.state == "joined", 5)
            second.start()
            first.stop()
            await until(lambda: bus.state == "away", 5)
            await until(lambda: bus.state == "joined", 5)
        assert await say_once(url, INBOX, b"x")
        second.stop()
        assert not await say_once(url, INBOX, b"x")


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"INFO {}\r\n-ERR 'no'\r\n", b""])
async def test_servers_that_are_none(says: bytes, monkeypatch) -> None:
    """Whatever answers there, the attempt ends soon and leaves no connection."""
    monkeypatch.setattr(nats_connection, "OPEN_TIMEOUT_S", 0.3)
    left = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        while await reader.read(1000):
            pass
        left.set()
        writer.close()

    other = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    began = time.monotonic()
    with pytest.raises((OSError, TimeoutError)):
        await connect(servers(f"nats://127.0.0.1:{port}")[0], lambda _subject, _data: None)
    assert time.monotonic() - began < 2
    async with asyncio.timeout(2):
        await left.wait()
    other.close()


async def test_a_server_that_falls_silent_is_left(monkeypatch, until) -> None:
    """Pings that nobody answers end a connection that looks open."""
    monkeypatch.setattr(nats_connection, "PING_INTERVAL_S", 0.05)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"INFO {}\r\n")
        await reader.readuntil(b"PING\r\n")
        writer.write(b"PONG\r\n")
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"nats://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    connection = await connect(servers(url)[0], lambda _subject, _data: None)
    waiting = asyncio.create_task(connection.flush())
    await until(connection.ended.done, 2)
    with pytest.raises(NatsError):
        await waiting
    with pytest.raises(NatsError):
        await connection.flush()
    silent.close()
