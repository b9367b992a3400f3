"""Which subjects of the bus this node hears: those of the rooms that have somebody in them, and a little longer.

Knows rooms by their names and the bus; knows nothing of what is said. A page that is loaded anew leaves its room and
enters it again, so a subject is left only after a linger.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from kefu.bus.port import Bus

LINGER_S = 10.0
SWEEP_INTERVAL_S = 1.0


class Interest:
    """Keeps the bus' subjects in step with the rooms; a `RoomWatcher`.

    Args:
        bus: Where subjects are heard and left.
        subject_of: The subject of a room; None for a room that is nobody else's business.
    """

    def __init__(self, bus: Bus, subject_of: Callable[[str], str | None]) -> None:
        self._bus = bus
        self._subject_of = subject_of
        self._rooms: Counter[str] = Counter()
        self._lingering: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def opened(self, room: str) -> None:
        """The first connection entered a room."""
        subject = self._subject_of(room)
        if subject is None:
            return
        self._rooms[subject] += 1
        if self._lingering.pop(subject, None) is None and self._rooms[subject] == 1:
            # Sockets that follow have listened before; an agent's first socket has not.
            task = asyncio.get_running_loop().create_task(self._bus.listen(subject))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def emptied(self, room: str) -> None:
        """The last connection left a room."""
        subject = self._subject_of(room)
        if subject is None:
            return
        self._rooms[subject] -= 1
        if not self._rooms[subject]:
            del self._rooms[subject]
            self._linger(subject)

    async def listen(self, subject: str) -> None:
        """Hears a subject before anybody enters its room, so that nothing is missed in between."""
        if subject not in self._rooms:
            self._linger(subject)
        await self._bus.listen(subject)

    async def run(self) -> None:
        """Leaves what nobody needs any more, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            self.sweep(asyncio.get_running_loop().time())

    def sweep(self, now: float) -> None:
        """Leaves the subjects whose linger is over."""
        for subject in [subject for subject, until in self._lingering.items() if until <= now]:
            del self._lingering[subject]
            self._bus.leave(subject)

    def _linger(self, subject: str) -> None:
        self._lingering[subject] = asyncio.get_running_loop().time() + LINGER_S
