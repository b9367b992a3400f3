"""Visitors' sockets, `/ws-visitor`: each event is checked, made a command, and answered (contract section 3).

A socket may read and write only what its hello opened. What a visitor gets is cut to what they may see in
`actions/publish.py` and in `_hello` and `_sync` here, nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.actions import history
from kefu.actions.follow import Follower
from kefu.actions.history import History, Place
from kefu.actions.open import Introduction, Opener, Visitor
from kefu.actions.publish import Publisher, for_visitor, visitor_room
from kefu.actions.read import ReadMarker
from kefu.actions.send import Sender
from kefu.chat.credentials import check_session_id
from kefu.chat.messages import Draft, check_body, check_client_id, check_conversation_id
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.chat.text import MESSAGE_LENGTH_MAX, clean, clean_line
from kefu.gateway.events import decode, unknown
from kefu.gateway.lane import Lane, Reply, Work
from kefu.gateway.limits import Limits, address_key
from kefu.gateway.origins import OriginRule
from kefu.store import rows
from kefu.store.database import Database
from kefu.store.ids import new_id
from kefu.transport.endpoint import Connection, Handshake
from kefu.wire.server import ConversationOpen, MessageHistory, Presence, Typing
from kefu.wire.visitor import (
    MessageAck,
    OkAck,
    SyncAck,
    VisitorHello,
    VisitorHelloAck,
    VisitorMessage,
    VisitorRead,
    VisitorSync,
    VisitorTyping,
)

NAME_LENGTH_MAX = 200
URL_LENGTH_MAX = 2000

Handler = Callable[["VisitorSession", list[Any], Reply], Work | None]


class VisitorSession:
    """What this process knows of one visitor's socket. `visitor` is None before the first hello."""

    __slots__ = ("address", "connection", "conversation_id", "introduction", "lane", "visitor")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.address = address_key(connection.handshake.address)
        self.lane = Lane()
        self.visitor: Visitor | None = None
        self.introduction: Introduction | None = None
        self.conversation_id: str | None = None

    def known(self) -> Visitor:
        """The visitor.

        Raises:
            Refusal: UNAUTHORIZED before a hello.
        """
        if self.visitor is None:
            raise Refusal(ErrorCode.UNAUTHORIZED, "send visitor_hello first")
        return self.visitor

    def own(self, conversation_id: str | None) -> str:
        """The socket's conversation, if that is the one named (or none is).

        Raises:
            Refusal: CONVERSATION_NOT_FOUND if it is another one, or there is none yet.
        """
        self.known()
        if self.conversation_id is None or conversation_id not in {None, self.conversation_id}:
            raise Refusal(ErrorCode.CONVERSATION_NOT_FOUND, "this socket has not opened that conversation")
        return self.conversation_id


class VisitorGateway:
    """Serves `/ws-visitor`; an `Endpoint` of the transport."""

    def __init__(
        self,
        *,
        database: Database,
        epoch: str,
        opener: Opener,
        sender: Sender,
        follower: Follower,
        reads: ReadMarker,
        publisher: Publisher,
        limits: Limits,
        origins: OriginRule,
    ) -> None:
        self._database = database
        self._epoch = epoch
        self._opener = opener
        self._sender = sender
        self._follower = follower
        self._reads = reads
        self._publisher = publisher
        self._limits = limits
        self._origins = origins
        self._handlers: dict[str, Handler] = {
            "visitor_hello": self._hello,
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

    def on_disconnect(self, connection: Connection, reason: str) -> None:  # noqa: ARG002 - logged below
        """Leaves the room; agents hear it when it was the visitor's last socket."""
        session = cast("VisitorSession | None", connection.state)
        if session is not None:
            session.lane.close()
            self._leave(session)

    # --- visitor_hello -----------------------------------------------------------------------------------

    def _hello(self, session: VisitorSession, args: list[Any], reply: Reply) -> Work:
        self._limits.failures.peek(session.address, "too many failed hellos from this address")
        try:
            event = decode(VisitorHello, args)
            introduction = _introduction(event)
        except Refusal:
            self._limits.failures.check(session.address)
            raise
        return self._open(session, event, introduction, reply)

    async def _open(
        self, session: VisitorSession, event: VisitorHello, introduction: Introduction, reply: Reply
    ) -> None:
        visitor, conversation = await self._opener.recognise(introduction)
        resumed = conversation is not None
        if not event.defer and (conversation is None or not self._opener.takes_messages(conversation)):
            self._limits.new_conversations.check(session.address, what="too many conversations from this address")
            visitor, conversation = await self._opener.open(visitor, introduction)
        self._leave(session)
        session.visitor, session.introduction = visitor, introduction
        if conversation is None:
            reply.ok(VisitorHelloAck(None, None, 0, self._epoch, visitor.token, resumed=False, messages=()))
            return
        place = None if event.after_seq is None else Place(event.after_seq, event.after_id, event.epoch)
        page = await self._enter(session, conversation, place)
        self._greet(session, conversation, page, reply, resumed=resumed)

    async def _enter(self, session: VisitorSession, conversation: sa.Row[Any], place: Place | None) -> History:
        """Joins the conversation's room with what the socket has not seen of it."""
        conversation_id: str = conversation.id

        async def read(connection: AsyncConnection) -> History:
            if place is None:
                return await history.newest(connection, conversation_id)
            return await history.after(connection, conversation_id, place, self._epoch)

        room = visitor_room(conversation_id)
        was_online = bool(self._publisher.rooms.members(room))
        page = await self._follower.follow(conversation_id, room, session.connection, read)
        session.conversation_id = conversation_id
        if page.seq and not was_online:
            self._publisher.presence(conversation.site, Presence(conversation_id, online=True))
        return page

    def _greet(
        self, session: VisitorSession, conversation: sa.Row[Any], page: History, reply: Reply, *, resumed: bool
    ) -> None:
        messages = tuple(for_visitor(message) for message in page.messages)
        reply.ok(
            VisitorHelloAck(
                conversation_id=conversation.id,
                status=conversation.status,
                seq=page.seq,
                epoch=self._epoch,
                visitor_token=session.known().token,
                resumed=resumed,
                messages=messages,
                more=page.more,
                reset=page.reset,
                agent_read_seq=conversation.agent_read_seq,
                visitor_read_seq=conversation.visitor_read_seq,
                agent=rows.author(conversation.agent_name, conversation.agent_avatar_url),
            )
        )
        opened = ConversationOpen(conversation.id, conversation.status, page.seq, self._epoch)
        session.connection.emit("conversation_open", opened)
        if not reply.wanted:
            session.connection.emit("message_history", MessageHistory(conversation.id, messages))

    def _leave(self, session: VisitorSession) -> None:
        conversation_id, session.conversation_id = session.conversation_id, None
        if conversation_id is None:
            return
        room = visitor_room(conversation_id)
        self._publisher.rooms.leave(room, session.connection)
        if not self._publisher.rooms.members(room) and self._publisher.tops.get(conversation_id):
            assert session.visitor is not None
            self._publisher.presence(session.visitor.site, Presence(conversation_id, online=False))

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
        await self._replace(session)
        assert session.conversation_id is not None
        work = self._submit(session, session.conversation_id, body, client_id, reply)
        if work is not None:
            await work

    async def _message_elsewhere(
        self, session: VisitorSession, event: VisitorMessage, body: str, client_id: str | None, reply: Reply
    ) -> None:
        """A message for an earlier conversation of the visitor: a repeat is answered, a new one is refused there."""
        assert event.conversation_id is not None
        if not await self._is_own(session, event.conversation_id):
            raise Refusal(ErrorCode.CONVERSATION_NOT_FOUND, "this socket has not opened that conversation")
        work = self._submit(session, event.conversation_id, body, client_id, reply)
        if work is not None:
            await work

    async def _is_own(self, session: VisitorSession, conversation_id: str) -> bool:
        return await self._opener.is_own(session.known(), check_conversation_id(conversation_id))

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
            await self._replace(session)
        if resend is None or session.conversation_id is None:
            raise Refusal(ErrorCode.CONVERSATION_CLOSED, refusal.message)
        moved = resend._replace(conversation_id=session.conversation_id)
        self._sender.send(moved, None, lambda answer: None if isinstance(answer, MessageAck) else reply.refuse(answer))

    async def _replace(self, session: VisitorSession) -> None:
        """Opens the visitor's next conversation and tells this socket."""
        assert session.introduction is not None
        self._limits.new_conversations.check(session.address, what="too many conversations from this address")
        visitor, conversation = await self._opener.open(session.known(), session.introduction)
        self._leave(session)
        session.visitor = visitor
        page = await self._enter(session, conversation, None)
        opened = ConversationOpen(conversation.id, conversation.status, page.seq, self._epoch)
        session.connection.emit("conversation_open", opened)

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
        async with self._database.engine.connect() as connection:
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


def _introduction(event: VisitorHello) -> Introduction:
    known = {
        "name": clean_line(event.visitor_name, NAME_LENGTH_MAX),
        "email": clean_line(event.visitor_email, NAME_LENGTH_MAX),
        "phone": clean_line(event.visitor_phone, NAME_LENGTH_MAX),
        "locale": clean_line(event.locale, NAME_LENGTH_MAX),
        "timezone": clean_line(event.timezone, NAME_LENGTH_MAX),
    }
    page = {
        "entry_url": clean_line(event.entry_url, URL_LENGTH_MAX),
        "referrer": clean_line(event.referrer, URL_LENGTH_MAX),
        "page_title": clean_line(event.title, NAME_LENGTH_MAX),
    }
    return Introduction(
        session_id=check_session_id(event.session_id),
        visitor_token=event.visitor_token,
        known={key: value for key, value in known.items() if value is not None},
        page={key: value for key, value in page.items() if value is not None},
    )
