"""What the server tells clients unasked (contract section 3, Server → client)."""

from __future__ import annotations

from kefu.wire.shapes import Author, InboxRow, Message, SenderType, Shape, Status


class ConversationOpen(Shape, frozen=True):
    """A conversation is there: after a hello, a join, or when a new one takes the place of a closed one."""

    conversation_id: str
    status: Status
    seq: int
    epoch: str


class MessageHistory(Shape, frozen=True):
    """The newest page, oldest first: at most 50 messages and 256 KiB."""

    conversation_id: str
    messages: tuple[Message, ...]


class ConversationUpdate(Shape, frozen=True):
    """The visitor's own conversation changed. `assignedTo` is always null here; `agent` is who serves them."""

    conversation_id: str
    status: Status
    assigned_to: None
    agent: Author | None
    seq: int


class AgentConversationUpdate(InboxRow, frozen=True):
    """A conversation changed, for every agent, joined or not: its whole inbox row."""


class Typing(Shape, frozen=True):
    """Somebody types in the conversation. `draft` reaches agents only."""

    conversation_id: str
    sender_type: SenderType
    typing: bool
    author: Author | None = None
    admin_id: str | None = None
    draft: str | None = None


class Read(Shape, frozen=True):
    """One side has seen everything up to `seq`. `senderType` is the side that read."""

    conversation_id: str
    sender_type: SenderType
    seq: int
    admin_id: str | None = None


class Presence(Shape, frozen=True):
    """To agents: the visitor of a conversation came online or went."""

    conversation_id: str
    online: bool


class ServerRestart(Shape, frozen=True):
    """The server stops; connect again after this many milliseconds (spread at random over clients)."""

    reconnect_in_ms: int
