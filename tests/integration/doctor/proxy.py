"""A reverse proxy that can be set wrongly in every way that reverse proxies are, and a front page beside it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

FRONT = '<!doctype html><script src="/chat/widget/widget.js"></script>'


@dataclass
class Faults:
    """What is wrong. The defaults are a proxy that is set up well.

    Attributes:
        path: What the upstream is asked for.
        statuses: Answered instead of forwarding, by the beginning of the path.
        dropped: Paths that begin so get no answer at all, the connection ends; empty: none.
        answer: Changes the header lines of answers to the widget's files.
        forwarded: How X-Forwarded-For goes on: with our peer added, as it came, or not at all.
        idle_s: A socket that is quiet so long is cut.
        hold_s: How long answers to polls are held back.
        front: The page at `/`, and its headers.
    """

    path: Callable[[str], str] = lambda path: path
    statuses: dict[str, str] = field(default_factory=dict)
    dropped: str = ""
    answer: Callable[[list[str]], list[str]] = lambda lines: lines
    forwarded: str = "append"
    upgrade: bool = True
    silent: bool = False
    idle_s: float = 30
    hold_s: float = 0
    cache: bool = False
    accept_encoding: bool = True
    date: str = ""
    cookie: str = "kefu_csrf=x; HttpOnly; Secure"
    front: tuple[str, list[str]] = (FRONT, [])
    upstream: int | None = None


class Proxy:
    """Listens on a port of its own."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.upstream = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._cached: bytes | None = None

    async def start(self, context: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            method, path, _ = first.split(" ")
            await self._answer(method, path, lines, reader, writer)
        writer.close()

    async def _answer(self, method: str, path: str, lines: list[str], reader, writer) -> None:
        if self.faults.dropped and path.startswith(self.faults.dropped):
            return
        status = next((status for start, status in self.faults.statuses.items() if path.startswith(start)), None)
        if path == "/" or status or path.startswith("/admin"):
            writer.write(self._own(path, status))
            await writer.drain()
            return
        is_poll = "transport=polling" in path
        if is_poll and self.faults.cache and self._cached and "sid=" not in path:
            writer.write(self._cached)
            return
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.faults.upstream or self.upstream)
        sent = self._lines(lines, writer.get_extra_info("peername")[0])
        up_writer.write("\r\n".join([f"{method} {self.faults.path(path)} HTTP/1.1", *sent, "", ""]).encode("latin-1"))
        try:
            await self._pipe(is_poll, path, reader, writer, up_reader, up_writer)
        finally:
            up_writer.close()

    def _own(self, path: str, status: str | None) -> bytes:
        body, extra = ("", []) if status else self.faults.front
        if path.startswith("/admin") and not status:
            status, extra = "303 See Other", ["Location: /admin/login"]
            if path == "/admin/login":
                status, extra, body = "200 OK", [f"Set-Cookie: {self.faults.cookie}"], ""
        lines = [f"HTTP/1.1 {status or '200 OK'}", "Content-Type: text/html", f"Content-Length: {len(body)}", *extra]
        return "\r\n".join([*lines, "", body]).encode()

    def _lines(self, lines: list[str], peer: str) -> list[str]:
        dropped = set() if self.faults.upgrade else {"upgrade", "connection"}
        if not self.faults.accept_encoding:
            dropped.add("accept-encoding")
        given = [line.split(": ", 1)[1] for line in lines if line.lower().startswith("x-forwarded-for:")]
        if self.faults.forwarded != "pass":
            dropped.add("x-forwarded-for")
        kept = [line for line in lines if line.partition(":")[0].lower() not in dropped]
        if self.faults.forwarded == "append":
            kept.append("X-Forwarded-For: " + ", ".join([*given, peer]))
        return kept

    async def _pipe(self, is_poll: bool, path: str, *streams) -> None:
        reader, writer, up_reader, up_writer = streams

        async def up() -> None:
            while data := await reader.read(65536):
                up_writer.write(data)
                await up_writer.drain()

        async def down() -> None:
            idle_s = self.faults.idle_s if path.startswith("/ws-") else None
            head = await asyncio.wait_for(up_reader.readuntil(b"\r\n\r\n"), idle_s)
            writer.write(self._changed(head, path))
            if is_poll and self.faults.hold_s and "sid=" in path:
                await asyncio.sleep(self.faults.hold_s)
            kept = head
            while data := await asyncio.wait_for(up_reader.read(65536), idle_s):
                kept += data
                if not (self.faults.silent and b" 101 " in head[:16]):
                    writer.write(data)
            await writer.drain()
            if is_poll and "sid=" not in path:
                self._cached = kept

        sending = asyncio.ensure_future(up())
        try:
            await down()
        except TimeoutError:
            writer.transport.abort()
        finally:
            sending.cancel()

    def _changed(self, head: bytes, path: str) -> bytes:
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        if "/widget/" in path:
            lines = self.faults.answer(lines)
        if self.faults.date:
            lines = [line for line in lines if not line.lower().startswith("date:")] + [f"Date: {self.faults.date}"]
        return "\r\n".join([first, *lines, "", ""]).encode("latin-1")
