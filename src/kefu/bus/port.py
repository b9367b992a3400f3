"""What a bus offers: hints from node to node, which may be lost.

A node is one chat-server process. Whoever uses a bus sees this file; `memory.py` and `nats.py` are the two there are.
The database is the log: nothing may depend on a hint's arrival, and nothing here says that one arrived.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal, Protocol

from kefu.bus.envelope import Hint

State = Literal["alone", "joined", "away"]
"""alone: there are no other nodes by design. joined: hints flow. away: the bus does not answer; it is being retried."""


LISTEN_TIMEOUT_S = 1.0


class Listener(Protocol):
    """What a node does with what the bus brings. Both are called on the event loop and must not block."""

    def heard(self, hint: Hint) -> None:
        """A genuine hint of another node, on a subject that this node listens to."""

    def returned(self) -> None:
        """The bus is joined, for the first time or again: what was said before now may have been missed."""


class Bus(Protocol):
    """A node's way to the others.

    Attributes:
        is_alone: No other node can ever hear this one: whoever publishes need not even make a hint.
        counts: What happened since the start, by name: `published`, `delivered`, `lost` (not sent: away, or too much
            waited), `forged`, `unknown`, `malformed` (not delivered). A name that is missing means zero.
    """

    is_alone: bool
    counts: Counter[str]

    @property
    def state(self) -> State:
        """Whether hints flow at the moment."""

    def start(self, listener: Listener) -> None:
        """Begins; called once, on the running event loop. It retries for ever and fails nobody."""

    async def close(self) -> None:
        """Says what was published so far, as far as that goes at once, and ends."""

    def publish(self, subject: str, hint: Hint) -> None:
        """Tells the nodes that listen to the subject, not this one. Never blocks and never raises."""

    async def listen(self, subject: str) -> None:
        """Hears a subject from now on; nothing happens if it is heard already.

        Returns when everything published from now on will come, or after `LISTEN_TIMEOUT_S`, or at once if the bus is
        away: then `returned` is called when it is back.
        """

    def leave(self, subject: str) -> None:
        """Hears the subject no more; nothing happens if it was not heard."""
