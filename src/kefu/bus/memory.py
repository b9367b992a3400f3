"""The bus of a node that is alone: nothing leaves the process, and nothing is made that could."""

from __future__ import annotations

from collections import Counter

from kefu.bus.envelope import Hint
from kefu.bus.port import Listener, State


class MemoryBus:
    """A `Bus` without other nodes; the default."""

    is_alone = True

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    @property
    def state(self) -> State:
        """Always alone."""
        return "alone"

    def start(self, listener: Listener) -> None:
        """There is nobody to listen to."""

    async def close(self) -> None:
        """There is nothing to end."""

    def publish(self, subject: str, hint: Hint) -> None:
        """There is nobody to tell."""

    async def listen(self, subject: str) -> None:
        """There is nobody to listen to."""

    def leave(self, subject: str) -> None:
        """There is nobody to leave."""
