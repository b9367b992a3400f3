"""Tells everybody what was committed, never before the commit: local sockets at once, other nodes by the bus.

The one place where this process and the others are joined. What comes from the bus goes to local sockets only
(`actions/hear.py`); how something looks on a socket is `actions/deliver.py`.
"""

from __future__ import annotations

from msgspec.structs import replace

from kefu.actions.deliver import Deliverer, agents_room, for_visitor, joined_room, visitor_room
from kefu.actions.interest import Interest
from kefu.actions.presence import PresenceBoard
from kefu.bus.envelope import Changed, Hint
from kefu.bus.memory import MemoryBus
from kefu.bus.port import Bus
from kefu.bus.subjects import conversation_subject, inbox_subject
from kefu.store.tables import DEFAULT_SITE
from kefu.transport.endpoint import Connection
from kefu.transport.rooms import Rooms
from kefu.wire.encoded import encode_message
from kefu.wire.server import ConversationUpdate, Read, Typing
from kefu.wire.shapes import InboxRow, Message, Note

__all__ = ["Publisher", "agents_room", "for_visitor", "joined_room", "visitor_room"]

CHANGED_PER_ENVELOPE_MAX = 1000


class Publisher:
    """Fans committed facts out.

    Args:
        rooms: The local audiences; the publisher watches which of them have somebody in them.
        bus: The way to other nodes; alone by default.
    """

    def __init__(self, rooms: Rooms, bus: Bus | None = None) -> None:
        self.bus: Bus = bus or MemoryBus()
        self.deliver = Deliverer(rooms)
        self.rooms = rooms
        self.tops = self.deliver.tops
        self.presence = PresenceBoard(self.bus, self.deliver)
        self.deliver.on_first = self.presence.first_message
        self.interest: Interest | None = None
        if not self.bus.is_alone:
            rooms.watcher = self.interest = Interest(self.bus, _subject_of)

    def message(self, message: Message) -> None:
        """A message, to both sides of its conversation; `message` is what agents see."""
        encoded = encode_message(message)
        self.deliver.message(encoded)
        self._tell(message.conversation_id, encoded)

    def note(self, note: Note) -> None:
        """A note, to agents who joined."""
        self.deliver.note(note)
        self._tell(note.conversation_id, note)

    def changed(self, site: str, conversation_ids: list[str]) -> None:
        """Inbox rows of a site changed, for other nodes' agents; this node's get the rows by `inbox_row`."""
        if self.bus.is_alone:
            return
        for start in range(0, len(conversation_ids), CHANGED_PER_ENVELOPE_MAX):
            some = Changed(tuple(conversation_ids[start : start + CHANGED_PER_ENVELOPE_MAX]))
            self.bus.publish(inbox_subject(site), some)

    def inbox_row(self, site: str, row: InboxRow) -> None:
        """A conversation as it stands now, to every agent of its site on this node."""
        self.deliver.inbox_row(site, self.with_presence(row))

    def visitor_update(self, update: ConversationUpdate) -> None:
        """The visitor's own conversation changed status or agent."""
        self.deliver.visitor_update(update)
        self._tell(update.conversation_id, update)

    def typing(self, typing: Typing, *, skip: Connection | None = None) -> None:
        """Somebody types; the text in the box goes to agents only."""
        self.deliver.typing(typing, skip=skip)
        self._tell(typing.conversation_id, typing)

    def read(self, read: Read) -> None:
        """One side has seen everything up to a `seq`."""
        self.deliver.read(read)
        self._tell(read.conversation_id, read)

    def with_presence(self, row: InboxRow) -> InboxRow:
        """The row with whether its visitor is online, on whichever node."""
        return replace(row, visitor_online=self.presence.is_visitor_online(row.conversation_id))

    async def listen(self, conversation_id: str) -> None:
        """Hears what other nodes say in a conversation, for a while at least; call it before reading its page."""
        if self.interest is not None:
            await self.interest.listen(conversation_subject(DEFAULT_SITE, conversation_id))

    def is_followed(self, conversation_id: str) -> bool:
        """Whether any local socket belongs to this conversation."""
        return self.deliver.is_followed(conversation_id)

    def _tell(self, conversation_id: str, hint: Hint) -> None:
        if not self.bus.is_alone:
            self.bus.publish(conversation_subject(DEFAULT_SITE, conversation_id), hint)


def _subject_of(room: str) -> str | None:
    """Which subject a room's audience needs to hear."""
    kind, _, opaque_id = room.partition(":")
    if kind == "a":
        return inbox_subject(opaque_id)
    return conversation_subject(DEFAULT_SITE, opaque_id) if kind in {"v", "j"} else None
