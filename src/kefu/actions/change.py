"""Assign, close, reopen: what changes a conversation's row and nothing else. Decide, commit, publish.

Each locks the row first, so that two agents who act at once are served one after the other.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.actions.announce import InboxAnnouncer
from kefu.actions.publish import Publisher
from kefu.chat.messages import is_id
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.store import rows
from kefu.store.database import Database
from kefu.store.queries import agents, conversations


class Changer:
    """Changes conversations for agents."""

    def __init__(self, database: Database, publisher: Publisher, announcer: InboxAnnouncer) -> None:
        self._database = database
        self._publisher = publisher
        self._announcer = announcer

    async def assign(self, conversation_id: str, agent_id: str | None) -> None:
        """Assigns to an agent, or to nobody.

        Raises:
            Refusal: CONVERSATION_NOT_FOUND; INVALID_INPUT if there is no such agent or it is disabled.
        """
        async with self._database.engine.begin() as connection:
            await _locked(connection, conversation_id)
            if agent_id is not None:
                agent = await agents.get(connection, agent_id) if is_id(agent_id) else None
                if agent is None or agent.disabled:
                    raise Refusal(ErrorCode.INVALID_INPUT, "adminId is no active agent")
            await conversations.set_assignee(connection, conversation_id, agent_id)
            changed = await _locked(connection, conversation_id)
        self._tell(changed)

    async def close(self, conversation_id: str) -> None:
        """Closes; a closed one stays as it is.

        Raises:
            Refusal: CONVERSATION_NOT_FOUND.
        """
        async with self._database.engine.begin() as connection:
            conversation = await _locked(connection, conversation_id)
            if conversation.status != "closed":
                await conversations.set_closed(connection, conversation_id)
            changed = await _locked(connection, conversation_id)
        self._tell(changed)

    async def reopen(self, conversation_id: str) -> None:
        """Opens a closed conversation again.

        Raises:
            Refusal: CONVERSATION_NOT_FOUND; CONFLICT if its visitor has another open one.
        """
        try:
            async with self._database.engine.begin() as connection:
                conversation = await _locked(connection, conversation_id)
                if conversation.status == "closed":
                    await conversations.set_open(connection, conversation_id)
                changed = await _locked(connection, conversation_id)
        except sa.exc.IntegrityError as error:
            raise Refusal(ErrorCode.CONFLICT, "the visitor has another open conversation") from error
        self._tell(changed)

    def _tell(self, changed: sa.Row[Any]) -> None:
        self._publisher.visitor_update(rows.visitor_update(changed))
        self._announcer.changed(changed.id)


async def _locked(connection: AsyncConnection, conversation_id: str) -> sa.Row[Any]:
    conversation = await conversations.find(connection, conversation_id, lock=True)
    if conversation is None:
        raise Refusal(ErrorCode.CONVERSATION_NOT_FOUND, "there is no such conversation")
    return conversation
