"""One timer for all connections: pings, missing pongs, and everything that must be over by some time.

A ring of slots is passed once an interval, a slot a tick. Each client has a slot, chosen at random in the last quarter
of an interval from now, so that a crowd that came at once is not pinged at once and nobody much too early. When its
slot comes it is pinged; a timeout later the slot is looked at again.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

_SLOTS_MAX = 100
_TICK_MS_MIN = 25


class Beating(Protocol):
    """What the heartbeat needs of a client."""

    slot: int
    awaits_pong: bool

    def ping(self) -> None:
        """Sends a ping and notes that the pong is awaited."""

    def time_out(self) -> None:
        """No pong came in time."""


Item = TypeVar("Item")


class Deadlines(Generic[Item]):
    """Items that each get the same time from when they were added; `expire` judges those whose time is over.

    There is no removing: `expire` looks whether the item is unfinished. So an item is held until its time is over.
    """

    __slots__ = ("_expire", "_queue", "_seconds")

    def __init__(self, seconds: float, expire: Callable[[Item], None]) -> None:
        self._seconds = seconds
        self._expire = expire
        self._queue: deque[tuple[float, Item]] = deque()

    def add(self, item: Item, now: float) -> None:
        """Gives the item its time from `now`, which must not go back."""
        self._queue.append((now + self._seconds, item))

    def sweep(self, now: float) -> None:
        """Expires what is over."""
        while self._queue and self._queue[0][0] <= now:
            self._expire(self._queue.popleft()[1])


class Heartbeat:
    """The ring and its timer. It runs between `start` and `stop`."""

    __slots__ = ("_due", "_handle", "_loop", "_now_slot", "_on_tick", "_ring", "_tick_seconds", "_timeout_slots")

    def __init__(self, interval_ms: int, timeout_ms: int, on_tick: Callable[[float], None]) -> None:
        slots = max(2, min(_SLOTS_MAX, interval_ms // _TICK_MS_MIN))
        self._tick_seconds = interval_ms / 1000 / slots
        self._timeout_slots = max(1, min(slots - 1, round(slots * timeout_ms / interval_ms)))
        self._ring: list[set[Beating]] = [set() for _ in range(slots)]
        self._now_slot = 0
        self._due = 0.0
        self._on_tick = on_tick
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins to tick; nothing happens if it does."""
        if self._handle is None:
            self._loop = loop
            self._due = loop.time() + self._tick_seconds
            self._handle = loop.call_at(self._due, self._tick)

    def stop(self) -> None:
        """Ends ticking."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def add(self, client: Beating) -> None:
        """Pings the client from now on, first between three quarters of an interval and a whole one."""
        slots = len(self._ring)
        ahead = random.randrange(slots * 3 // 4, slots)  # noqa: S311 (spreads load, keeps no secret)
        client.slot = (self._now_slot + ahead) % slots
        self._ring[client.slot].add(client)

    def remove(self, client: Beating) -> None:
        """Forgets the client; nothing happens if it is not known."""
        self._ring[client.slot].discard(client)

    def _tick(self) -> None:
        assert self._loop is not None
        # A timer that is a little late is made up for, or intervals would grow. A loop that was blocked is not: pongs
        # that came meanwhile are still unread.
        now = self._loop.time()
        self._due = max(self._due, now - self._tick_seconds / 2) + self._tick_seconds
        self._handle = self._loop.call_at(self._due, self._tick)
        slots = len(self._ring)
        self._now_slot = (self._now_slot + 1) % slots
        for client in tuple(self._ring[(self._now_slot - self._timeout_slots) % slots]):
            if client.awaits_pong:
                client.time_out()
        for client in tuple(self._ring[self._now_slot]):
            client.ping()
        self._on_tick(now)
