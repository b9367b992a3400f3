"""What an agent's console sends, and the acks it gets (contract section 3, Agent → server)."""

from __future__ import annotations

from typing import Literal

from kefu.wire.shapes import InboxRow, Message, Note, Seq, Shape, Status
from kefu.wire.visitor import ClientEvent

InboxFilter = Literal["mine", "unassigned", "all", "closed"]


class AdminAuth(ClientEvent, frozen=True):
    """Presents a token, first or refreshed."""

    token: str


class AdminInbox(ClientEvent, frozen=True):
    """Asks for conversations.

    `filter` and `cursor` page through one tab, newest activity first. `since` (the mark of an earlier answer) asks for
    every conversation written since, whatever its tab: some twice, none missed; its pages continue by `cursor` too, and
    the mark to keep is that of the first page.
    """

    filter: InboxFilter = "all"
    cursor: str | None = None
    since: str | None = None
    limit: int = 50


class AdminJoin(ClientEvent, frozen=True):
    """Opens a conversation: its messages, notes, typing and reads come to this socket from now on."""

    conversation_id: str
    after_seq: Seq | None = None
    after_id: str | None = None
    epoch: str | None = None


class AdminLeave(ClientEvent, frozen=True):
    """Closes a conversation on this socket; its updates still come as `conversation_update`."""

    conversation_id: str


class AdminMessage(ClientEvent, frozen=True):
    """An agent's reply, with up to 10 quick replies of 80 characters that the visitor may tap."""

    conversation_id: str
    body_text: str
    quick_replies: tuple[str, ...] = ()
    client_id: str | None = None


class AdminNote(ClientEvent, frozen=True):
    """A private note."""

    conversation_id: str
    body_text: str
    client_id: str | None = None


class AdminAssign(ClientEvent, frozen=True):
    """Assigns to `adminId`; absent: to oneself; empty text: to nobody."""

    conversation_id: str
    admin_id: str | None = None


class AdminClose(ClientEvent, frozen=True):
    """Closes the conversation."""

    conversation_id: str


class AdminReopen(ClientEvent, frozen=True):
    """Opens a closed conversation again."""

    conversation_id: str


class AdminTyping(ClientEvent, frozen=True):
    """The agent types."""

    conversation_id: str
    typing: bool = True


class AdminRead(ClientEvent, frozen=True):
    """Agents have seen everything up to `seq`."""

    conversation_id: str
    seq: Seq


class AdminSync(ClientEvent, frozen=True):
    """Asks for messages as `visitor_sync` does, and for the notes after `afterNoteSeq`."""

    conversation_id: str
    after_seq: Seq | None = None
    after_id: str | None = None
    before_seq: Seq | None = None
    after_note_seq: Seq | None = None
    limit: int = 50


class AdminAuthedAck(Shape, frozen=True):
    """Ack of `admin_auth` and payload of `admin_authed`. `expiresAt` is ISO-8601; refresh before it."""

    admin_id: str
    role: Literal["owner", "admin", "agent", "viewer"]
    expires_at: str
    name: str | None = None
    ok: bool = True


class InboxCounts(Shape, frozen=True):
    """Conversations a tab, not the page: for the numbers beside the tabs."""

    mine: int
    unassigned: int
    all: int
    closed: int


class InboxAck(Shape, frozen=True):
    """A page of the inbox. `cursor` continues it while `more`; `since` is the mark to ask from next time."""

    rows: tuple[InboxRow, ...]
    cursor: str | None
    more: bool
    since: str
    counts: InboxCounts | None = None
    ok: bool = True


class JoinAck(Shape, frozen=True):
    """The conversation as it stands: newest page of messages (or what came after `afterSeq`), its notes and its row."""

    conversation_id: str
    status: Status
    seq: int
    epoch: str
    messages: tuple[Message, ...]
    notes: tuple[Note, ...]
    row: InboxRow
    more: bool
    reset: bool = False
    ok: bool = True


class AdminSyncAck(Shape, frozen=True):
    """What was missing, oldest first; see `SyncAck`."""

    messages: tuple[Message, ...]
    notes: tuple[Note, ...]
    seq: int
    note_seq: int
    epoch: str
    more: bool
    reset: bool = False
    ok: bool = True


class NoteAck(Shape, frozen=True):
    """The note is committed."""

    id: str
    conversation_id: str
    note_seq: int
    created_at: str
    duplicate: bool = False
    ok: bool = True
