"""Agents' sockets, `/ws-admin`: each event is checked, made a command, and answered (contract section 3).

A socket joins nothing and receives nothing before a valid token. Who may do what is decided here, what it means in
`actions/`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.actions import history
from kefu.actions.change import Changer
from kefu.actions.follow import Follower
from kefu.actions.history import History, Place
from kefu.actions.note import NoteWriter
from kefu.actions.publish import Publisher, agents_room, joined_room
from kefu.actions.read import ReadMarker
from kefu.actions.send import Sender
from kefu.chat.messages import Draft, check_body, check_client_id, check_conversation_id, quick_replies_metadata
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.chat.text import clean
from kefu.gateway.auth import Agent, AgentAuthenticator
from kefu.gateway.events import decode, unknown
from kefu.gateway.lane import Lane, Reply, Work
from kefu.gateway.limits import Limits, address_key
from kefu.gateway.origins import OriginRule
from kefu.store.database import Database
from kefu.store.ids import new_id
from kefu.store.queries import conversations, inbox, notes
from kefu.store.rows import iso
from kefu.transport.endpoint import Connection, Handshake
from kefu.wire.agent import (
    AdminAssign,
    AdminAuth,
    AdminAuthedAck,
    AdminClose,
    AdminInbox,
    AdminJoin,
    AdminLeave,
    AdminMessage,
    AdminNote,
    AdminRead,
    AdminReopen,
    AdminSync,
    AdminSyncAck,
    AdminTyping,
    InboxAck,
    JoinAck,
)
from kefu.wire.server import ConversationOpen, MessageHistory, Typing
from kefu.wire.visitor import MessageAck, OkAck

EXPIRY_GRACE_S = 30.0
"""Seconds after a token's end in which its socket still gets events (contract: nothing after expiry + 30 s)."""

INBOX_PAGE_MAX = inbox.PAGE_MAX

Handler = Callable[["AgentSession", list[Any], Reply], Work | None]


class AgentSession:
    """What this process knows of one agent's socket. `agent` is None before a valid token."""

    __slots__ = ("address", "agent", "connection", "lane", "opened_at")

    def __init__(self, connection: Connection, now: float) -> None:
        self.connection = connection
        self.address = address_key(connection.handshake.address)
        self.lane = Lane()
        self.opened_at = now
        self.agent: Agent | None = None


class AgentGateway:
    """Serves `/ws-admin`; an `Endpoint` of the transport.

    Args:
        clock: Seconds since 1970, for tokens' ends and the join deadline.
    """

    def __init__(
        self,
        *,
        database: Database,
        epoch: str,
        authenticator: AgentAuthenticator,
        sender: Sender,
        follower: Follower,
        changer: Changer,
        notes_: NoteWriter,
        reads: ReadMarker,
        publisher: Publisher,
        limits: Limits,
        origins: OriginRule,
        join_deadline_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._epoch = epoch
        self._authenticator = authenticator
        self._sender = sender
        self._follower = follower
        self._changer = changer
        self._notes = notes_
        self._reads = reads
        self._publisher = publisher
        self._limits = limits
        self._origins = origins
        self._join_deadline_s = join_deadline_s
        self._clock = clock
        self._sessions: set[AgentSession] = set()
        self._handlers: dict[str, Handler] = {
            "admin_auth": self._auth,
            "admin_inbox": self._inbox,
            "admin_join": self._join,
            "admin_leave": self._leave,
            "admin_message": self._message,
            "admin_note": self._note,
            "admin_assign": self._assign,
            "admin_close": self._close,
            "admin_reopen": self._reopen,
            "admin_typing": self._typing,
            "admin_read": self._read,
            "admin_sync": self._sync,
        }

    # --- Endpoint ----------------------------------------------------------------------------------------

    def admits_origin(self, handshake: Handshake) -> bool:
        """By `ADMIN_ALLOWED_ORIGINS`."""
        return self._origins.admits(handshake)

    def on_connect(self, connection: Connection, auth: object) -> None:
        """A token in the CONNECT payload counts as an `admin_auth`."""
        session = connection.state = AgentSession(connection, self._clock())
        self._sessions.add(session)
        token = auth.get("token") if isinstance(auth, dict) else None
        if isinstance(token, str) and token:
            reply = Reply(connection.emit, None)
            session.lane.enter(lambda: self._authenticate(session, token, reply), reply)

    def on_event(self, connection: Connection, event: str, args: list[Any], ack: Callable[..., None] | None) -> None:
        """Handles an event in the order of its socket."""
        session = cast("AgentSession", connection.state)
        reply = Reply(connection.emit, ack)
        handler = self._handlers.get(event)
        if handler is None:
            reply.refuse(unknown(event))
        else:
            session.lane.enter(partial(handler, session, args, reply), reply)

    def on_disconnect(self, connection: Connection, reason: str) -> None:  # noqa: ARG002 - nobody is told why
        """Leaves every room."""
        session = cast("AgentSession | None", connection.state)
        if session is not None:
            session.lane.close()
            self._sessions.discard(session)
            self._publisher.rooms.leave_all(connection)

    def close_stale(self) -> None:
        """Closes sockets without a token after the join deadline, and those whose token ended; call it often."""
        now = self._clock()
        for session in list(self._sessions):
            if session.agent is None and now - session.opened_at > self._join_deadline_s:
                session.connection.close(1008, "no token")
            elif session.agent is not None and now > session.agent.expires_at + EXPIRY_GRACE_S:
                session.connection.close(1008, "token expired")

    # --- who -----------------------------------------------------------------------------------------------

    def _auth(self, session: AgentSession, args: list[Any], reply: Reply) -> Work:
        return self._authenticate(session, decode(AdminAuth, args).token, reply)

    async def _authenticate(self, session: AgentSession, token: str, reply: Reply) -> None:
        self._limits.failures.peek(session.address, "too many failed tokens from this address")
        try:
            agent = await self._authenticator.authenticate(token, self._clock())
        except Refusal:
            self._limits.failures.check(session.address)
            raise
        rooms = self._publisher.rooms
        if session.agent is not None and session.agent.id != agent.id:
            rooms.leave_all(session.connection)
        session.agent = agent
        if session.connection.is_open:
            rooms.join(agents_room(agent.site), session.connection)
        expires_at = iso(dt.datetime.fromtimestamp(agent.expires_at, dt.UTC))
        authed = AdminAuthedAck(agent.id, agent.role, expires_at, agent.name)
        session.connection.emit("admin_authed", authed)
        reply.ok(authed)

    def _agent(self, session: AgentSession) -> Agent:
        """The socket's agent.

        Raises:
            Refusal: UNAUTHORIZED without a token, TOKEN_EXPIRED after its end.
        """
        if session.agent is None:
            raise Refusal(ErrorCode.UNAUTHORIZED, "send admin_auth with a valid token first")
        if self._clock() > session.agent.expires_at + EXPIRY_GRACE_S:
            raise Refusal(ErrorCode.TOKEN_EXPIRED, "the token has expired; send admin_auth with a new one")
        return session.agent

    def _writer(self, session: AgentSession) -> Agent:
        """The socket's agent, if they may change anything.

        Raises:
            Refusal: As `_agent`; FORBIDDEN for a viewer.
        """
        agent = self._agent(session)
        if agent.role == "viewer":
            raise Refusal(ErrorCode.FORBIDDEN, "a viewer may only read")
        return agent

    # --- reading -------------------------------------------------------------------------------------------

    async def _inbox(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminInbox, args)
        agent = self._agent(session)
        limit = max(1, min(event.limit, INBOX_PAGE_MAX))
        try:
            async with self._database.engine.connect() as connection:
                mark = await inbox.mark(connection)
                if event.since is not None:
                    page = await inbox.since(connection, agent.site, event.since, limit, cursor=event.cursor)
                else:
                    page = await inbox.page(
                        connection, agent.site, agent.id, event.filter, cursor=event.cursor, limit=limit
                    )
                counts = await inbox.counts(connection, agent.site, agent.id)
        except inbox.BadCursorError as error:
            raise Refusal(ErrorCode.INVALID_INPUT, str(error)) from error
        rows = tuple(self._publisher.with_presence(row) for row in page.rows)
        reply.ok(InboxAck(rows, page.cursor, page.more, since=mark, counts=counts))

    async def _join(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminJoin, args)
        agent = self._agent(session)
        conversation_id = check_conversation_id(event.conversation_id)
        async with self._database.engine.connect() as connection:
            await _exists(connection, conversation_id, agent.site)
        place = None if event.after_seq is None else Place(event.after_seq, event.after_id, event.epoch)

        async def read(connection: AsyncConnection) -> History:
            return await history.read(connection, conversation_id, self._epoch, place=place)

        room = joined_room(conversation_id)
        page = await self._follower.follow(conversation_id, room, session.connection, read)
        async with self._database.engine.connect() as connection:
            found_notes = await notes.newest(connection, conversation_id)
            row = await inbox.one(connection, conversation_id)
        assert row is not None
        reply.ok(
            JoinAck(
                conversation_id=conversation_id,
                status=row.status,
                seq=page.seq,
                epoch=self._epoch,
                messages=page.messages,
                notes=found_notes,
                row=self._publisher.with_presence(row),
                more=page.more,
                reset=page.reset,
            )
        )
        opened = ConversationOpen(conversation_id, row.status, page.seq, self._epoch)
        session.connection.emit("conversation_open", opened)
        if not reply.wanted:
            session.connection.emit("message_history", MessageHistory(conversation_id, page.messages))

    def _leave(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminLeave, args)
        self._agent(session)
        self._publisher.rooms.leave(joined_room(event.conversation_id), session.connection)
        reply.ok(OkAck())

    async def _sync(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminSync, args)
        agent = self._agent(session)
        self._limits.chatter.check(agent.id)
        conversation_id = check_conversation_id(event.conversation_id)
        async with self._database.engine.connect() as connection:
            note_seq = await _exists(connection, conversation_id, agent.site)
            page = await history.read(
                connection,
                conversation_id,
                self._epoch,
                place=None if event.after_seq is None else Place(event.after_seq, event.after_id, None),
                before_seq=event.before_seq,
                limit=event.limit,
            )
            found_notes = (
                ()
                if event.after_note_seq is None
                else await notes.after(connection, conversation_id, event.after_note_seq)
            )
        reply.ok(AdminSyncAck(page.messages, found_notes, page.seq, note_seq, self._epoch, page.more, page.reset))

    # --- writing -------------------------------------------------------------------------------------------

    def _message(self, session: AgentSession, args: list[Any], reply: Reply) -> Work | None:
        event = decode(AdminMessage, args)
        agent = self._writer(session)
        if not reply.wanted and not clean(event.body_text):
            return None  # the older console sends empty texts and expects nothing
        client_id = check_client_id(event.client_id)
        draft = Draft(
            check_conversation_id(event.conversation_id),
            "admin",
            agent.id,
            client_id or new_id(),
            new_id(),
            check_body(event.body_text),
            quick_replies_metadata(event.quick_replies),
        )
        try:
            self._limits.agent_messages.check(agent.id, what="too many messages; wait a moment")
        except Refusal as refusal:
            if client_id is None:
                raise
            return self._repeat(draft, reply, refusal)
        self._sender.send(draft, agent.author, partial(self._answer, draft, reply))
        return None

    async def _repeat(self, draft: Draft, reply: Reply, refusal: Refusal) -> None:
        """Over its rate a message is refused, unless it is stored already: repeats count apart."""
        self._limits.chatter.check(draft.sender_id)
        ack = await self._sender.find_repeat(draft.conversation_id, draft.sender_id, draft.client_id)
        if ack is None:
            raise refusal
        reply.ok(ack)

    def _answer(self, draft: Draft, reply: Reply, answer: MessageAck | Refusal) -> None:
        if isinstance(answer, Refusal):
            reply.refuse(answer)
            return
        if answer.duplicate:
            self._limits.agent_messages.give_back(draft.sender_id)
        reply.ok(answer)

    async def _note(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminNote, args)
        agent = self._writer(session)
        self._limits.agent_messages.check(agent.id, what="too many notes; wait a moment")
        conversation_id = check_conversation_id(event.conversation_id)
        body, client_id = check_body(event.body_text), check_client_id(event.client_id)
        reply.ok(await self._notes.write(conversation_id, agent.id, body, client_id))

    async def _assign(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminAssign, args)
        agent = self._writer(session)
        assignee = agent.id if event.admin_id is None else event.admin_id or None
        await self._changer.assign(check_conversation_id(event.conversation_id), assignee)
        reply.ok(OkAck())

    async def _close(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminClose, args)
        self._writer(session)
        await self._changer.close(check_conversation_id(event.conversation_id))
        reply.ok(OkAck())

    async def _reopen(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminReopen, args)
        self._writer(session)
        await self._changer.reopen(check_conversation_id(event.conversation_id))
        reply.ok(OkAck())

    def _typing(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminTyping, args)
        agent = self._writer(session)
        self._limits.chatter.check(agent.id)
        typing = Typing(event.conversation_id, "admin", event.typing, agent.author, agent.id)
        self._publisher.typing(typing, skip=session.connection)
        reply.ok(OkAck())

    async def _read(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminRead, args)
        agent = self._writer(session)
        self._limits.chatter.check(agent.id)
        await self._reads.by_agent(check_conversation_id(event.conversation_id), agent.id, event.seq)
        reply.ok(OkAck())


async def _exists(connection: AsyncConnection, conversation_id: str, site: str) -> int:
    """The conversation's top note.

    Raises:
        Refusal: CONVERSATION_NOT_FOUND if it is not one of the site's.
    """
    conversation = await conversations.find(connection, conversation_id)
    if conversation is None or conversation.site != site:
        raise Refusal(ErrorCode.CONVERSATION_NOT_FOUND, "there is no such conversation")
    return int(conversation.note_seq)
