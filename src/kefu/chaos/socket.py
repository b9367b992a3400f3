"""A Socket.IO client on a websocket that can be broken in every way that networks break.

Knows Engine.IO 4 and Socket.IO 5 as far as text events and acks need; nothing of what is said.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

Fault = Literal["abort", "half-open", "close"]
FAULTS: tuple[Fault, ...] = ("abort", "half-open", "close")
OPEN_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 15.0
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: the peer gets a reset instead of an end."""


class LostError(ConnectionError):
    """The connection is gone, or was never there; what was not answered may or may not have been done."""


class RefusedError(ConnectionError):
    """The server does not want this client; trying again will not help. The message says what it answered."""


@dataclass(frozen=True)
class Address:
    """Where an installation is reached.

    Attributes:
        url: `http://` or `https://`, with a path if a proxy adds one.
        origin: The Origin header to send; empty sends none, as programs do.
    """

    url: str
    origin: str = ""

    def websocket(self, path: str) -> str:
        """The websocket's URL for a path such as `/ws-visitor`."""
        parts = urlsplit(self.url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}{path}/?EIO=4&transport=websocket"


class Socket(WSListener):
    """One connection.

    Args:
        on_event: Gets each event's name and payload.
    """

    def __init__(self, on_event: Callable[[str, Any], None]) -> None:
        self._on_event = on_event
        self._transport: WSTransport | None = None
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._next_id = 0
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._auth: dict[str, str] = {}
        self.lost = asyncio.Event()
        """Set when nothing more will come."""

    async def open(self, address: Address, path: str, auth: dict[str, str] | None = None) -> Socket:
        """Connects to the namespace.

        Raises:
            LostError: Nobody answers; later somebody may.
            RefusedError: The server refuses this client.
        """
        self._auth = auth or {}
        headers = {"Origin": address.origin} if address.origin else None
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await ws_connect(
                    lambda: self, address.websocket(path), extra_headers=headers, use_aiofastnet=False, proxy=None
                )
                await self._opened
        except RefusedError:
            self.abort()
            raise
        except Exception as error:
            self.abort()
            answer = getattr(getattr(error, "response", None), "status", None)
            if answer is not None and 400 <= int(answer) < 500 and int(answer) != 429:
                hint = "; is its origin allowed? see --origin" if int(answer) == 403 else ""
                raise RefusedError(f"{path} answered {int(answer)} to the handshake{hint}") from error
            raise LostError(f"{path}: {type(error).__name__}: {error}") from error
        return self

    def ask(self, event: str, payload: dict[str, Any]) -> asyncio.Future[dict[str, Any]]:
        """Sends an event at once; the future gets its ack, or `LostError`."""
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        if self.lost.is_set() or self._transport is None:
            answer.set_exception(LostError("not connected"))
            answer.exception()  # whoever waits hears it; nobody has to
            return answer
        self._answers[self._next_id] = answer
        self._send(f"42{self._next_id}" + json.dumps([event, payload]))
        self._next_id += 1
        return answer

    async def answer(self, event: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Sends an event and waits for its ack.

        Raises:
            LostError: The connection went, or no ack came in time; then it is broken off.
        """
        try:
            return await asyncio.wait_for(self.ask(event, payload), ANSWER_TIMEOUT_S)
        except TimeoutError:
            self.abort()
            raise LostError(f"no ack to {event} in {ANSWER_TIMEOUT_S:g} s") from None

    # --- the ways to end -----------------------------------------------------------------------------------

    def end(self, fault: Fault) -> None:
        """Ends the connection in one of the ways."""
        if fault == "half-open":
            self.fall_silent()
        elif fault == "close" and self._transport is not None:
            self._send("41")
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect()
            self._gone()
        else:
            self.abort()

    def abort(self) -> None:
        """Resets the connection: what is under way in either direction is lost. Safe to call twice."""
        if self._transport is not None and not self._transport.is_disconnected:
            connection = self._transport.underlying_transport
            raw = connection.get_extra_info("socket")
            if raw is not None and raw.fileno() >= 0:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.abort()
        self._gone()

    def fall_silent(self) -> None:
        """Neither reads nor writes any more, but leaves the connection open: as if the cable had been cut.

        `abort` frees it later.
        """
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.underlying_transport.pause_reading()
        self._gone()

    # --- frames --------------------------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The websocket is open."""
        self._transport = transport

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """The websocket is gone."""
        self._gone()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Takes a packet."""
        if frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()
            self._gone()
        elif frame.msg_type is WSMsgType.TEXT and not self.lost.is_set():
            self._packet(frame.get_payload_as_utf8_text())

    def _packet(self, text: str) -> None:
        if text == "2":
            self._send("3")
        elif text.startswith("42"):
            event, *args = json.loads(text[2:])
            self._on_event(event, args[0] if args else None)
        elif text.startswith("43"):
            at = text.index("[")
            self._answered(int(text[2:at]), json.loads(text[at:]))
        elif text.startswith("44") and not self._opened.done():
            self._opened.set_exception(RefusedError(f"CONNECT was refused: {text[2:200]}"))
        elif text.startswith("40") and not self._opened.done():
            self._opened.set_result(None)
        elif text.startswith("0"):
            self._send("40" + (json.dumps(self._auth) if self._auth else ""))
        elif text in ("1", "41"):
            self.abort()

    def _answered(self, number: int, args: list[Any]) -> None:
        answer = self._answers.pop(number, None)
        if answer is not None and not answer.done():
            answer.set_result(cast("dict[str, Any]", args[0]))

    def _send(self, text: str) -> None:
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send(WSMsgType.TEXT, text.encode())

    def _gone(self) -> None:
        if self.lost.is_set():
            return
        self.lost.set()
        waiting: list[asyncio.Future[Any]] = [*self._answers.values(), self._opened]
        self._answers.clear()
        for answer in waiting:
            if not answer.done():
                answer.set_exception(LostError("the connection ended"))
                answer.exception()  # whoever waits hears it; nobody has to
