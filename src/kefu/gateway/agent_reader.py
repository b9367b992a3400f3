"""What an agent reads: the inbox, a conversation, what is missing from it.

Knows who asks (`agent_entrance.py`) and which room they hear; changes nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.actions import history
from kefu.actions.follow import Follower
from kefu.actions.history import History, Place
from kefu.actions.publish import Publisher, joined_room
from kefu.chat.messages import check_conversation_id
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.gateway.agent_entrance import AgentEntrance, AgentSession
from kefu.gateway.events import decode
from kefu.gateway.lane import Reply
from kefu.gateway.limits import Limits
from kefu.store.database import Database
from kefu.store.queries import conversations, inbox, notes
from kefu.wire.agent import AdminInbox, AdminJoin, AdminLeave, AdminSync, AdminSyncAck, InboxAck, JoinAck
from kefu.wire.server import ConversationOpen, MessageHistory
from kefu.wire.visitor import OkAck


class AgentReader:
    """Answers agents' questions."""

    def __init__(
        self,
        *,
        database: Database,
        epoch: str,
        entrance: AgentEntrance,
        follower: Follower,
        publisher: Publisher,
        limits: Limits,
    ) -> None:
        self._database = database
        self._epoch = epoch
        self._entrance = entrance
        self._follower = follower
        self._publisher = publisher
        self._limits = limits

    async def inbox(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        """`admin_inbox`: a page of a tab, or what changed since a mark."""
        event = decode(AdminInbox, args)
        agent = self._entrance.agent(session)
        limit = max(1, min(event.limit, inbox.PAGE_MAX))
        try:
            async with self._database.autocommit.connect() as connection:
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

    async def join(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        """`admin_join`: the conversation as it stands, and everything in it from now on."""
        event = decode(AdminJoin, args)
        agent = self._entrance.agent(session)
        conversation_id = check_conversation_id(event.conversation_id)
        async with self._database.autocommit.connect() as connection:
            await _exists(connection, conversation_id, agent.site)
        place = None if event.after_seq is None else Place(event.after_seq, event.after_id, event.epoch)

        async def read(connection: AsyncConnection) -> History:
            return await history.read(connection, conversation_id, self._epoch, place=place)

        room = joined_room(conversation_id)
        page = await self._follower.follow(conversation_id, room, session.connection, read)
        async with self._database.autocommit.connect() as connection:
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

    def leave(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        """`admin_leave`: no more of the conversation than its row."""
        event = decode(AdminLeave, args)
        self._entrance.agent(session)
        self._publisher.rooms.leave(joined_room(event.conversation_id), session.connection)
        reply.ok(OkAck())

    async def sync(self, session: AgentSession, args: list[Any], reply: Reply) -> None:
        """`admin_sync`: what is missing, or older pages."""
        event = decode(AdminSync, args)
        agent = self._entrance.agent(session)
        self._limits.chatter.check(agent.id)
        conversation_id = check_conversation_id(event.conversation_id)
        async with self._database.autocommit.connect() as connection:
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


async def _exists(connection: AsyncConnection, conversation_id: str, site: str) -> int:
    """The conversation's top note.

    Raises:
        Refusal: CONVERSATION_NOT_FOUND if it is not one of the site's.
    """
    conversation = await conversations.find(connection, conversation_id)
    if conversation is None or conversation.site != site:
        raise Refusal(ErrorCode.CONVERSATION_NOT_FOUND, "there is no such conversation")
    return int(conversation.note_seq)
