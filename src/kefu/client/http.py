"""One HTTP request on a connection of its own, as a browser without a cache would make it; follows no redirect."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httptools

from kefu.client.address import LostError

TIMEOUT_S = 15.0
BODY_BYTES_MAX = 4 * 1024 * 1024
_CHUNK_BYTES = 65_536


@dataclass
class Answer:
    """What came back.

    Attributes:
        status: HTTP status.
        headers: Names in lower case; of a repeated one, all values joined by a comma.
        body: As sent: nothing is decompressed, unless that was asked for.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_whole: bool = False

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """The end of it."""
        self.is_whole = True


async def fetch(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    context: ssl.SSLContext | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """Asks and waits for the whole answer.

    Args:
        url: `http://` or `https://`.
        method: GET, or POST with a body.
        headers: Beside Host and those of the body.
        body: What is sent.
        context: How certificates are checked; as this machine does if None.
        timeout_s: For everything.

    Raises:
        LostError: Nobody answered, or not to the end, or not in time; or the certificate is not good.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines += [f"Content-Length: {len(body)}"] if method == "POST" else []
    tls = (context or ssl.create_default_context()) if parts.scheme == "https" else None
    port = parts.port or (443 if tls else 80)
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls, limit=BODY_BYTES_MAX)
            try:
                writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                return await _read(reader)
            finally:
                writer.transport.abort()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError:
        raise LostError(f"no answer in {timeout_s:g} s") from None
    except LostError:
        raise
    except OSError as error:
        raise LostError(_reason(error)) from error
    except httptools.HttpParserError as error:
        raise LostError(f"what answers speaks no HTTP: {error}") from error


async def _read(reader: asyncio.StreamReader) -> Answer:
    answer = Answer()
    parser = httptools.HttpResponseParser(answer)
    while not answer.is_whole:
        data = await reader.read(_CHUNK_BYTES)
        if not data:
            break
        parser.feed_data(data)
        if len(answer.body) > BODY_BYTES_MAX:
            raise LostError(f"the answer is longer than {BODY_BYTES_MAX} bytes")
    answer.status = parser.get_status_code()
    is_endless = "content-length" not in answer.headers and "transfer-encoding" not in answer.headers
    if not answer.status or not (answer.is_whole or is_endless):
        raise LostError("the connection ended in the middle of the answer")
    return answer


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    return error.strerror or f"{type(error).__name__}: {error}"
