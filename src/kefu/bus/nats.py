"""NATS core as a bus: a subject a conversation, interest-based routing, nothing stored.

Knows connections, subjects and limits; what an envelope means is for the listener. One loop connects, for the first
time and again; each connection is a new client that hears every wanted subject, so there is one way in. What waits to
be sent when the connection goes is lost, as a hint may be.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter, deque

import nats.errors
from nats.aio.client import Client
from nats.aio.subscription import Subscription

from kefu import metrics
from kefu.bus.envelope import Envelope, EnvelopeError, Seal
from kefu.bus.port import LISTEN_TIMEOUT_S, Listener, State

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 2
RECONNECT_DELAY_S = 0.5
PING_INTERVAL_S = 5
PINGS_UNANSWERED_MAX = 2
WAITING_BYTES_MAX = 8 * 1024 * 1024
"""What may wait for a slow bus; beyond it hints are lost."""
ENVELOPE_BYTES_MAX = 1024 * 1024
"""NATS' own default limit."""

_CLOSE_POLL_S = 0.005
_FAILURES = (OSError, TimeoutError, nats.errors.Error)


class _Client(Client):
    """nats-py without its task and queue a subscription, which would cost more than a visitor's socket does."""

    def __init__(self, bus: NatsBus) -> None:
        super().__init__()
        self._bus = bus

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:  # noqa: ARG002
        self._bus.received(subject.decode(), bytes(data))


async def say_once(url: str, subject: str, data: bytes) -> bool:
    """Says one thing on the bus from a program that is no node.

    Returns:
        Whether NATS has it.
    """

    async def failed(error: Exception) -> None:
        log.debug("bus: %s", type(error).__name__)

    client = Client()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await client.connect(
                [server.strip() for server in url.split(",")],
                allow_reconnect=False,
                error_cb=failed,
                connect_timeout=CONNECT_TIMEOUT_S,
            )
            await client.publish(subject, data)
            await client.flush()
    except _FAILURES:
        return False
    finally:
        with contextlib.suppress(Exception):
            await client.close()
    return True


class NatsBus:
    """A `Bus` over NATS.

    Args:
        url: `nats://user:password@host:port`, or several, comma-separated. Never logged.
        seal: Opens what comes and seals what goes.
    """

    is_alone = False

    def __init__(self, url: str, seal: Seal) -> None:
        self.counts: Counter[str] = Counter()
        self._servers = [server.strip() for server in url.split(",")]
        self._seal = seal
        self._listener: Listener | None = None
        self._client: _Client | None = None
        self._wanted: set[str] = set()
        self._subscriptions: dict[str, asyncio.Task[Subscription]] = {}
        self._confirmed: set[str] = set()
        # What goes out, in order: (subject, bytes) is published; (subject, None) is heard or left as `_wanted` says.
        self._waiting: deque[tuple[str, bytes | None]] = deque()
        self._waiting_bytes = 0
        self._wake = asyncio.Event()
        self._lost = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """Whether the connection stands."""
        return "away" if self._client is None else "joined"

    def start(self, listener: Listener) -> None:
        """Connects in the background, and again whenever the connection is lost."""
        self._listener = listener
        self._running = asyncio.get_running_loop().create_task(self._run(), name="bus")

    async def close(self) -> None:
        """Writes what waits, within the listen timeout, and disconnects."""
        if self._client is not None:
            with contextlib.suppress(*_FAILURES):
                async with asyncio.timeout(LISTEN_TIMEOUT_S):
                    while self._waiting and self._client is not None:  # noqa: ASYNC110 - once, at the end
                        await asyncio.sleep(_CLOSE_POLL_S)
                    if self._client is not None:
                        await self._client.flush()
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def publish(self, subject: str, envelope: Envelope) -> None:
        """Seals and queues; without a connection, or when too much waits, the hint is lost."""
        if self._client is None:
            self.counts["lost"] += 1
            metrics.BUS_DROPPED.add("lost")
            return
        data = self._seal.seal(subject, envelope)
        if len(data) > ENVELOPE_BYTES_MAX or self._waiting_bytes + len(data) > WAITING_BYTES_MAX:
            self.counts["lost"] += 1
            metrics.BUS_DROPPED.add("lost")
            return
        self._waiting_bytes += len(data)
        self._waiting.append((subject, data))
        self._wake.set()

    async def listen(self, subject: str) -> None:
        """Subscribes, and waits for NATS' word that it is done."""
        self._wanted.add(subject)
        client = self._client
        if client is None or subject in self._confirmed:
            return
        with contextlib.suppress(*_FAILURES):
            async with asyncio.timeout(LISTEN_TIMEOUT_S):
                await asyncio.shield(self._subscribe(client, subject))
                await client.flush()
                self._confirmed.add(subject)

    def leave(self, subject: str) -> None:
        """Unsubscribes, soon."""
        self._wanted.discard(subject)
        if self._client is not None:
            self._waiting.append((subject, None))
            self._wake.set()

    def received(self, subject: str, data: bytes) -> None:
        """Bytes came: an envelope goes to the listener, everything else is dropped and counted."""
        try:
            envelope = self._seal.open(subject, data)
        except EnvelopeError as error:
            if not self.counts[error.reason]:
                log.warning("dropped a bus message (%s); further ones are only counted", error.reason)
            self.counts[error.reason] += 1
            metrics.BUS_DROPPED.add(error.reason)
            return
        self.counts["delivered"] += 1
        metrics.BUS_DELIVERIES.add(envelope.kind)
        assert self._listener is not None
        try:
            self._listener.heard(envelope)
        except Exception:
            log.exception("a bus message of kind %s could not be handled", envelope.kind)

    # --- the connection ------------------------------------------------------------------------------------

    async def _run(self) -> None:
        was_away = False
        while True:
            self._lost.clear()
            client = _Client(self)
            try:
                await self._connect(client)
                log.info("the bus is %s", "joined again" if was_away else "joined")
                was_away = False
                await self._write(client)
            except Exception as error:  # noqa: BLE001 - whatever it is, the bus is away and is tried again
                if not was_away:
                    log.warning("the bus is away (%s): other nodes follow by the database", type(error).__name__)
                was_away = True
            finally:
                self._drop()
                with contextlib.suppress(Exception):  # a broken connection may fail to close in any way
                    await client.close()
            await asyncio.sleep(RECONNECT_DELAY_S)

    async def _connect(self, client: _Client) -> None:
        async def lost() -> None:
            self._lost.set()
            self._wake.set()

        async def failed(error: Exception) -> None:
            log.debug("bus: %s", type(error).__name__)

        await client.connect(
            self._servers,
            allow_reconnect=False,
            closed_cb=lost,
            disconnected_cb=lost,
            error_cb=failed,
            connect_timeout=CONNECT_TIMEOUT_S,
            ping_interval=PING_INTERVAL_S,
            max_outstanding_pings=PINGS_UNANSWERED_MAX,
            no_echo=True,
            name="kefu",
        )
        self._client = client
        heard = set(self._wanted)
        await asyncio.gather(*(self._subscribe(client, subject) for subject in heard))
        await client.flush()
        self._confirmed |= heard & self._subscriptions.keys()
        assert self._listener is not None
        self._listener.returned()

    def _drop(self) -> None:
        """The connection is gone: what waited is lost."""
        self._client = None
        unsent = sum(data is not None for _, data in self._waiting)
        self.counts["lost"] += unsent
        metrics.BUS_DROPPED.cell("lost").count += unsent
        self._waiting.clear()
        self._waiting_bytes = 0
        self._subscriptions.clear()
        self._confirmed.clear()

    async def _write(self, client: _Client) -> None:
        """Writes what waits until the connection is lost."""
        while not self._lost.is_set():
            while self._waiting and not self._lost.is_set():
                subject, data = self._waiting.popleft()
                if data is None:
                    await self._follow_wish(client, subject)
                else:
                    self._waiting_bytes -= len(data)
                    await client.publish(subject, data)
                    self.counts["published"] += 1
            self._wake.clear()
            if not self._waiting and not self._lost.is_set():
                await self._wake.wait()
        raise nats.errors.ConnectionClosedError

    async def _follow_wish(self, client: _Client, subject: str) -> None:
        if subject in self._wanted:
            await self._subscribe(client, subject)
        elif subject in self._subscriptions:
            self._confirmed.discard(subject)
            await (await self._subscriptions.pop(subject)).unsubscribe()

    def _subscribe(self, client: _Client, subject: str) -> asyncio.Task[Subscription]:
        """Subscribes once, however many ask."""
        task = self._subscriptions.get(subject)
        if task is None:
            task = asyncio.get_running_loop().create_task(client.subscribe(subject))
            self._subscriptions[subject] = task
        return task
