"""A connection that nobody waits for any more does not stay open."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from picows import WSListener, WSTransport, ws_create_server

from kefu.client.address import Address
from kefu.client.websocket import WebSocket


class Mute(WSListener):
    """A server's side that answers nothing after the handshake."""

    def __init__(self) -> None:
        self.came, self.went = asyncio.Event(), asyncio.Event()

    def on_ws_connected(self, _transport: WSTransport) -> None:
        self.came.set()

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self.went.set()


async def test_who_gives_up_opening_leaves_no_connection() -> None:
    mute = Mute()
    server = await ws_create_server(lambda _request: mute, "127.0.0.1", 0)

    def hear(_event: str, _payload: Any) -> None:
        """Nothing comes."""

    address = Address(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    opening = asyncio.create_task(WebSocket(hear).open(address, "/ws-visitor"))
    try:
        async with asyncio.timeout(2):
            await mute.came.wait()
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            await mute.went.wait()
    finally:
        server.close()
