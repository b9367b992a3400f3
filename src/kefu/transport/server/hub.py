"""What all connections of one server share: limits, the timer, the flusher, and who is there.

Knows clients by their names and addresses only; packets are `client.py`, sockets are `websocket.py` and `polling.py`.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from kefu.transport.address import address_group, is_loopback
from kefu.transport.engineio.session import State
from kefu.transport.server.handshake import BAD_REQUEST, RefusedError
from kefu.transport.server.heartbeat import Deadlines, Heartbeat
from kefu.transport.server.options import TransportOptions
from kefu.transport.server.outbox import Flusher
from kefu.transport.server.refusals import Reason, Refusals

if TYPE_CHECKING:
    from kefu.transport.server.client import Client
    from kefu.transport.server.service import Service

_SID_BYTES = 16
_BY_POLLING = (State.POLLING, State.PROBING)
_PUBLIC_SID_BYTES = 12


class Perishable(Protocol):
    """Something that was given a deadline."""

    def expire(self) -> None:
        """Its time is over; does nothing if it has finished."""


class Hub:
    """The shared parts. `start` must be called on the event loop before anybody connects.

    Attributes:
        services: By path, without a trailing slash.
        clients: Live clients of each path, from the Engine.IO handshake on.
        sessions: Clients that still poll, by Engine.IO sid: a credential, never logged.
        refusals: What was refused, and how often.
        second: Counts seconds; limits per second compare it.
        is_stopping: New clients are refused.
        sid_prefix: How the Engine.IO sids of clients that poll begin; says which worker keeps them.
    """

    def __init__(self, services: Mapping[str, Service], options: TransportOptions) -> None:
        self.services = services
        self.options = options
        self.clients: dict[str, set[Client]] = {path: set() for path in services}
        self.sessions: dict[str, Client] = {}
        self.flusher = Flusher(self._closing)
        self.heartbeat = Heartbeat(options.ping_interval_ms, options.ping_timeout_ms, self._tick)
        self.handshakes: Deadlines[Perishable] = Deadlines(options.handshake_seconds_max, _expire)
        self.closings: Deadlines[Perishable] = Deadlines(options.close_seconds_max, _expire)
        self.refusals = Refusals()
        self.second = 0
        self.is_stopping = False
        self.sid_prefix = ""
        self._count = 0
        self._next_check = 0.0
        self._by_address: Counter[str] = Counter()
        self._new_by_address: Counter[str] = Counter()
        self.loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Starts the timer; nothing happens if it runs on this loop."""
        loop = asyncio.get_running_loop()
        if self.loop is loop:
            return
        self.loop = loop
        self.flusher.start(loop)
        self.heartbeat.start(loop)

    def stop(self) -> None:
        """Stops the timer."""
        self.heartbeat.stop()
        self.refusals.log(math.inf)
        self.loop = None

    def count(self, refused: RefusedError) -> None:
        """Counts a refused request, if it is of those that count."""
        if refused.reason is not None:
            self.refusals.count(refused.reason)

    def now(self) -> float:
        """The loop's clock, seconds."""
        assert self.loop is not None
        return self.loop.time()

    def check_room_for(self, address: str) -> None:
        """Asks the limits about one more client from the address.

        Raises:
            RefusedError: With 503 while stopping or full, 429 if the address has too many.
        """
        if self.is_stopping:
            raise RefusedError(BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE, "Try again later")
        if self._count >= self.options.connections_max:
            raise RefusedError(BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE, "Try again later", Reason.SERVER_FULL)
        if is_loopback(address):
            return
        group = address_group(address)
        self._new_by_address[group] += 1
        reason = None
        if self._new_by_address[group] > self.options.handshakes_per_second_max:
            reason = Reason.TOO_MANY_HANDSHAKES
        elif self._by_address[group] >= self.options.connections_per_address_max:
            reason = Reason.TOO_MANY_CONNECTIONS
        if reason is not None:
            raise RefusedError(BAD_REQUEST, HTTPStatus.TOO_MANY_REQUESTS, "Too many connections", reason)

    def session(self, sid: str, path: str) -> Client | None:
        """The client that polls under the sid on the path; None if there is none there."""
        client = self.sessions.get(sid)
        return client if client is not None and client.handshake.path == path else None

    def add(self, client: Client) -> None:
        """Takes the client in: it is pinged and counted from now on."""
        self.clients[client.handshake.path].add(client)
        self.heartbeat.add(client)
        self._count += 1
        if not is_loopback(client.handshake.address):
            self._by_address[address_group(client.handshake.address)] += 1
        client.opened()

    def remove(self, client: Client) -> None:
        """Forgets a client that was taken in."""
        self.clients[client.handshake.path].discard(client)
        self.heartbeat.remove(client)
        self._count -= 1
        if not is_loopback(client.handshake.address):
            group = address_group(client.handshake.address)
            self._by_address[group] -= 1
            if not self._by_address[group]:
                del self._by_address[group]

    def count_connections(self) -> dict[tuple[str, ...], float]:
        """Live clients by path and by the transport they use now."""
        polling = Counter(
            client.handshake.path for client in self.sessions.values() if client.engine_state in _BY_POLLING
        )
        counts: dict[tuple[str, ...], float] = {}
        for path, clients in self.clients.items():
            counts[path, "polling"] = polling[path]
            counts[path, "websocket"] = len(clients) - polling[path]
        return counts

    def count_waiting_bytes(self) -> dict[tuple[str, ...], float]:
        """Bytes that wait for readers, by path. Asks every client: 10,000 take some milliseconds."""
        return {
            (path,): sum(client.channel.waiting_bytes for client in clients) for path, clients in self.clients.items()
        }

    def _closing(self, item: Perishable) -> None:
        self.closings.add(item, self.now())

    def _tick(self, now: float) -> None:
        self.handshakes.sweep(now)
        self.closings.sweep(now)
        self.refusals.log(now)
        if now >= self._next_check:
            self._next_check = now + self.options.message_seconds_max / 2
            self._check_progress()
        if int(now) != self.second:
            self.second = int(now)
            self._new_by_address.clear()

    def _check_progress(self) -> None:
        for clients in self.clients.values():
            for client in list(clients):
                client.channel.check_progress()


def new_sid() -> str:
    """An Engine.IO sid: 128 random bits."""
    return secrets.token_urlsafe(_SID_BYTES)


def new_public_sid() -> str:
    """A Socket.IO sid, which opens nothing."""
    return secrets.token_urlsafe(_PUBLIC_SID_BYTES)


def _expire(item: Perishable) -> None:
    item.expire()
