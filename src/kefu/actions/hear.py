"""What this node does with what others say on the bus: local sockets only, and never back to the bus.

Knows which part takes which hint, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kefu.actions.announce import InboxAnnouncer
from kefu.actions.compare import Comparer
from kefu.actions.publish import Publisher
from kefu.bus.envelope import AgentsChanged, Changed, Hint, PresenceReport
from kefu.bus.subjects import AGENTS, PRESENCE
from kefu.wire.encoded import EncodedMessage
from kefu.wire.server import ConversationUpdate, Read, Typing
from kefu.wire.shapes import Note

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
        self._comparer = comparer
        self._presence = publisher.presence
        self._on_agents_changed = on_agents_changed
        deliver = publisher.deliver
        self._takers: dict[type, Callable[[Any], None]] = {
            EncodedMessage: deliver.message,
            Note: deliver.note,
            Read: deliver.read,
            Typing: deliver.typing,
            ConversationUpdate: deliver.visitor_update,
            Changed: lambda changed: announcer.heard(changed.conversations),
            PresenceReport: self._presence.heard,
            AgentsChanged: lambda _: on_agents_changed(),
        }

    def heard(self, hint: Hint) -> None:
        """Gives the hint to whoever it is for."""
        self._takers[type(hint)](hint)

    def returned(self) -> None:
        """Finds in the database what was missed."""
        self._comparer.soon()
        self._presence.greet()
        self._on_agents_changed()
