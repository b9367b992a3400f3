"""What a visitor's client sends, and the acks it gets (contract section 3, Visitor → server)."""

from __future__ import annotations

import msgspec

from kefu.wire.shapes import Message, Shape, Status


class ClientEvent(msgspec.Struct, frozen=True, rename="camel", gc=False, omit_defaults=True):
    """Base of what clients send. Unknown fields are ignored; types are checked."""


class VisitorHello(ClientEvent):
    """Says who is there and opens or resumes the visitor's conversation.

    `defer` opens none before the first message. `afterSeq`, `afterId` and `epoch` together resume: only what came later is answered.
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
    after_seq: int | None = None
    after_id: str | None = None
    epoch: str | None = None


class VisitorMessage(ClientEvent):
    """A visitor's message. Without `conversationId` it goes to the visitor's own open conversation, made if there is none."""

    body_text: str
    conversation_id: str | None = None
    client_id: str | None = None


class VisitorTyping(ClientEvent):
    """The visitor types (`typing`), with what stands in the box (`draft`) if the site shares it."""

    conversation_id: str | None = None
    typing: bool = True
    draft: str | None = None


class VisitorRead(ClientEvent):
    """The visitor has seen everything up to `seq`."""

    seq: int
    conversation_id: str | None = None


class VisitorSync(ClientEvent):
    """Asks for what came after (`afterSeq` + `afterId`) or for older pages (`beforeSeq`); `limit` 1–200."""

    conversation_id: str | None = None
    after_seq: int | None = None
    after_id: str | None = None
    before_seq: int | None = None
    limit: int = 50


class VisitorHelloAck(Shape, omit_defaults=False):
    """`conversationId` is null until a deferred conversation exists. `reset` tells a resuming client to drop what it holds."""

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
    ok: bool = True


class MessageAck(Shape, omit_defaults=False):
    """The message is committed and durable. `duplicate`: it already was, this is the first answer again."""

    id: str
    conversation_id: str
    seq: int
    created_at: str
    duplicate: bool = False
    ok: bool = True


class SyncAck(Shape, omit_defaults=False):
    """What was missing, oldest first; `reset` means the client's place is unknown here: this is the newest page instead.

    `more` means that the page was cut: ask again from its end.
    """

    messages: tuple[Message, ...]
    seq: int
    epoch: str
    more: bool
    reset: bool = False
    ok: bool = True


class OkAck(Shape, omit_defaults=False):
    """Done; there is nothing more to say."""

    ok: bool = True
