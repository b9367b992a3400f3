"""One request: whole answers however they are sent, and a clear error for every other one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from kefu.client import http
from kefu.client.address import LostError
from kefu.client.http import fetch

Serve = Callable[[bytes], Awaitable[str]]


@pytest.fixture
async def asked() -> list[bytes]:
    return []


@pytest.fixture
async def serve(asked: list[bytes]) -> AsyncIterator[Serve]:
    """Answers every request with the same bytes, then closes, unless they are empty."""
    servers: list[asyncio.Server] = []

    async def start(answer: bytes) -> str:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(await reader.read(65_536))
            writer.write(answer)
            if answer:
                writer.close()
            else:
                await reader.read()

        servers.append(await asyncio.start_server(handle, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: 1\r\na: 2\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: 1\r\na: 2\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nA: 1\r\na: 2\r\n\r\nhello",
    ],
    ids=["length", "chunked", "until the end", "1.0"],
)
async def test_whole_answers(serve: Serve, asked: list[bytes], answer: bytes) -> None:
    got = await fetch(f"{await serve(answer)}/a?b=c", headers={"X-A": "1"})
    assert (got.status, got.body, got.headers["a"]) == (200, b"hello", "1, 2")
    assert asked[0].startswith(b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-A: 1\r\n" in asked[0]


async def test_a_body_is_sent_with_its_length(serve: Serve, asked: list[bytes]) -> None:
    got = await fetch(await serve(b"HTTP/1.1 204 No Content\r\n\r\n"), method="POST", body="é".encode())
    assert got.status == 204
    assert asked[0].endswith("\r\nContent-Length: 2\r\n\r\né".encode())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "in the middle"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhe", "in the middle"),
        (b"\r\n", "in the middle"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "speaks no HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000, "longer than 1000 bytes"),
        (b"", "no answer in 0.2 s"),
    ],
    ids=["cut", "cut chunk", "nothing", "another protocol", "endless", "silence"],
)
async def test_other_answers(serve: Serve, monkeypatch: pytest.MonkeyPatch, answer: bytes, words: str) -> None:
    monkeypatch.setattr(http, "BODY_BYTES_MAX", 1000)
    with pytest.raises(LostError, match=words):
        await fetch(await serve(answer), timeout_s=0.2)


async def test_nobody_there(unused_tcp_port: int) -> None:
    with pytest.raises(LostError, match=r"[Cc]onnect"):
        await fetch(f"http://127.0.0.1:{unused_tcp_port}/")
