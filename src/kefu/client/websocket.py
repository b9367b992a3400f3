"""A Socket.IO client on a websocket that can be broken in every way that networks break."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Literal

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from kefu.client.address import Address, LostError, RefusedError
from kefu.client.session import OPEN_TIMEOUT_S, Session, refusal

Fault = Literal["abort", "half-open", "close"]
FAULTS: tuple[Fault, ...] = ("abort", "half-open", "close")
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: the peer gets a reset instead of an end."""


class WebSocket(Session, WSListener):
    """One connection by websocket."""

    _transport: WSTransport | None = None

    async def open(self, address: Address, path: str, auth: dict[str, str] | None = None) -> WebSocket:
        """Connects to the namespace.

        Raises:
            LostError: Nobody answers; later somebody may.
            RefusedError: The server refuses this client.
        """
        self._auth = auth or {}
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await ws_connect(
                    lambda: self,
                    address.websocket(path),
                    ssl_context=address.ssl,
                    extra_headers=address.headers,
                    max_redirects=0,
                    use_aiofastnet=False,
                    proxy=None,
                )
                await self.opened
        except (RefusedError, asyncio.CancelledError):
            self.abort()
            raise
        except Exception as error:
            self.abort()
            status = getattr(getattr(error, "response", None), "status", None)
            if status is not None and int(status) < 500 and int(status) != 429:
                raise refusal(path, int(status)) from error
            raise LostError(f"{path}: {type(error).__name__}: {error}") from error
        return self

    def transmit(self, text: str) -> None:
        """Sends a packet, if there is still a connection."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send(WSMsgType.TEXT, text.encode())

    # --- the ways to end -----------------------------------------------------------------------------------

    def end(self, fault: Fault) -> None:
        """Ends the connection in one of the ways."""
        if fault == "half-open":
            self.fall_silent()
        elif fault == "close" and self._transport is not None:
            self.transmit("41")
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect()
            self.gone()
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
        self.gone()

    def fall_silent(self) -> None:
        """Neither reads nor writes any more, but leaves the connection open: as if the cable had been cut.

        `abort` frees it later.
        """
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.underlying_transport.pause_reading()
        self.gone()

    # --- frames --------------------------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The websocket is open."""
        self._transport = transport

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """The websocket is gone."""
        self.gone()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Takes a packet."""
        if frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()
            self.gone()
        elif frame.msg_type is WSMsgType.TEXT and not self.lost.is_set():
            self.packet(frame.get_payload_as_utf8_text())
