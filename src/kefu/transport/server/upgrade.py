"""Which client a websocket belongs to: a new one, or one that polls and wants to move.

The move: the websocket is probed while polling goes on; the client stops polling and says so; from that packet on
everything flows by websocket, beginning with what polling had not fetched. Nothing is sent by both.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from kefu.transport.engineio import session as engine
from kefu.transport.engineio.packets import PROBE_ANSWER, decode_entry
from kefu.transport.engineio.session import Signal
from kefu.transport.server import frames
from kefu.transport.server.client import Client
from kefu.transport.server.handshake import UNKNOWN_SID, Admission, RefusedError
from kefu.transport.server.hub import Hub, new_sid
from kefu.transport.server.outbox import Outbox
from kefu.transport.server.poll_queue import PollQueue
from kefu.transport.server.refusals import Reason
from kefu.transport.server.sender import Sender

Attach = Callable[[Hub, Client, Outbox], None]
"""What is done with a websocket once its handshake is answered."""


def open_packet(hub: Hub, sid: str, upgrades: list[str]) -> bytes:
    """The first Engine.IO packet of a session."""
    options = hub.options
    return b"0" + msgspec.json.encode(
        {
            "sid": sid,
            "upgrades": upgrades,
            "pingInterval": options.ping_interval_ms,
            "pingTimeout": options.ping_timeout_ms,
            "maxPayload": options.message_bytes_max,
        }
    )


def find_client(hub: Hub, admission: Admission) -> tuple[Client, Attach]:
    """The client that an upgrade request means, and what to do with its websocket.

    Raises:
        RefusedError: If the session is unknown or on another path; or there is no room.
    """
    hub.start()
    if not admission.sid:
        hub.check_room_for(admission.handshake.address)
        return admission.service.new_client(hub, admission.handshake, engine.State.WEBSOCKET), _open_websocket
    client = hub.session(admission.sid, admission.handshake.path)
    if client is None or client.is_over:
        raise RefusedError(UNKNOWN_SID)
    if client.engine_state is not engine.State.POLLING or client.move is not None:
        return client, _refuse_second
    return client, _attach_probe


def _open_websocket(hub: Hub, client: Client, outbox: Outbox) -> None:
    """Begins a session that never polled. Its sid opens nothing, so nobody keeps it."""
    client.channel = outbox
    hub.add(client)
    outbox.send_control(open_packet(hub, new_sid(), []))
    outbox.flush()  # in the turn of the 101, so that both leave in one write


def _refuse_second(_hub: Hub, _client: Client, outbox: Outbox) -> None:
    """A session has one websocket; the protocol wants a second to be closed, not refused."""
    outbox.close(frames.CLOSE_POLICY, "second websocket")


def _attach_probe(hub: Hub, client: Client, outbox: Outbox) -> None:
    """Waits for a probe on a websocket whose client polls."""
    move = _Move(hub, client, outbox)
    client.move = move
    hub.handshakes.add(move, hub.now())


def websocket_lost(client: Client, outbox: Sender) -> None:
    """The websocket closes or is gone: with it its client, or only its probe."""
    if client.channel is outbox:
        client.lost("transport close")
    elif client.move is not None and client.move.outbox is outbox:
        client.probe_lost()
        if isinstance(client.channel, PollQueue):
            client.channel.end_upgrade()


class _Move:
    """A client's move from polling to a websocket."""

    __slots__ = ("_client", "_hub", "outbox")

    def __init__(self, hub: Hub, client: Client, outbox: Outbox) -> None:
        self._hub = hub
        self._client = client
        self.outbox: Sender = outbox

    def on_signal(self, signal: Signal) -> None:
        """The probe came, or the client has stopped polling."""
        queue = self._client.channel
        assert isinstance(queue, PollQueue)
        if signal is Signal.PROBE:
            self.outbox.send_control(PROBE_ANSWER)
            queue.begin_upgrade()
        else:
            self._client.move = None
            self._client.channel = self.outbox
            for entry in queue.finish():
                if entry.startswith(b"b"):
                    self.outbox.send_bytes(decode_entry(entry).data)
                else:
                    self.outbox.send_control(entry)

    def expire(self) -> None:
        """The move took too long."""
        if self._client.move is self:
            self._hub.refusals.count(Reason.UPGRADE_TIMEOUT)
            self.outbox.close(frames.CLOSE_POLICY, Reason.UPGRADE_TIMEOUT)
            websocket_lost(self._client, self.outbox)
