"""Visitors' sockets, `/ws-visitor`: each event is checked, made a command, and answered (contract section 3).

A socket may read and write only what its hello opened. What a visitor gets is cut to what they may see in
`actions/publish.py`, in `_sync` here and in `visitor_entrance.py`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from kefu.actions import history
from kefu.actions.history import Place
from kefu.actions.open import Opener, Visitor
from kefu.actions.publish import Publisher, for_visitor
from kefu.actions.read import ReadMarker
from kefu.actions.send import Sender
from kefu.chat.messages import Draft, check_body, check_client_id, check_conversation_id
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.chat.text import MESSAGE_LENGTH_MAX, clean
from kefu.gateway.events import decode, unknown
from kefu.gateway.lane import Reply, Work
from kefu.gateway.limits import Limits
from kefu.gateway.origins import OriginRule
from kefu.gateway.visitor_entrance import VisitorEntrance, VisitorSession
from kefu.store.database import Database
from kefu.store.ids import new_id
from kefu.transport.endpoint import Connection, Handshake
from kefu.wire.server import Typing
from kefu.wire.visitor import (
    MessageAck,
    OkAck,
    SyncAck,
    VisitorMessage,
    VisitorRead,
    VisitorSync,
    VisitorTyping,
)

Handler = Callable[[VisitorSession, list[Any], Reply], Work | None]


class VisitorGateway:
    """Serves `/ws-visitor`; an `Endpoint` of the transport."""

    def __init__(
        self,
        *,
        database: Database,
        epoch: str,
        opener: Opener,
        sender: Sender,
        entrance: VisitorEntrance,
        reads: ReadMarker,
        publisher: Publisher,
        limits: Limits,
        origins: OriginRule,
    ) -> None:
        self._database = database
        self._epoch = epoch
        self._opener = opener
        self._sender = sender
        self._entrance = entrance
        self._reads = reads
        self._publisher = publisher
        self._limits = limits
        self._origins = origins
        self._handlers: dict[str, Handler] = {
            "visitor_hello": entrance.hello,
            "visitor_message": self._message,
            "visitor_typing": self._typing,
            "visitor_read": self._read,
            "visitor_sync": self._sync,
        }

    # --- Endpoint ----------------------------------------------------------------------------------------

    def admits_origin(self, handshake: Handshake) -> bool:
        """By `CHAT_ALLOWED_ORIGINS`."""
        return self._origins.admits(handshake)

    def on_connect(self, connection: Connection, auth: object) -> None:  # noqa: ARG002 - visitors say hello instead
        """Nothing is known or told before a hello."""
        connection.state = VisitorSession(connection)

    def on_event(self, connection: Connection, event: str, args: list[Any], ack: Callable[..., None] | None) -> None:
        """Handles an event in the order of its socket."""
        session = cast("VisitorSession", connection.state)
        reply = Reply(connection.emit, ack)
        handler = self._handlers.get(event)
        if handler is None:
            reply.refuse(unknown(event))
        else:
            session.lane.enter(partial(handler, session, args, reply), reply)

    def on_disconnect(self, connection: Connection, reason: str) -> None:  # noqa: ARG002 - nobody is told why
        """Leaves the room; agents hear it when it was the visitor's last socket."""
        session = cast("VisitorSession | None", connection.state)
        if session is not None:
            session.lane.close()
            self._entrance.leave(session)

    # --- visitor_message ---------------------------------------------------------------------------------

    def _message(self, session: VisitorSession, args: list[Any], reply: Reply) -> Work | None:
        event = decode(VisitorMessage, args)
        session.known()
        if not reply.wanted and not clean(event.body_text):
            return None  # the older widget sends empty texts and expects nothing
        body = check_body(event.body_text)
        client_id = check_client_id(event.client_id)
        if session.conversation_id is None:
            return self._message_first(session, event, body, client_id, reply)
        if event.conversation_id not in {None, session.conversation_id}:
            return self._message_elsewhere(session, event, body, client_id, reply)
        return self._submit(session, session.conversation_id, body, client_id, reply)

    async def _message_first(
        self, session: VisitorSession, event: VisitorMessage, body: str, client_id: str | None, reply: Reply
    ) -> None:
        """A deferred conversation begins with its first message."""
        if event.conversation_id is not None and not await self._is_own(session, event.conversation_id):
            raise Refusal(ErrorCode.CONVERSATION_NOT_FOUND, "this socket has not opened that conversation")
        await self._entrance.move_on(session)
        assert session.conversation_id is not None
        work = self._submit(session, session.conversation_id, body, client_id, reply)
        if work is not None:
            await work

    async def _message_elsewhere(
        self, session: VisitorSession, event: VisitorMessage, body: str, client_id: str | None, reply: Reply
    ) -> None:
        """A message for another conversation of the visitor than the socket follows.

        A repeat is answered. A new one is taken where its conversation takes messages, and the socket follows that one
        from then on; elsewhere it is refused, as in any closed conversation.
        """
        assert event.conversation_id is not None
        visitor = session.known()
        found = await self._opener.own(visitor, check_conversation_id(event.conversation_id))
        if found is None:
            raise Refusal(ErrorCode.CONVERSATION_NOT_FOUND, "this socket has not opened that conversation")
        if client_id is not None:
            ack = await self._sender.find_repeat(found.id, visitor.id, client_id)
            if ack is not None:
                reply.ok(ack)
                return
        if await self._opener.is_next(visitor, found):
            await self._entrance.move_to(session, found)
        work = self._submit(session, found.id, body, client_id, reply)
        if work is not None:
            await work

    async def _is_own(self, session: VisitorSession, conversation_id: str) -> bool:
        return await self._opener.own(session.known(), check_conversation_id(conversation_id)) is not None

    def _submit(
        self,
        session: VisitorSession,
        conversation_id: str,
        body: str,
        client_id: str | None,
        reply: Reply,
    ) -> Work | None:
        """Sends one message to the commit: the hot path."""
        visitor = session.known()
        try:
            self._limits.visitor_message(visitor.id, session.address)
        except Refusal as refusal:
            if client_id is None:
                raise
            return self._repeat(visitor, conversation_id, client_id, reply, refusal)
        draft = Draft(conversation_id, "visitor", visitor.id, client_id or new_id(), new_id(), body, None)
        self._sender.send(draft, None, partial(self._answer, session, draft, client_id, reply))
        return None

    async def _repeat(
        self, visitor: Visitor, conversation_id: str, client_id: str, reply: Reply, refusal: Refusal
    ) -> None:
        """Over its rate a message is refused, unless it is stored already: repeats count apart."""
        self._limits.chatter.check(visitor.id)
        ack = await self._sender.find_repeat(conversation_id, visitor.id, client_id)
        if ack is None:
            raise refusal
        reply.ok(ack)

    def _answer(
        self, session: VisitorSession, draft: Draft, client_id: str | None, reply: Reply, answer: MessageAck | Refusal
    ) -> None:
        if isinstance(answer, MessageAck):
            if answer.duplicate:
                self._limits.visitor_message_did_not_count(draft.sender_id, session.address)
            reply.ok(answer)
        elif answer.code in {ErrorCode.CONVERSATION_CLOSED, ErrorCode.CONVERSATION_NOT_FOUND}:
            resend = draft if client_id is None and not reply.wanted else None
            session.lane.enter(partial(self._move_on, session, draft, resend, reply, answer), reply)
        else:
            reply.refuse(answer)

    async def _move_on(
        self, session: VisitorSession, draft: Draft, resend: Draft | None, reply: Reply, refusal: Refusal
    ) -> None:
        """The conversation takes no more: opens a new one and says so; the client sends its message there.

        A client that can neither repeat nor hear of it (no client id, no ack) has its message sent there for it.
        """
        if session.conversation_id == draft.conversation_id:
            await self._entrance.move_on(session)
        if resend is None or session.conversation_id is None:
            raise Refusal(ErrorCode.CONVERSATION_CLOSED, refusal.message)
        moved = resend._replace(conversation_id=session.conversation_id)
        self._sender.send(moved, None, lambda answer: None if isinstance(answer, MessageAck) else reply.refuse(answer))

    # --- the rest ----------------------------------------------------------------------------------------

    def _typing(self, session: VisitorSession, args: list[Any], reply: Reply) -> None:
        event = decode(VisitorTyping, args)
        conversation_id = session.own(event.conversation_id)
        self._limits.chatter.check(session.known().id)
        draft = None if event.draft is None else clean(event.draft)[:MESSAGE_LENGTH_MAX]
        self._publisher.typing(Typing(conversation_id, "visitor", event.typing, draft=draft))
        reply.ok(OkAck())

    async def _read(self, session: VisitorSession, args: list[Any], reply: Reply) -> None:
        event = decode(VisitorRead, args)
        conversation_id = session.own(event.conversation_id)
        self._limits.chatter.check(session.known().id)
        await self._reads.by_visitor(conversation_id, event.seq)
        reply.ok(OkAck())

    async def _sync(self, session: VisitorSession, args: list[Any], reply: Reply) -> None:
        event = decode(VisitorSync, args)
        conversation_id = session.own(event.conversation_id)
        self._limits.chatter.check(session.known().id)
        async with self._database.autocommit.connect() as connection:
            page = await history.read(
                connection,
                conversation_id,
                self._epoch,
                place=None if event.after_seq is None else Place(event.after_seq, event.after_id, None),
                before_seq=event.before_seq,
                limit=event.limit,
            )
        messages = tuple(for_visitor(message) for message in page.messages)
        reply.ok(SyncAck(messages, page.seq, self._epoch, page.more, page.reset))
