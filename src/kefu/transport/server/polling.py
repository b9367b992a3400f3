"""Engine.IO long polling as an ASGI application.

GET without a sid opens a session, GET with one waits for packets, POST brings some. Every request is asked for its
origin again. A second GET at the same time, or a second POST, ends the session: nobody could tell their order. What
breaks the rules ends the session at once: a poll that waits gets a close packet, later requests find nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from kefu import metrics
from kefu.transport.endpoint import Handshake
from kefu.transport.engineio import session as engine
from kefu.transport.engineio.packets import PacketError, PayloadReader, TooManyPacketsError
from kefu.transport.engineio.session import Channel
from kefu.transport.server import frames
from kefu.transport.server.client import Client, Fault
from kefu.transport.server.handshake import (
    BAD_METHOD,
    BAD_REQUEST,
    UNKNOWN_SID,
    Admission,
    RefusedError,
    Request,
    admit,
)
from kefu.transport.server.hub import Hub, new_sid
from kefu.transport.server.poll_queue import PollQueue
from kefu.transport.server.refusals import Reason
from kefu.transport.server.upgrade import open_packet

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_TEXT: Headers = [(b"content-type", b"text/plain; charset=UTF-8")]
_JSON: Headers = [(b"content-type", b"application/json")]
_PREFLIGHT_SECONDS = b"600"
_TWO_REQUESTS = Fault(frames.CLOSE_PROTOCOL_ERROR, Reason.TWO_REQUESTS)
_TOO_BIG = Fault(frames.CLOSE_TOO_BIG, Reason.MESSAGE_TOO_BIG)
_FAULTS: dict[type[Exception], Fault] = {
    TimeoutError: Fault(frames.CLOSE_POLICY, Reason.BODY_TOO_SLOW),
    TooManyPacketsError: Fault(frames.CLOSE_POLICY, Reason.TOO_MANY_PACKETS_IN_POLL),
    PacketError: Fault(frames.CLOSE_PROTOCOL_ERROR, Reason.MALFORMED_PACKET),
}


class Polling:
    """Answers HTTP requests to the socket paths."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        self._hub.start()
        request = _request(scope)
        cors: Headers = []
        try:
            admission = _admit(request, self._hub)
            cors = _cors(request)
            status, headers, body = await self._answer(request, admission, receive)
        except RefusedError as refused:
            self._hub.count(refused)
            metrics.TRANSPORT_REFUSALS.add("polling", str(refused.status.value))
            status, headers, body = refused.status, _JSON, refused.body
        await _send(send, status, [*headers, *cors], body)

    async def _answer(
        self, request: Request, admission: Admission, receive: Receive
    ) -> tuple[HTTPStatus, Headers, bytes]:
        if request.method == "OPTIONS":
            return HTTPStatus.NO_CONTENT, _preflight(request), b""
        if not admission.sid:
            if request.method != "GET":
                raise RefusedError(BAD_METHOD)
            return HTTPStatus.OK, _TEXT, self._open(admission)
        client, queue = self._find(admission.sid, admission.handshake)
        if request.method == "GET":
            return HTTPStatus.OK, _TEXT, await _poll(client, queue, receive)
        if request.method == "POST":
            await self._post(client, queue, receive)
            return HTTPStatus.OK, _TEXT, b"ok"
        raise RefusedError(BAD_REQUEST)

    def _open(self, admission: Admission) -> bytes:
        hub = self._hub
        hub.check_room_for(admission.handshake.address)
        client = admission.service.new_client(hub, admission.handshake, engine.State.POLLING)
        sid = hub.sid_prefix + new_sid()
        client.channel = PollQueue(hub, sid, client.slow_reader)
        hub.sessions[sid] = client
        hub.add(client)
        return open_packet(hub, sid, ["websocket"])

    def _find(self, sid: str, handshake: Handshake) -> tuple[Client, PollQueue]:
        client = self._hub.session(sid, handshake.path)
        if client is None or not isinstance(client.channel, PollQueue):
            raise RefusedError(UNKNOWN_SID)
        return client, client.channel

    async def _post(self, client: Client, queue: PollQueue, receive: Receive) -> None:
        if client.is_over:
            raise RefusedError(UNKNOWN_SID)
        if queue.is_posting:
            _refuse(client, _TWO_REQUESTS)
            raise RefusedError(BAD_REQUEST)
        options = self._hub.options
        reader = PayloadReader(options.message_bytes_max, options.packets_per_poll_max)
        queue.is_posting = True
        try:
            async with asyncio.timeout(options.body_seconds_max):
                await _read(reader, receive)
            packets = reader.finish()
        except (TimeoutError, PacketError) as error:
            _refuse(client, _FAULTS[type(error)])
            raise RefusedError(BAD_REQUEST) from error
        except RefusedError:
            _refuse(client, _TOO_BIG)
            raise
        finally:
            queue.is_posting = False
        if client.channel is not queue or client.is_over:
            raise RefusedError(UNKNOWN_SID)
        for packet in packets:
            if packet.binary:
                client.receive_binary(Channel.POLLING, packet.data)
            else:
                client.receive_packet(Channel.POLLING, packet)


def _refuse(client: Client, fault: Fault) -> None:
    client.channel.abandon()
    client.refuse(*fault, "transport error")


async def _poll(client: Client, queue: PollQueue, receive: Receive) -> bytes:
    if queue.is_polled:
        _refuse(client, _TWO_REQUESTS)
        raise RefusedError(BAD_REQUEST)
    gone = asyncio.ensure_future(_disconnect(receive))
    gone.add_done_callback(lambda _: _reader_gone(client, queue, gone))
    try:
        await queue.wait()
    finally:
        gone.cancel()
    return queue.take()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _reader_gone(client: Client, queue: PollQueue, gone: asyncio.Future[None]) -> None:
    if not gone.cancelled() and client.channel is queue:
        # What the next answer would carry is for this reader; without it the session has a hole.
        queue.abandon()
        client.lost("transport close")


async def _read(reader: PayloadReader, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise PacketError("expected the whole body")
        if not reader.feed(message.get("body", b"")):
            raise RefusedError(BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too large")
        if not message.get("more_body", False):
            return


def _request(scope: Scope) -> Request:
    client = scope.get("client")
    return Request(
        scope["method"],
        scope["path"],
        scope["query_string"].decode("latin-1"),
        list(scope["headers"]),
        client[0] if client else None,
    )


def _admit(request: Request, hub: Hub) -> Admission:
    return admit(request, "polling", hub.services, hub.options)


def _header(request: Request, wanted: bytes) -> bytes:
    return next((value for name, value in reversed(request.headers) if name == wanted), b"")


def _cors(request: Request) -> Headers:
    headers = [(b"cache-control", b"no-store"), (b"vary", b"Origin")]
    origin = _header(request, b"origin")
    if origin:
        headers.append((b"access-control-allow-origin", origin))
        headers.append((b"access-control-allow-credentials", b"true"))
    return headers


def _preflight(request: Request) -> Headers:
    wanted = _header(request, b"access-control-request-headers") or b"content-type"
    return [
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-allow-headers", wanted),
        (b"access-control-max-age", _PREFLIGHT_SECONDS),
    ]


async def _send(send: Send, status: HTTPStatus, headers: Headers, body: bytes) -> None:
    if status is not HTTPStatus.NO_CONTENT:
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
