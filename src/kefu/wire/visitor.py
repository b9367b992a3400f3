"""What a visitor's client sends, and the acks it gets (contract section 3, Visitor → server)."""

from __future__ import annotations

import msgspec

from kefu.wire.shapes import Author, Message, Seq, Shape, Status


class ClientEvent(msgspec.Struct, frozen=True, rename="camel", gc=False, omit_defaults=True):
    """Base of what clients send. Unknown fields are ignored; types are checked."""


class VisitorHello(ClientEvent, frozen=True):
    """Says who is there and opens or resumes the visitor's conversation.

    `defer` opens none before the first message. `afterSeq`, `afterId` and `epoch` together resume: only what came
    later is answered.
    """

    session_id: str | None = None
    entry_url: str | None = None
    referrer: str | None = None
    visitor_name: str | None = None
    visitor_email: str | None = None
    visitor_phone: str | None = None
    site_key: str | None = None
    visitor_token: str | None = None
    identity: str | None = None
    locale: str | None = None
    timezone: str | None = None
    title: str | None = None
    defer: bool = False
    after_seq: Seq | None = None
    after_id: str | None = None
    epoch: str | None = None


class VisitorMessage(ClientEvent, frozen=True):
    """A visitor's message. Without `conversationId` it goes to their own open conversation, made if there is none."""

    body_text: str
    conversation_id: str | None = None
    client_id: str | None = None


class VisitorTyping(ClientEvent, frozen=True):
    """The visitor types (`typing`), with what stands in the box (`draft`) if the site shares it."""

    conversation_id: str | None = None
    typing: bool = True
    draft: str | None = None


class VisitorRead(ClientEvent, frozen=True):
    """The visitor has seen everything up to `seq`."""

    seq: Seq
    conversation_id: str | None = None


class VisitorSync(ClientEvent, frozen=True):
    """Asks for what came after (`afterSeq` + `afterId`) or for older pages (`beforeSeq`); `limit` 1–200."""

    conversation_id: str | None = None
    after_seq: Seq | None = None
    after_id: str | None = None
    before_seq: Seq | None = None
    limit: int = 50


class VisitorHelloAck(Shape, frozen=True):
    """The visitor's conversation as it stands.

    `conversationId` is null until a deferred one exists; `agent` is who serves the visitor. `reset` tells a resuming
    client to drop what it holds.
    """

    conversation_id: str | None
    status: Status | None
    seq: int
    epoch: str
    visitor_token: str | None
    resumed: bool
    messages: tuple[Message, ...]
    more: bool = False
    reset: bool = False
    agent_read_seq: int = 0
    visitor_read_seq: int = 0
    agent: Author | None = None
    ok: bool = True


class MessageAck(Shape, frozen=True):
    """The message is committed and durable. `duplicate`: it already was, this is the first answer again."""

    id: str
    conversation_id: str
    seq: int
    created_at: str
    duplicate: bool = False
    ok: bool = True


class SyncAck(Shape, frozen=True):
    """What was missing, oldest first; `reset`: the client's place is unknown here, this is the newest page instead.

    `more` means that the page was cut: ask again from its end.
    """

    messages: tuple[Message, ...]
    seq: int
    epoch: str
    more: bool
    reset: bool = False
    ok: bool = True


class OkAck(Shape, frozen=True):
    """Done; there is nothing more to say."""

    ok: bool = True
