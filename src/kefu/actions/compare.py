"""Finds what the database has beyond what was announced here, and announces it (contract section 4, promise 4).

Fan-out is a hint that may be lost: a process can die between commit and publish, another node may have committed.
Every 5 s one query compares the tops of the conversations that local sockets follow.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from kefu.actions.announce import InboxAnnouncer
from kefu.actions.publish import Publisher
from kefu.store.database import UNREACHABLE, Database
from kefu.store.queries import conversations, messages
from kefu.wire.shapes import Message

log = logging.getLogger(__name__)

INTERVAL_S = 5.0
ANNOUNCED_MAX = 50
"""Messages announced one by one; of a longer gap only the newest is, and clients see the hole and ask."""


class Comparer:
    """Compares announced tops with the database."""

    def __init__(self, database: Database, publisher: Publisher, announcer: InboxAnnouncer) -> None:
        self._database = database
        self._publisher = publisher
        self._announcer = announcer
        self._wake = asyncio.Event()

    def soon(self) -> None:
        """Compares now instead of at the next interval; cheap to call often."""
        self._wake.set()

    async def run(self) -> None:
        """Compares until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), INTERVAL_S)
            self._wake.clear()
            try:
                await self.compare()
            except UNREACHABLE as error:
                log.warning("tops not compared: %s", type(error).__name__)

    async def compare(self) -> None:
        """Compares once.

        Raises:
            UNREACHABLE: If the database does not answer.
        """
        tops = self._publisher.tops
        for conversation_id in [known for known in tops if not self._publisher.is_followed(known)]:
            del tops[conversation_id]
        if not tops:
            return
        async with self._database.engine.connect() as connection:
            for conversation_id, seq in (await conversations.tops(connection, list(tops))).items():
                behind = tops.get(conversation_id, seq)
                if behind < seq:
                    page = await messages.after(connection, conversation_id, behind, ANNOUNCED_MAX)
                    found = page.messages
                    if page.more:
                        found = (await messages.newest(connection, conversation_id, 1)).messages
                    self._announce(conversation_id, found)

    def _announce(self, conversation_id: str, found: tuple[Message, ...]) -> None:
        for message in found:
            # A publish may have come first while the query ran; clients drop what they have, this spares the bytes.
            if self._publisher.tops.get(conversation_id, message.seq) < message.seq:
                self._publisher.message(message)
        self._announcer.changed(conversation_id)
