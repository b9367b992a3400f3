"""One HTTP/1.1 request on a connection of its own, with everything that a proxy may have done to it in sight.

Knows HTTP as far as proxies and chat-server speak it; knows no path of Kefu's and judges nothing.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
HEADER_BYTES_MAX = 65_536
BODY_BYTES_MAX = 4 * 1024 * 1024

Headers = dict[str, str]


class RequestError(OSError):
    """No answer, or one that is no HTTP; the text says why."""


@dataclass(frozen=True)
class Target:
    """Where requests go.

    Attributes:
        url: `http://` or `https://`, with a path if chat-server is under one, without a slash at its end.
        tls: How certificates are checked; None for plain HTTP.
    """

    url: str
    tls: ssl.SSLContext | None

    @classmethod
    def of(cls, url: str, *, verify: bool = True) -> Target:
        """A target; with `verify=False` any certificate will do."""
        url = url.rstrip("/")
        if urlsplit(url).scheme != "https":
            return cls(url, None)
        context = ssl.create_default_context()
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return cls(url, context)

    @property
    def verifies(self) -> bool:
        """Whether certificates are checked."""
        return self.tls is None or self.tls.verify_mode == ssl.CERT_REQUIRED

    @property
    def host(self) -> str:
        """Name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port, the scheme's own if none is given."""
        return urlsplit(self.url).port or (443 if self.tls else 80)

    def path(self, path: str) -> str:
        """A path of Kefu's as it is asked for here."""
        return urlsplit(self.url).path.rstrip("/") + path


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        headers: Names in lower case, in their order; repeated ones stay apart.
        seconds: From the request to the end of the answer.
        local: Our own end of the connection, as host and port.
        cut: The connection ended before the answer was whole.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    seconds: float
    local: tuple[str, int]
    cut: bool = False

    def header(self, name: str) -> str:
        """A header's values joined by commas; empty if there is none."""
        return ", ".join(value for found, value in self.headers if found == name)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def is_json(self) -> bool:
        """Whether it says that it is JSON, as every refusal of chat-server does."""
        return "json" in self.header("content-type")

    @property
    def clock(self) -> float | None:
        """The server's time in Unix seconds, to the second; None if it does not tell."""
        try:
            return parsedate_to_datetime(self.header("date")).timestamp()
        except (TypeError, ValueError, IndexError):
            return None


@dataclass
class Connection:
    """An open connection."""

    target: Target
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    opened_at: float = field(default_factory=time.monotonic)

    @classmethod
    async def open(cls, target: Target) -> Connection:
        """Connects.

        Raises:
            OSError: Of the network, of TLS, or `TimeoutError`.
        """
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(
                target.host,
                target.port,
                ssl=target.tls,
                server_hostname=target.host if target.tls else None,
                limit=HEADER_BYTES_MAX,
            )
        return cls(target, reader, writer)

    @property
    def certificate(self) -> dict[str, Any]:
        """What the server showed, as far as it was verified."""
        shown = self.writer.get_extra_info("peercert")
        return shown or {}

    async def head(
        self, method: str, path: str, headers: Headers | None = None, body: bytes = b""
    ) -> tuple[int, list[tuple[str, str]]]:
        """Sends a request and reads status and headers.

        Raises:
            RequestError: What came is no HTTP answer.
        """
        sent = {"Host": _host_header(self.target), "User-Agent": "kefu-doctor", **(headers or {})}
        if body or method == "POST":
            sent["Content-Length"] = str(len(body))
        lines = [f"{method} {self.target.path(path)} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        await self.writer.drain()
        return await _read_head(self.reader)

    def close(self) -> None:
        """Ends it at once."""
        self.writer.transport.abort()


async def ask(
    target: Target,
    path: str,
    *,
    method: str = "GET",
    headers: Headers | None = None,
    body: bytes = b"",
    timeout_s: float = ANSWER_TIMEOUT_S,
) -> Answer:
    """A request on a new connection.

    Raises:
        OSError: Nobody answers, or not with HTTP; `TimeoutError` after `timeout_s`.
    """
    connection = await Connection.open(target)
    try:
        async with asyncio.timeout(timeout_s):
            status, found = await connection.head(method, path, {"Connection": "close", **(headers or {})}, body)
            content, cut = await _read_body(connection.reader, dict(found), has_none=status in (204, 304))
        local: tuple[str, int] = connection.writer.get_extra_info("sockname")[:2]
        return Answer(status, found, content, time.monotonic() - connection.opened_at, local, cut)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise RequestError(f"the answer is no HTTP ({type(error).__name__})") from error
    finally:
        connection.close()


def _host_header(target: Target) -> str:
    return urlsplit(target.url).netloc.rpartition("@")[2]


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, list[tuple[str, str]]]:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").split("\r\n")
        status = int(first.split(" ", 2)[1])
    except asyncio.IncompleteReadError as error:
        what = "the connection was closed without an answer" if not error.partial else "the answer is no HTTP"
        raise RequestError(what) from error
    except (asyncio.LimitOverrunError, ValueError, IndexError) as error:
        raise RequestError("the answer is no HTTP") from error
    parts = (line.partition(":") for line in lines if line)
    return status, [(name.strip().lower(), value.strip()) for name, _, value in parts]


async def _read_body(reader: asyncio.StreamReader, headers: Headers, *, has_none: bool) -> tuple[bytes, bool]:
    if has_none:
        return b"", False
    if "chunked" in headers.get("transfer-encoding", ""):
        return await _read_chunks(reader)
    length = int(headers.get("content-length", "-1"))
    if length < 0:
        body = bytearray()
        while len(body) < BODY_BYTES_MAX and (part := await reader.read(HEADER_BYTES_MAX)):
            body += part
        return bytes(body), False
    try:
        return await reader.readexactly(min(length, BODY_BYTES_MAX)), False
    except asyncio.IncompleteReadError as error:
        return error.partial, True


async def _read_chunks(reader: asyncio.StreamReader) -> tuple[bytes, bool]:
    body = bytearray()
    try:
        while len(body) < BODY_BYTES_MAX:
            size = int((await reader.readline()).split(b";")[0], 16)
            if size == 0:
                break
            body += await reader.readexactly(size)
            await reader.readexactly(2)
    except (asyncio.IncompleteReadError, ValueError):
        return bytes(body), True
    return bytes(body), False
