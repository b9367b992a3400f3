"""Mark as read: how far each side has seen the conversation."""

from __future__ import annotations

from kefu.actions.announce import InboxAnnouncer
from kefu.actions.publish import Publisher
from kefu.store.database import Database
from kefu.store.queries import conversations
from kefu.wire.server import Read

SEQ_MAX = 2**31 - 1


class ReadMarker:
    """Moves read marks; they only move forward."""

    def __init__(self, database: Database, publisher: Publisher, announcer: InboxAnnouncer) -> None:
        self._database = database
        self._publisher = publisher
        self._announcer = announcer

    async def by_visitor(self, conversation_id: str, seq: int) -> None:
        """The visitor has seen everything up to `seq`."""
        async with self._database.engine.begin() as connection:
            mark = await conversations.mark_read_by_visitor(connection, conversation_id, min(seq, SEQ_MAX))
        if mark is not None:
            self._publisher.read(Read(conversation_id, "visitor", mark))
            self._announcer.changed(conversation_id)

    async def by_agent(self, conversation_id: str, agent_id: str, seq: int) -> None:
        """An agent has seen everything up to `seq`, and so have the agents."""
        async with self._database.engine.begin() as connection:
            mark = await conversations.mark_read_by_agents(connection, conversation_id, min(seq, SEQ_MAX))
        if mark is not None:
            self._publisher.read(Read(conversation_id, "admin", mark, agent_id))
            self._announcer.changed(conversation_id)
