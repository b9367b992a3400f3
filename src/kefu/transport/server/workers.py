"""Several processes on one port: a request for a session of another worker is passed on to it over a Unix socket.

A polling sid begins with the number of the worker that keeps the session. The kernel gives each new connection to any
worker, so requests and upgrades of one session come anywhere; they are passed on as they are, and the owner asks
everything that it asks of its own. Knows HTTP heads and bytes; packets and sessions are the owner's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from kefu.transport.server.handshake import parse_query
from kefu.transport.server.hub import Hub
from kefu.transport.server.options import TransportOptions
from kefu.transport.server.websocket import UpgradedProtocol

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"expect", b"content-length"})
_NOT_PASSED_BACK = _HOP_BY_HOP | {b"date"}
_NUMBER_DIGITS_MAX = 3
ASK_TIMEOUT_S = 2.0
"""For another worker's answer to a question of ours; one that is being started again gives none."""
_GONE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Worker:
    """One of the processes that share a port.

    Attributes:
        number: Its own, from 0.
        folder: Where each worker listens on a Unix socket; only their user may enter it.
        pipes: Websockets that are passed on now.
    """

    number: int
    folder: Path
    pipes: set[Pipe] = field(default_factory=set)

    @property
    def sid_prefix(self) -> str:
        """How the sids of its sessions begin."""
        return f"{self.number}."

    def socket_path(self, number: int) -> str:
        """Where a worker listens for the others."""
        return str(self.folder / f"{number}.sock")

    def other_owner(self, query: str) -> int | None:
        """The worker whose session a request means, if that is another one."""
        number, dot, _ = parse_query(query).get("sid", "").partition(".")
        if not dot or not number.isascii() or not number.isdigit() or len(number) > _NUMBER_DIGITS_MAX:
            return None
        return None if int(number) == self.number else int(number)

    def passing_on(self, app: AsgiApp, options: TransportOptions) -> AsgiApp:
        """The application for polling requests, with those of other workers' sessions passed on."""

        async def passed_on(scope: Scope, receive: Receive, send: Send) -> None:
            owner = self.other_owner(scope["query_string"].decode("latin-1"))
            if owner is not None:
                try:
                    reader, writer = await asyncio.open_unix_connection(self.socket_path(owner))
                except OSError:
                    owner = None  # that worker is gone and its sessions with it: here the sid is unknown too
            if owner is None:
                await app(scope, receive, send)
                return
            try:
                body = await _body(receive, options)
                if body is None:
                    await _send(send, int(HTTPStatus.BAD_REQUEST), [], b"")
                else:
                    writer.write(_head(scope, len(body)) + body)
                    await _pass_back(reader, receive, send)
            finally:
                writer.close()

        return passed_on

    def others(self) -> list[int]:
        """The numbers of the other workers."""
        numbers = [int(path.stem) for path in self.folder.glob("*.sock")]
        return sorted(number for number in numbers if number != self.number)

    async def ask(self, number: int, path: str, headers: dict[str, str]) -> bytes | None:
        """Asks another worker for a page.

        Returns:
            Its body; None if there is none, or none within `ASK_TIMEOUT_S`.
        """
        lines = [f"GET {path} HTTP/1.1", "host: localhost", "connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                reader, writer = await asyncio.open_unix_connection(self.socket_path(number))
                try:
                    writer.write("\r\n".join([*lines, "", ""]).encode())
                    status, _, body = _parse_answer(await reader.read())
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return None
        return body if status == HTTPStatus.OK else None

    def close(self) -> None:
        """Ends the websockets that are passed on."""
        for pipe in list(self.pipes):
            pipe.close()


async def _body(receive: Receive, options: TransportOptions) -> bytes | None:
    """The request's body, or as much of one that is too large as shows that; None if it did not come.

    It is read before it is passed on, so that the owner never closes on bytes that it has not read.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(options.body_seconds_max):
            while len(body) <= options.message_bytes_max:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return None
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        return None
    return bytes(body[: options.message_bytes_max + 1])


def _head(scope: Scope, body_bytes: int) -> bytes:
    lines = [b"%s %s?%s HTTP/1.1" % (scope["method"].encode(), scope["path"].encode(), scope["query_string"])]
    lines += [b"%s: %s" % (name, value) for name, value in scope["headers"] if name not in _HOP_BY_HOP]
    lines += [b"connection: close", b"content-length: %d" % body_bytes]
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def _pass_back(reader: asyncio.StreamReader, receive: Receive, send: Send) -> None:
    """Waits for the answer and passes it back; a client that goes away meanwhile takes its request with it."""
    answering = asyncio.ensure_future(reader.read())
    leaving = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            return
        status, headers, body = _parse_answer(b"" if answering.exception() else answering.result())
        await _send(send, status, headers, body)
    finally:
        answering.cancel()
        leaving.cancel()


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _parse_answer(answer: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body; an owner that died over the request leaves a bad gateway."""
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return int(HTTPStatus.BAD_GATEWAY), [], b""
    first, *lines = head.split(b"\r\n")
    headers = []
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() not in _NOT_PASSED_BACK:
            headers.append((name.lower(), value.strip()))
    return int(first.split(b" ", 2)[1]), headers, body


class Pipe(asyncio.Protocol):
    """One direction's reader of a websocket that is passed on: what comes here goes out there."""

    def __init__(self, worker: Worker, there: asyncio.Transport) -> None:
        self._worker = worker
        self._there = there
        worker.pipes.add(self)

    def data_received(self, data: bytes) -> None:
        """Passes on."""
        self._there.write(data)

    def eof_received(self) -> bool:
        """The end of one direction is the end of both."""
        return False

    def pause_writing(self) -> None:
        """This side reads slowly: the other side must wait."""
        self._there.pause_reading()

    def resume_writing(self) -> None:
        """This side has read."""
        self._there.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whatever it was
        """Ends the other side."""
        self._worker.pipes.discard(self)
        self._there.close()

    def close(self) -> None:
        """Ends the other side, and by it this one."""
        self._there.close()


class WorkerProtocol(UpgradedProtocol):
    """An upgraded connection that may belong to another worker's session."""

    __slots__ = ("_passing", "_worker")

    def __init__(self, hub: Hub, worker: Worker) -> None:
        super().__init__(hub)
        self._worker = worker
        self._passing: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        """The request first; see `UpgradedProtocol`."""
        if self._tap is None and self._passing is None:
            query = data.split(b" ", 2)[1].partition(b"?")[2].decode("latin-1")
            owner = self._worker.other_owner(query)
            if owner is not None:
                self._transport.pause_reading()
                loop = asyncio.get_running_loop()
                self._passing = loop.create_task(self._pass_on(loop, owner, data))
                return
        super().data_received(data)

    async def _pass_on(self, loop: asyncio.AbstractEventLoop, owner: int, request: bytes) -> None:
        here = self._transport
        try:
            there, _ = await loop.create_unix_connection(
                lambda: Pipe(self._worker, here), self._worker.socket_path(owner)
            )
        except OSError:
            here.write(_GONE)
            here.close()
            return
        if here.is_closing():
            there.close()
            return
        here.set_protocol(Pipe(self._worker, there))
        there.write(request)
        here.resume_reading()
