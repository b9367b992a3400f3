"""The seam to picows: websocket upgrades that uvicorn hands over, and the frames that come after.

uvicorn makes an `UpgradedProtocol` by its `ws=`, then calls `connection_made`, `data_received` with the whole upgrade
request, and `transport.set_protocol` with the same object. picows parses and unmasks frames; everything else is done
here: who may come in is asked before the 101, fragments are put together within limits, control frames are answered,
and the socket is closed politely within a deadline. picows never sees the client's request, only the four headers that
it checks, and never writes frames (`tap.py`).

There is no timer a socket: `check_progress` is called now and then, and closes a socket that had the same unfinished
message at two calls: fragments without their last, or a frame that has begun and not ended.
"""

from __future__ import annotations

import asyncio
import binascii
from http import HTTPStatus

from picows.common import WSUpgradeResponse, WSUpgradeResponseWithListener
from picows.picows import WSAutoPingStrategy, WSFrame, WSListener, WSMsgType, WSProtocol, WSTransport  # type: ignore[attr-defined]

from kefu import metrics
from kefu.transport.engineio.session import Channel
from kefu.transport.server import frames, upgrade
from kefu.transport.server.client import Client
from kefu.transport.server.handshake import BAD_REQUEST, RefusedError, Request, admit, parse_request
from kefu.transport.server.hub import Hub
from kefu.transport.server.outbox import Outbox
from kefu.transport.server.refusals import Reason
from kefu.transport.server.tap import PICOWS_LOG, READ_BUFFER_BYTES, Tap, holds_part_of_frame

_KEY_BYTES = 16
_UPGRADE_HEAD = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n"
)
_SWITCHING = WSUpgradeResponse.create_101_response()
_TEXT, _BINARY, _CONTINUATION = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION
_PING, _PONG, _CLOSE = WSMsgType.PING, WSMsgType.PONG, WSMsgType.CLOSE
_CLOSE_CODES_UNSENT = (1004, 1005, 1006, 1015)
_CLOSE_CODES_END = 5000


class WebSocket(WSListener):
    """One websocket: frames in, messages to its client. A probed one belongs to a client that still polls."""

    __slots__ = ("_client", "_fragments", "_hub", "_is_late", "_transport", "has_failed", "outbox")

    def __init__(self, hub: Hub, client: Client, transport: asyncio.Transport) -> None:
        self._hub = hub
        self._client = client
        self._transport = transport
        self._fragments: frames.Fragments | None = None
        self._is_late = False
        self.has_failed = False
        self.outbox = Outbox(transport, hub.flusher, hub.options.outbox_bytes_max, self)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The 101 is written."""
        transport.request.headers = None  # type: ignore[assignment]

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        """Takes a frame."""
        if self._is_late and self._fragments is None:
            self._is_late = False
        kind = frame.msg_type
        if self.outbox.is_closing:
            if kind is _CLOSE:
                self._transport.close()
        elif frame.rsv1 or frame.rsv2 or frame.rsv3:
            self._fail(frames.CLOSE_PROTOCOL_ERROR, Reason.PROTOCOL_ERROR)
        elif kind is _TEXT and frame.fin and self._fragments is None:
            self._client.receive_text(Channel.WEBSOCKET, frame.get_payload_as_bytes())
        elif kind is _PING:
            if self._client.count_packet():
                self.outbox.write(frames.pong_frame(frame.get_payload_as_bytes()))
        elif kind is _CLOSE:
            self._close_frame(frame.get_payload_as_bytes())
        elif kind is not _PONG:
            self._data_frame(kind, frame)

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """The socket is gone."""
        self.outbox.lost()
        upgrade.websocket_lost(self._client, self.outbox)

    def parser_failed(self, code: int) -> None:
        """A frame could not be parsed, nor can any after it. picows still brings the one before it; then we close."""
        if self.has_failed:
            return
        self.has_failed = True
        self._discard_input()
        reason = Reason.MESSAGE_TOO_BIG if code == frames.CLOSE_TOO_BIG else Reason.PROTOCOL_ERROR
        reason = Reason.NOT_UTF8 if code == frames.CLOSE_NOT_UTF8 else reason
        asyncio.get_running_loop().call_soon(self._fail, code, reason)

    def slow_reader(self) -> None:
        """The outbox has closed because the peer reads too slowly."""
        self._client.slow_reader()

    def check_progress(self) -> None:
        """Refuses a client whose message was unfinished at the last call already, if none has ended since."""
        if self.outbox.is_closing:
            return
        is_unfinished = self._fragments is not None or holds_part_of_frame(self._transport.get_protocol())
        if is_unfinished and self._is_late:
            self._fail(frames.CLOSE_POLICY, Reason.MESSAGE_TOO_SLOW)
        self._is_late = is_unfinished

    def _data_frame(self, kind: WSMsgType, frame: WSFrame) -> None:
        options = self._hub.options
        if (kind is _CONTINUATION) is (self._fragments is None):
            self._fail(frames.CLOSE_PROTOCOL_ERROR, Reason.PROTOCOL_ERROR)
            return
        if self._fragments is None:
            self._fragments = frames.Fragments(
                is_text=kind is _TEXT,
                bytes_max=options.message_bytes_max,
                fragments_max=options.fragments_max,
            )
        try:
            self._fragments.add(frame.get_payload_as_bytes())
        except frames.MessageTooBigError:
            self._fail(frames.CLOSE_TOO_BIG, Reason.MESSAGE_TOO_BIG)
            return
        except frames.TooManyFragmentsError:
            self._fail(frames.CLOSE_POLICY, Reason.TOO_MANY_FRAGMENTS)
            return
        except UnicodeDecodeError:
            self._fail(frames.CLOSE_NOT_UTF8, Reason.NOT_UTF8)
            return
        if frame.fin:
            whole, self._fragments = self._fragments, None
            self._is_late = False
            receive = self._client.receive_text if whole.is_text else self._client.receive_binary
            receive(Channel.WEBSOCKET, whole.join())

    def _close_frame(self, payload: bytes) -> None:
        code = int.from_bytes(payload[:2], "big") if payload else frames.CLOSE_OK
        if code in _CLOSE_CODES_UNSENT or not frames.CLOSE_OK <= code < _CLOSE_CODES_END:
            code = frames.CLOSE_PROTOCOL_ERROR
        self.outbox.close(code, "")
        self._transport.close()
        upgrade.websocket_lost(self._client, self.outbox)

    def _fail(self, code: int, reason: Reason) -> None:
        if self.outbox.is_closing:
            return
        self._hub.refusals.count(reason)
        self.outbox.close(code, reason)
        upgrade.websocket_lost(self._client, self.outbox)
        if not self.has_failed:
            self._discard_input()
        if not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()

    def _discard_input(self) -> None:
        # The rest of the stream is read and thrown away unparsed: a socket closed with unread data would be reset, and
        # the peer might never see why.
        if not self._transport.is_closing():
            self._transport.set_protocol(_Discard(self._transport.get_protocol()))


class _Discard(asyncio.Protocol):
    """Reads and forgets; the loop closes the socket at the peer's EOF, of which the protocol before hears."""

    def __init__(self, before: asyncio.BaseProtocol) -> None:
        self._before = before

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self._before.connection_lost(exc)


class UpgradedProtocol(WSProtocol):  # type: ignore[misc]
    """What uvicorn gives the connection to. Until the 101 it is only the request's address; then picows works in it."""

    __slots__ = ("_hub", "_tap", "_transport", "_websocket")

    def __init__(self, hub: Hub) -> None:
        super().__init__(
            None,
            None,
            False,
            self._listen,
            PICOWS_LOG,
            True,
            None,
            False,
            0,
            0,
            WSAutoPingStrategy.PING_WHEN_IDLE,
            False,
            hub.options.message_bytes_max,
            None,
            READ_BUFFER_BYTES,
        )
        self._hub = hub
        self._transport: asyncio.Transport
        self._websocket: WebSocket | None = None
        self._tap: Tap | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Uvicorn's first call."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Uvicorn's second call, with the request; where the loop knows no buffered protocols, frames as well."""
        if self._tap is None:
            self._upgrade(self._transport, data)
            return
        view = memoryview(data)
        while view and self._websocket is not None and not self._websocket.has_failed:
            buffer = self.get_buffer(-1)
            size = min(len(buffer), len(view))
            buffer[:size] = view[:size]
            self.buffer_updated(size)
            view = view[size:]

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        if self._tap is not None:
            super().connection_lost(exc)
            self._tap.release()

    def parser_failed(self, code: int) -> None:
        """The parser met a frame that is none."""
        if self._websocket is not None:
            self._websocket.parser_failed(code)

    def _upgrade(self, transport: asyncio.Transport, data: bytes) -> None:
        peer = transport.get_extra_info("peername")
        request = parse_request(data, peer[0] if isinstance(peer, tuple) else None)
        try:
            key = _websocket_key(request)
            admission = admit(request, "websocket", self._hub.services, self._hub.options)
            client, attach = upgrade.find_client(self._hub, admission)
        except RefusedError as refused:
            self._hub.count(refused)
            metrics.TRANSPORT_REFUSALS.add("websocket", str(refused.status.value))
            transport.write(_refusal(refused))
            transport.close()
            return
        self._websocket = WebSocket(self._hub, client, transport)
        self._tap = Tap(transport, self)
        super().connection_made(self._tap)
        self.data_received(_UPGRADE_HEAD % key)
        attach(self._hub, client, self._websocket.outbox)

    def _listen(self, _request: object) -> WSUpgradeResponseWithListener:
        return WSUpgradeResponseWithListener(_SWITCHING, self._websocket)


def _websocket_key(request: Request) -> bytes:
    headers = dict(request.headers)
    key = headers.get(b"sec-websocket-key", b"")
    try:
        valid = len(binascii.a2b_base64(key, strict_mode=True)) == _KEY_BYTES
    except binascii.Error:
        valid = False
    if request.method != "GET" or not valid or headers.get(b"sec-websocket-version") != b"13":
        raise RefusedError(BAD_REQUEST)
    return key


def _refusal(refused: RefusedError) -> bytes:
    status = HTTPStatus(refused.status)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(refused.body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + refused.body
