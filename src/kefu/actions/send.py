"""Send a message: commit, answer the sender, publish — in this order.

Knows neither sockets nor HTTP: the caller gives a draft that the rules have passed, and a function that takes the
answer.
"""

from __future__ import annotations

from collections.abc import Callable

from kefu import metrics
from kefu.actions.announce import InboxAnnouncer
from kefu.actions.compare import Comparer
from kefu.actions.publish import Publisher
from kefu.chat.messages import Draft
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.store import rows
from kefu.store.append import Appender, QueueFullError
from kefu.store.batch import UNAVAILABLE, Outcome
from kefu.store.database import Database
from kefu.store.queries import messages
from kefu.wire.shapes import Author, Message
from kefu.wire.visitor import MessageAck

RETRY_AFTER_MS = 2000

_COUNTS = {
    (sender, kind): metrics.MESSAGES.cell(sender, kind)
    for sender in ("visitor", "admin", "system")
    for kind in ("stored", "duplicate", "closed", "missing", "invalid", "unavailable")
}

Answer = Callable[[MessageAck | Refusal], None]


class Sender:
    """Sends messages of visitors and agents."""

    def __init__(
        self,
        database: Database,
        appender: Appender,
        publisher: Publisher,
        announcer: InboxAnnouncer,
        comparer: Comparer,
    ) -> None:
        self._database = database
        self._appender = appender
        self._publisher = publisher
        self._announcer = announcer
        self._comparer = comparer

    def send(self, draft: Draft, author: Author | None, answer: Answer) -> None:
        """Queues the draft for the next commit; `answer` is called once, before the sender's own `message_new`.

        Args:
            draft: What `chat.messages` passed.
            author: The agent as others see them; None for a visitor.
            answer: Gets the ack of a stored or repeated message, or a `Refusal`.
        """

        def committed(outcome: Outcome) -> None:
            self._committed(draft, author, answer, outcome)

        try:
            self._appender.submit(draft, committed)
        except QueueFullError:
            _COUNTS[draft.sender_type, UNAVAILABLE.kind].count += 1
            answer(Refusal(ErrorCode.UNAVAILABLE, "too many messages wait for the database", RETRY_AFTER_MS))

    async def find_repeat(self, conversation_id: str, sender_id: str, client_id: str) -> MessageAck | None:
        """The first answer to a message that is stored already; None if it is not."""
        async with self._database.autocommit.connect() as connection:
            found = await messages.by_client_id(connection, conversation_id, sender_id, client_id)
        if found is None:
            return None
        return MessageAck(found.id, conversation_id, found.seq, found.created_at, duplicate=True)

    def _committed(self, draft: Draft, author: Author | None, answer: Answer, outcome: Outcome) -> None:
        _COUNTS[draft.sender_type, outcome.kind].count += 1
        if outcome.kind == "stored":
            created_at = rows.iso_from_ms(outcome.created_at_ms)
            answer(MessageAck(outcome.id, draft.conversation_id, outcome.seq, created_at))
            self._publish(draft, author, outcome, created_at)
        elif outcome.kind == "duplicate":
            created_at = rows.iso_from_ms(outcome.created_at_ms)
            answer(MessageAck(outcome.id, draft.conversation_id, outcome.seq, created_at, duplicate=True))
            self._comparer.soon()
        else:
            answer(_refusal(outcome.kind))

    def _publish(self, draft: Draft, author: Author | None, outcome: Outcome, created_at: str) -> None:
        self._publisher.message(
            Message(
                id=outcome.id,
                conversation_id=draft.conversation_id,
                seq=outcome.seq,
                sender_type=draft.sender_type,
                admin_id=draft.sender_id if draft.sender_type == "admin" else None,
                author=author,
                body_text=draft.body_text,
                metadata_json=draft.metadata,
                created_at=created_at,
                client_id=draft.client_id,
            )
        )
        if outcome.reopened:
            self._announcer.reopened(draft.conversation_id)
        self._announcer.changed(draft.conversation_id)


def _refusal(kind: str) -> Refusal:
    match kind:
        case "closed":
            return Refusal(ErrorCode.CONVERSATION_CLOSED, "the conversation is closed")
        case "missing":
            return Refusal(ErrorCode.CONVERSATION_NOT_FOUND, "there is no such conversation")
        case "invalid":
            return Refusal(ErrorCode.INVALID_INPUT, "the database refuses this message for good")
        case _:
            return Refusal(ErrorCode.UNAVAILABLE, "the database does not answer; send it again", RETRY_AFTER_MS)
