"""What this node does with what others say on the bus: local sockets only, and never back to the bus.

Knows which part takes which kind of envelope, nothing else.
"""

from __future__ import annotations

from kefu.actions.announce import InboxAnnouncer
from kefu.actions.compare import Comparer
from kefu.actions.publish import Publisher
from kefu.bus.envelope import Changed, Envelope
from kefu.wire.server import ConversationUpdate, Read, Typing
from kefu.wire.shapes import Message, Note


class Hearer:
    """The bus' `Listener`."""

    def __init__(self, publisher: Publisher, announcer: InboxAnnouncer, comparer: Comparer) -> None:
        self._deliver = publisher.deliver
        self._announcer = announcer
        self._comparer = comparer

    def heard(self, envelope: Envelope) -> None:
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

    def returned(self) -> None:
        """Finds in the database what was missed."""
        self._comparer.soon()
