"""What visitors here were last told of how their conversation stands: status, agent, how far each side has read.

Messages have their `seq`, agents' rows their version; this is the same for what a visitor sees beside messages, so that
a change that was lost between commit and publish is found (`actions/compare.py`). Knows no sockets, asks no database.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa

from kefu.store import rows
from kefu.store.queries.hello import Opened
from kefu.wire.server import ConversationUpdate, Read
from kefu.wire.shapes import Author, Status


class Standing(NamedTuple):
    """How a conversation stands, as its visitor may know it."""

    status: Status
    agent: Author | None
    visitor_read_seq: int
    agent_read_seq: int


def standing(conversation: sa.Row[Any] | Opened) -> Standing:
    """A row of `queries.conversations.find`."""
    return Standing(
        conversation.status,
        rows.visitor_update(conversation).agent,
        conversation.visitor_read_seq,
        conversation.agent_read_seq,
    )


class Standings:
    """The standings that were told, of conversations whose visitor has a socket here.

    Attributes:
        unsettled: Conversations to be compared whether they were written lately or not: what a hello's answer said was
            read before its socket heard anything.
    """

    def __init__(self) -> None:
        self.unsettled: set[str] = set()
        self._told: dict[str, Standing | None] = {}

    def of(self, conversation_id: str) -> Standing | None:
        """What was told last; None: not all sockets were told the same, or nobody was told."""
        return self._told.get(conversation_id)

    def greeted(self, conversation_id: str, standing: Standing, *, is_first: bool) -> None:
        """A socket was told in the answer to its hello; `is_first`: no other socket follows the conversation."""
        self.unsettled.add(conversation_id)
        if is_first or conversation_id not in self._told:
            self._told[conversation_id] = standing
        elif self._told[conversation_id] != standing:
            self._told[conversation_id] = None

    def updated(self, update: ConversationUpdate) -> None:
        """All sockets were told the status and the agent."""
        told = self._told.get(update.conversation_id)
        if told is not None:
            self._told[update.conversation_id] = told._replace(status=update.status, agent=update.agent)

    def read(self, read: Read) -> None:
        """All sockets were told how far one side has read."""
        told = self._told.get(read.conversation_id)
        if told is not None:
            mark = "visitor_read_seq" if read.sender_type == "visitor" else "agent_read_seq"
            self._told[read.conversation_id] = told._replace(**{mark: max(getattr(told, mark), read.seq)})

    def corrected(self, conversation_id: str, standing: Standing) -> None:
        """All sockets were told everything."""
        self._told[conversation_id] = standing

    def forget(self, is_needed: Callable[[str], bool]) -> None:
        """Keeps the conversations that are still needed."""
        for conversation_id in [known for known in self._told if not is_needed(known)]:
            del self._told[conversation_id]
