"""NATS core as a bus: a subject a conversation, interest-based routing, nothing stored.

Knows connections, subjects and limits; what a hint means is for the listener. One loop connects, for the first
time and again; each connection is a new one that hears every wanted subject, so there is one way in. What waits to
be sent when the connection goes is lost, as a hint may be.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import Counter

from kefu import metrics
from kefu.bus import nats_protocol
from kefu.bus.envelope import KINDS, EnvelopeError, Hint, Seal
from kefu.bus.nats_connection import NatsConnection, NatsError, Server, connect, servers
from kefu.bus.port import LISTEN_TIMEOUT_S, Listener, State

log = logging.getLogger(__name__)

RECONNECT_DELAY_S = 0.5
WAITING_BYTES_MAX = 8 * 1024 * 1024
"""What may wait for a slow bus; beyond it hints are lost."""

_DELIVERIES = {shape: metrics.BUS_DELIVERIES.cell(kind) for shape, kind in KINDS.items()}
_UNREACHABLE = (OSError, TimeoutError)


async def say_once(url: str, subject: str, data: bytes) -> bool:
    """Says one thing on the bus from a program that is no node.

    Returns:
        Whether NATS has it.
    """
    for server in servers(url):
        with contextlib.suppress(*_UNREACHABLE):
            connection = await connect(server, lambda _data: None)
            try:
                connection.write(nats_protocol.publish(subject.encode(), data))
                async with asyncio.timeout(LISTEN_TIMEOUT_S):
                    await connection.flush()
            finally:
                connection.abort()
            return True
    return False


class NatsBus:
    """A `Bus` over NATS.

    Args:
        url: `nats://user:password@host:port`, or several, comma-separated. Never logged.
        seal: Opens what comes and seals what goes.
    """

    is_alone = False

    def __init__(self, url: str, seal: Seal) -> None:
        self.counts: Counter[str] = Counter()
        self._servers = servers(url)
        random.shuffle(self._servers)  # nodes spread over them
        self._seal = seal
        self._listener: Listener | None = None
        self._connection: NatsConnection | None = None
        self._wanted: set[str] = set()
        # Of the wanted subjects, those that this connection has subscribed to, and those that NATS has confirmed.
        self._sids: dict[str, int] = {}
        self._confirmed: set[str] = set()
        self._running: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """Whether the connection stands."""
        return "away" if self._connection is None else "joined"

    def start(self, listener: Listener) -> None:
        """Connects in the background, and again whenever the connection is lost."""
        self._listener = listener
        self._running = asyncio.get_running_loop().create_task(self._run(), name="bus")

    async def close(self) -> None:
        """Writes what waits, within the listen timeout, and disconnects."""
        if self._connection is not None:
            with contextlib.suppress(*_UNREACHABLE):
                async with asyncio.timeout(LISTEN_TIMEOUT_S):
                    await self._connection.flush()
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def publish(self, subject: str, hint: Hint) -> None:
        """Seals and writes; without a connection, or when too much waits, the hint is lost."""
        connection = self._connection
        if connection is None:
            self._lose()
            return
        data = self._seal.seal(hint)
        size = len(data)
        if size > connection.message_bytes_max or connection.waiting_bytes + size > WAITING_BYTES_MAX:
            self._lose()
            return
        connection.write(nats_protocol.publish(subject.encode(), data))
        self.counts["published"] += 1

    async def listen(self, subject: str) -> None:
        """Subscribes, and waits for NATS' word that it is done."""
        self._wanted.add(subject)
        connection = self._connection
        if connection is None or subject in self._confirmed:
            return
        self._subscribe(connection, subject)
        with contextlib.suppress(*_UNREACHABLE):
            async with asyncio.timeout(LISTEN_TIMEOUT_S):
                await connection.flush()
                if connection is self._connection and subject in self._sids:
                    self._confirmed.add(subject)

    def leave(self, subject: str) -> None:
        """Unsubscribes."""
        self._wanted.discard(subject)
        self._confirmed.discard(subject)
        sid = self._sids.pop(subject, None)
        if sid is not None and self._connection is not None:
            self._connection.unsubscribe(sid)

    def received(self, data: bytes) -> None:
        """An envelope came: its hint goes to the listener, everything else is dropped and counted."""
        try:
            hint = self._seal.open(data)
        except EnvelopeError as error:
            if not self.counts[error.reason]:
                log.warning("dropped a bus message (%s); further ones are only counted", error.reason)
            self.counts[error.reason] += 1
            metrics.BUS_DROPPED.add(error.reason)
            return
        self.counts["delivered"] += 1
        _DELIVERIES[type(hint)].count += 1
        assert self._listener is not None
        try:
            self._listener.heard(hint)
        except Exception:
            log.exception("a bus message of kind %s could not be handled", KINDS[type(hint)])

    # --- the connection ------------------------------------------------------------------------------------

    async def _run(self) -> None:
        was_away = False
        while True:
            connection: NatsConnection | None = None
            try:
                connection = await self._connect()
                await self._join(connection)
                log.info("the bus is %s", "joined again" if was_away else "joined")
                was_away = False
                await connection.ended
                raise ConnectionResetError  # noqa: TRY301 - the end of a connection is what brings the next one
            except Exception as error:  # noqa: BLE001 - whatever it is, the bus is away and is tried again
                if not was_away:
                    log.warning("the bus is away (%s): other nodes follow by the database", _reason(error))
                was_away = True
            finally:
                self._drop()
                if connection is not None:
                    connection.abort()
            await asyncio.sleep(RECONNECT_DELAY_S)

    async def _connect(self) -> NatsConnection:
        """To the first server that answers; the next time begins with the one after it.

        Raises:
            OSError: None can be used; it is the last one's.
            TimeoutError: The last one does not answer.
        """
        failure: Exception = ConnectionError("there is no server")
        for _ in range(len(self._servers)):
            server: Server = self._servers[0]
            self._servers.append(self._servers.pop(0))
            try:
                return await connect(server, self.received)
            except _UNREACHABLE as error:
                failure = error
        raise failure

    async def _join(self, connection: NatsConnection) -> None:
        """Hears everything that is wanted, then lets the listener look for what it missed."""
        self._connection = connection
        heard = set(self._wanted)
        for subject in heard:
            self._subscribe(connection, subject)
        await connection.flush()
        self._confirmed |= heard & self._sids.keys()
        assert self._listener is not None
        self._listener.returned()

    def _subscribe(self, connection: NatsConnection, subject: str) -> None:
        """Subscribes once, however many ask."""
        if subject not in self._sids:
            self._sids[subject] = connection.subscribe(subject)

    def _drop(self) -> None:
        """The connection is gone; so is what it had not written."""
        self._connection = None
        self._sids.clear()
        self._confirmed.clear()

    def _lose(self) -> None:
        self.counts["lost"] += 1
        metrics.BUS_DROPPED.add("lost")


def _reason(error: Exception) -> str:
    """What NATS or we say of it; of what the system says, only the kind, as its words may hold an address."""
    return str(error) if type(error) is NatsError else type(error).__name__
