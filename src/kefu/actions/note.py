"""Write a private note: decide, commit, answer the writer, publish to agents only."""

from __future__ import annotations

from collections.abc import Callable

from kefu.actions.announce import InboxAnnouncer
from kefu.actions.publish import Publisher
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.store.database import Database
from kefu.store.queries import conversations, notes
from kefu.wire.agent import NoteAck
from kefu.wire.shapes import Note


class NoteWriter:
    """Writes notes."""

    def __init__(self, database: Database, publisher: Publisher, announcer: InboxAnnouncer) -> None:
        self._database = database
        self._publisher = publisher
        self._announcer = announcer

    async def write(
        self,
        conversation_id: str,
        agent_id: str,
        body_text: str,
        client_id: str | None,
        *,
        answer: Callable[[NoteAck], None],
    ) -> None:
        """Stores a note once per client id; a repeat gets the first answer.

        Args:
            conversation_id: Where it belongs.
            agent_id: Who writes.
            body_text: Cleaned.
            client_id: The writer's id of it, if they gave one.
            answer: Called once when it is stored, before the writer's own `note_new`.

        Raises:
            Refusal: CONVERSATION_NOT_FOUND.
        """
        async with self._database.engine.begin() as connection:
            if await conversations.find(connection, conversation_id, lock=True) is None:
                raise Refusal(ErrorCode.CONVERSATION_NOT_FOUND, "there is no such conversation")
            if client_id is not None:
                first = await notes.by_client_id(connection, conversation_id, agent_id, client_id)
                if first is not None:
                    answer(_ack(first, duplicate=True))
                    return
            note = await notes.add(
                connection, conversation_id, agent_id=agent_id, client_id=client_id, body_text=body_text
            )
        answer(_ack(note, duplicate=False))
        self._publisher.note(note)
        self._announcer.changed(conversation_id)

    async def find_repeat(self, conversation_id: str, agent_id: str, client_id: str) -> NoteAck | None:
        """The first answer to a note that is stored already; None if it is not."""
        async with self._database.autocommit.connect() as connection:
            first = await notes.by_client_id(connection, conversation_id, agent_id, client_id)
        return None if first is None else _ack(first, duplicate=True)


def _ack(note: Note, *, duplicate: bool) -> NoteAck:
    return NoteAck(note.id, note.conversation_id, note.note_seq, note.created_at, duplicate=duplicate)
