"""Who a visitor's socket speaks for, and the conversation it may read and write: hello, entering, leaving, moving on.

Knows one socket and what its hello opened; what is said in the conversation is `visitor.py`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.actions import history
from kefu.actions.follow import Follower
from kefu.actions.history import History, Place
from kefu.actions.open import Conversation, Introduction, Opener, Visitor
from kefu.actions.presence import PresenceBoard
from kefu.actions.publish import Publisher, for_visitor, visitor_room
from kefu.actions.standing import standing
from kefu.chat.credentials import check_session_id
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.chat.text import clean_line
from kefu.gateway.events import decode
from kefu.gateway.lane import Lane, Reply, Work
from kefu.gateway.limits import Limits, address_key
from kefu.store import rows
from kefu.transport.endpoint import Connection
from kefu.wire.server import ConversationOpen, MessageHistory
from kefu.wire.visitor import VisitorHello, VisitorHelloAck

NAME_LENGTH_MAX = 200
URL_LENGTH_MAX = 2000


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


class VisitorEntrance:
    """Opens conversations for sockets."""

    def __init__(
        self,
        *,
        epoch: str,
        opener: Opener,
        follower: Follower,
        publisher: Publisher,
        presence: PresenceBoard,
        limits: Limits,
    ) -> None:
        self._epoch = epoch
        self._opener = opener
        self._follower = follower
        self._publisher = publisher
        self._presence = presence
        self._limits = limits

    def hello(self, session: VisitorSession, args: list[Any], reply: Reply) -> Work:
        """`visitor_hello`.

        Raises:
            Refusal: INVALID_INPUT, RATE_LIMITED.
        """
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
        conversation: Conversation | None
        visitor, conversation = await self._opener.recognise(introduction)
        resumed, is_new = conversation is not None, False
        if not event.defer and (conversation is None or not self._opener.takes_messages(conversation)):
            self._limits.new_conversations.check(session.address, what="too many conversations from this address")
            visitor, conversation, is_new = await self._opener.open(visitor, introduction)
        self.leave(session)
        session.visitor, session.introduction = visitor, introduction
        if conversation is None:
            reply.ok(VisitorHelloAck(None, None, 0, self._epoch, visitor.token, resumed=False, messages=()))
            return
        place = None if event.after_seq is None else Place(event.after_seq, event.after_id, event.epoch)
        page = await self._enter(session, conversation, place, is_new=is_new)
        self._greet(session, conversation, page, reply, resumed=resumed)

    async def _enter(
        self, session: VisitorSession, conversation: Conversation, place: Place | None, *, is_new: bool
    ) -> History:
        """Joins the conversation's room with what the socket has not seen of it."""
        conversation_id: str = conversation.id

        async def read(connection: AsyncConnection) -> History:
            if place is None:
                return await history.newest(connection, conversation_id)
            return await history.after(connection, conversation_id, place, self._epoch)

        room = visitor_room(conversation_id)
        is_first = not self._publisher.deliver.has_visitor(conversation_id)
        self._publisher.deliver.standings.greeted(conversation_id, standing(conversation), is_first=is_first)
        known = history.begin(place, self._epoch) if is_new else None
        page = await self._follower.follow(conversation_id, room, session.connection, read, known)
        session.conversation_id = conversation_id
        if page.seq and session.connection.is_open:
            self._presence.visitor_came(conversation_id)
        return page

    def _greet(
        self, session: VisitorSession, conversation: Conversation, page: History, reply: Reply, *, resumed: bool
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
                agent=rows.visitor_update(conversation).agent,
            )
        )
        opened = ConversationOpen(conversation.id, conversation.status, page.seq, self._epoch)
        session.connection.emit("conversation_open", opened)
        if not reply.wanted:
            session.connection.emit("message_history", MessageHistory(conversation.id, messages))

    def leave(self, session: VisitorSession) -> None:
        """The socket no longer follows its conversation; agents hear it when it was the visitor's last one."""
        conversation_id, session.conversation_id = session.conversation_id, None
        if conversation_id is None:
            return
        room = visitor_room(conversation_id)
        self._publisher.rooms.leave(room, session.connection)
        if not self._publisher.rooms.members(room):
            self._presence.visitor_went(conversation_id)

    async def move_on(self, session: VisitorSession) -> None:
        """Opens the visitor's next conversation and tells this socket."""
        assert session.introduction is not None
        self._limits.new_conversations.check(session.address, what="too many conversations from this address")
        session.visitor, conversation, is_new = await self._opener.open(session.known(), session.introduction)
        await self.move_to(session, conversation, is_new=is_new)

    async def move_to(self, session: VisitorSession, conversation: Conversation, *, is_new: bool = False) -> None:
        """Lets the socket follow another conversation of its visitor and tells it; `is_new`: it was just made."""
        self.leave(session)
        page = await self._enter(session, conversation, None, is_new=is_new)
        opened = ConversationOpen(conversation.id, conversation.status, page.seq, self._epoch)
        session.connection.emit("conversation_open", opened)


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
