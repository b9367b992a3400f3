"""A client that speaks Engine.IO alone: its messages go to a `MessageEndpoint` as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kefu.transport.endpoint import Handshake
from kefu.transport.engineio import session as engine
from kefu.transport.messages import MessageEndpoint
from kefu.transport.server import frames
from kefu.transport.server.client import Client
from kefu.transport.server.faults import log_endpoint_fault
from kefu.transport.server.hub import Hub


class MessageClient(Client):
    """Implements `MessageSession`.

    Attributes:
        state: The endpoint's.
    """

    __slots__ = ("_endpoint", "state")

    def __init__(self, hub: Hub, endpoint: MessageEndpoint, handshake: Handshake, engine_state: engine.State) -> None:
        super().__init__(hub, handshake, engine_state)
        self._endpoint = endpoint
        self.state: Any = None

    def send(self, message: str | bytes) -> None:
        """Queues a message."""
        if self.is_over:
            return
        if isinstance(message, str):
            self.channel.send(message.encode())
        else:
            self.channel.send_bytes(message)

    def opened(self) -> None:
        """Nothing has to follow; messages may come."""

    def _receive_message(self, text: bytes) -> None:
        # A broken text is refused here, in the caller's judgement; past this line only the endpoint can fail.
        message = text.decode()
        self._call("on_message", self._endpoint.on_message, message)

    def _receive_bytes(self, data: bytes) -> None:
        self._call("on_message", self._endpoint.on_message, data)

    def _over(self, reason: str) -> None:
        assert self._hub.loop is not None
        self._hub.loop.call_soon(self._call, "on_close", self._endpoint.on_close, reason)

    def _call(self, name: str, call: Callable[..., None], argument: str | bytes) -> None:
        try:
            call(self, argument)
        except Exception as error:  # noqa: BLE001 (logged; whatever it is, it ends this client alone)
            log_endpoint_fault(name, self.handshake.path, error)
            self.end(frames.CLOSE_INTERNAL_ERROR, "internal error", "server error")
