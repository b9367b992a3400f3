"""Tells local sockets what was committed, here or elsewhere: an encoding an audience, messages in the order of `seq`.

Knows rooms and wire shapes; knows neither the bus, nor who connects, nor what is true in the database. Two audiences a
conversation (its visitor, the agents who joined) and one a site (all agents).
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from kefu.actions.standing import Standing, Standings
from kefu.store.rows import author_for_visitor
from kefu.transport.endpoint import Connection
from kefu.transport.rooms import Rooms, encode_event, wrap_event
from kefu.wire.encoded import EncodedMessage
from kefu.wire.server import ConversationUpdate, Presence, Read, Typing
from kefu.wire.shapes import InboxRow, Message, Note


def visitor_room(conversation_id: str) -> str:
    """The visitor's own sockets."""
    return "v:" + conversation_id


def joined_room(conversation_id: str) -> str:
    """Agents' sockets that joined the conversation."""
    return "j:" + conversation_id


def agents_room(site: str) -> str:
    """Every authenticated agent's socket of a site."""
    return "a:" + site


class Deliverer:
    """Delivers to the sockets of this process.

    `tops` holds, for each conversation that a local socket follows, the `seq` up to which everything was announced
    here. What the database has beyond it was committed elsewhere, or lost on the way (`actions/compare.py`).

    Attributes:
        standings: What visitors here were told beside messages.
        on_gap: Called with a conversation whose next message is not here; whoever takes it announces what is missing.
        on_first: Called with a conversation whose visitor is here and that just got its first message.
    """

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self.tops: dict[str, int] = {}
        self.standings = Standings()
        self.on_gap: Callable[[str], None] = lambda _conversation_id: None
        self.on_first: Callable[[str], None] = lambda _conversation_id: None

    def message(self, message: EncodedMessage) -> None:
        """A message, if it is the next one: repeats are dropped, and one beyond a gap comes with what is missing."""
        conversation_id, seq = message.conversation_id, message.seq
        top = self.tops.get(conversation_id)
        if top is None:
            return
        if seq == top + 1:
            self.announce(message)
        elif seq > top:
            if self.is_followed(conversation_id):
                self.on_gap(conversation_id)
            else:
                self.tops[conversation_id] = seq  # somebody reads the page just now, and reads it again

    def announce(self, message: EncodedMessage) -> None:
        """A message to both sides of its conversation, whatever came before."""
        conversation_id = message.conversation_id
        if not self.tops.get(conversation_id) and self.has_visitor(conversation_id):
            self.on_first(conversation_id)
        self.tops[conversation_id] = message.seq
        event = wrap_event("message_new", message.text)
        self.rooms.broadcast(joined_room(conversation_id), event)
        if message.admin_id is not None and self.has_visitor(conversation_id):
            event = encode_event("message_new", for_visitor(message.decode()))
        self.rooms.broadcast(visitor_room(conversation_id), event)

    def note(self, note: Note) -> None:
        """A note, to agents who joined."""
        self.rooms.broadcast(joined_room(note.conversation_id), encode_event("note_new", note))

    def inbox_row(self, site: str, row: InboxRow) -> None:
        """A conversation as it stands now, to every agent of its site."""
        self.rooms.broadcast(agents_room(site), encode_event("conversation_update", row))

    def visitor_update(self, update: ConversationUpdate) -> None:
        """The visitor's own conversation changed status or agent."""
        self.standings.updated(update)
        self.rooms.broadcast(visitor_room(update.conversation_id), encode_event("conversation_update", update))

    def typing(self, typing: Typing, *, skip: Connection | None = None) -> None:
        """Somebody types; the text in the box goes to agents only."""
        self.rooms.broadcast(joined_room(typing.conversation_id), encode_event("typing", typing), skip=skip)
        if typing.sender_type == "admin":
            shown = replace(typing, admin_id=None, draft=None, author=author_for_visitor(typing.author))
            self.rooms.broadcast(visitor_room(typing.conversation_id), encode_event("typing", shown))

    def read(self, read: Read) -> None:
        """One side has seen everything up to a `seq`."""
        self.standings.read(read)
        self.rooms.broadcast(joined_room(read.conversation_id), encode_event("read", read))
        self.rooms.broadcast(visitor_room(read.conversation_id), encode_event("read", replace(read, admin_id=None)))

    def correct(self, update: ConversationUpdate, standing: Standing) -> None:
        """How a conversation stands in the database, to its visitor: what of it differs from what they were told."""
        conversation_id, told = update.conversation_id, self.standings.of(update.conversation_id)
        if told is None or told[:2] != standing[:2]:
            self.visitor_update(update)
        if told is None or told.visitor_read_seq < standing.visitor_read_seq:
            self.read(Read(conversation_id, "visitor", standing.visitor_read_seq))
        if told is None or told.agent_read_seq < standing.agent_read_seq:
            self.read(Read(conversation_id, "admin", standing.agent_read_seq))
        self.standings.corrected(conversation_id, standing)

    def has_visitor(self, conversation_id: str) -> bool:
        """Whether the visitor has a socket here."""
        return bool(self.rooms.members(visitor_room(conversation_id)))

    def presence(self, site: str, presence: Presence) -> None:
        """A visitor came or went, to every agent of the site on this node."""
        if self.rooms.members(agents_room(site)):
            self.rooms.broadcast(agents_room(site), encode_event("presence", presence))

    def is_followed(self, conversation_id: str) -> bool:
        """Whether any local socket belongs to this conversation."""
        return self.has_visitor(conversation_id) or bool(self.rooms.members(joined_room(conversation_id)))


def for_visitor(message: Message) -> Message:
    """The message as its visitor may see it: no agent's id, no address."""
    if message.admin_id is None:
        return message
    return replace(message, admin_id=None, author=author_for_visitor(message.author))
