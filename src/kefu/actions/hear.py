"""What this node does with what others say on the bus: local sockets only, and never back to the bus.

Knows which part takes which kind of envelope, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kefu.actions.announce import InboxAnnouncer
from kefu.actions.compare import Comparer
from kefu.actions.publish import Publisher
from kefu.bus.envelope import AgentsChanged, Changed, Envelope, PresenceReport
from kefu.bus.subjects import AGENTS, PRESENCE
from kefu.wire.server import ConversationUpdate, Read, Typing
from kefu.wire.shapes import Message, Note

SUBJECTS = (PRESENCE, AGENTS)
"""What every node hears, whoever is connected to it."""


class Hearer:
    """The bus' `Listener`.

    Args:
        publisher: Whose local half is told.
        announcer: Takes changed inbox rows.
        comparer: Finds what was missed.
        on_agents_changed: Called when agents were disabled.
    """

    def __init__(
        self,
        publisher: Publisher,
        announcer: InboxAnnouncer,
        comparer: Comparer,
        on_agents_changed: Callable[[], None],
    ) -> None:
        self._deliver = publisher.deliver
        self._announcer = announcer
        self._comparer = comparer
        self._presence = publisher.presence
        self._on_agents_changed = on_agents_changed

    def heard(self, envelope: Envelope[Any]) -> None:
        """Gives the payload to whoever it is for."""
        match envelope.payload:
            case Message() as message:
                self._deliver.message(message)
            case Note() as note:
                self._deliver.note(note)
            case Read() as read:
                self._deliver.read(read)
            case Typing() as typing:
                self._deliver.typing(typing)
            case ConversationUpdate() as update:
                self._deliver.visitor_update(update)
            case Changed() as changed:
                self._announcer.heard(changed.conversations)
            case PresenceReport() as report:
                self._presence.heard(report)
            case AgentsChanged():
                self._on_agents_changed()

    def returned(self) -> None:
        """Finds in the database what was missed."""
        self._comparer.soon()
        self._presence.greet()
        self._on_agents_changed()
