"""Agents' sockets, `/ws-admin`: each event is checked, made a command, and answered (contract section 3).

A socket joins nothing and receives nothing before a valid token. Who may do what is decided here, what it means in
`actions/`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from kefu.actions.change import Changer
from kefu.actions.note import NoteWriter
from kefu.actions.publish import Publisher
from kefu.actions.read import ReadMarker
from kefu.actions.send import Sender
from kefu.chat.messages import Draft, check_body, check_client_id, check_conversation_id, quick_replies_metadata
from kefu.chat.refusals import Refusal
from kefu.chat.text import clean
from kefu.gateway.agent_entrance import AgentEntrance, AgentSession
from kefu.gateway.agent_reader import AgentReader
from kefu.gateway.events import decode, unknown
from kefu.gateway.lane import Reply, Work
from kefu.gateway.limits import Limits
from kefu.gateway.origins import OriginRule
from kefu.store.ids import new_id
from kefu.transport.endpoint import Connection, Handshake
from kefu.wire.agent import (
    AdminAssign,
    AdminClose,
    AdminMessage,
    AdminNote,
    AdminRead,
    AdminReopen,
    AdminTyping,
    NoteAck,
)
from kefu.wire.server import Typing
from kefu.wire.visitor import MessageAck, OkAck

Handler = Callable[[AgentSession, list[Any], Reply], Work | None]


class AgentGateway:
    """Serves `/ws-admin`; an `Endpoint` of the transport."""

    def __init__(
        self,
        *,
        entrance: AgentEntrance,
        reader: AgentReader,
        sender: Sender,
        changer: Changer,
        notes: NoteWriter,
        reads: ReadMarker,
        publisher: Publisher,
        limits: Limits,
        origins: OriginRule,
    ) -> None:
        self._entrance = entrance
        self._sender = sender
        self._changer = changer
        self._notes = notes
        self._reads = reads
        self._publisher = publisher
        self._limits = limits
        self._origins = origins
        self._handlers: dict[str, Handler] = {
            "admin_auth": entrance.auth,
            "admin_inbox": reader.inbox,
            "admin_join": reader.join,
            "admin_leave": reader.leave,
            "admin_message": self._message,
            "admin_note": self._note,
            "admin_assign": self._assign,
            "admin_close": self._close,
            "admin_reopen": self._reopen,
            "admin_typing": self._typing,
            "admin_read": self._read,
            "admin_sync": reader.sync,
        }

    # --- Endpoint ----------------------------------------------------------------------------------------

    def admits_origin(self, handshake: Handshake) -> bool:
        """By `ADMIN_ALLOWED_ORIGINS`."""
        return self._origins.admits(handshake)

    def on_connect(self, connection: Connection, auth: object) -> None:
        """A token in the CONNECT payload counts as an `admin_auth`."""
        session = connection.state = self._entrance.open(connection)
        token = auth.get("token") if isinstance(auth, dict) else None
        if isinstance(token, str) and token:
            reply = Reply(connection.emit, None)
            session.lane.enter(lambda: self._entrance.authenticate(session, token, reply), reply)

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
            self._entrance.close(session)

    # --- writing -------------------------------------------------------------------------------------------

    def _message(self, session: AgentSession, args: list[Any], reply: Reply) -> Work | None:
        event = decode(AdminMessage, args)
        agent = self._entrance.writer(session)
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
        agent = self._entrance.writer(session)
        conversation_id = check_conversation_id(event.conversation_id)
        body, client_id = check_body(event.body_text), check_client_id(event.client_id)
        try:
            self._limits.agent_messages.check(agent.id, what="too many notes; wait a moment")
        except Refusal:
            # As with messages: over the rate a note is refused, unless it is stored already.
            self._limits.chatter.check(agent.id)
            first = client_id and await self._notes.find_repeat(conversation_id, agent.id, client_id)
            if not first:
                raise
            reply.ok(first)
            return

        def answer(ack: NoteAck) -> None:
            if ack.duplicate:
                self._limits.agent_messages.give_back(agent.id)
            reply.ok(ack)

        await self._notes.write(conversation_id, agent.id, body, client_id, answer=answer)

    async def _assign(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminAssign, args)
        agent = self._entrance.writer(session)
        assignee = agent.id if event.admin_id is None else event.admin_id or None
        await self._changer.assign(check_conversation_id(event.conversation_id), assignee)
        reply.ok(OkAck())

    async def _close(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminClose, args)
        self._entrance.writer(session)
        await self._changer.close(check_conversation_id(event.conversation_id))
        reply.ok(OkAck())

    async def _reopen(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminReopen, args)
        self._entrance.writer(session)
        await self._changer.reopen(check_conversation_id(event.conversation_id))
        reply.ok(OkAck())

    def _typing(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminTyping, args)
        agent = self._entrance.writer(session)
        self._limits.chatter.check(agent.id)
        conversation_id = check_conversation_id(event.conversation_id)
        typing = Typing(conversation_id, "admin", event.typing, agent.author, agent.id)
        self._publisher.typing(typing, skip=session.connection)
        reply.ok(OkAck())

    async def _read(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        event = decode(AdminRead, args)
        agent = self._entrance.writer(session)
        self._limits.chatter.check(agent.id)
        await self._reads.by_agent(check_conversation_id(event.conversation_id), agent.id, event.seq)
        reply.ok(OkAck())
