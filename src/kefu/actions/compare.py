"""Finds what the database has beyond what was announced here, and announces it (contract section 4, promise 4).

Fan-out is a hint that may be lost: a process can die between commit and publish, another node may have committed, the
bus or the database may have been away. Every 5 s one query compares the tops of the conversations that local sockets
follow, one how those written since the last time stand with what their visitors were told, and one the versions of
inbox rows written since then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.actions.announce import InboxAnnouncer
from kefu.actions.publish import Publisher
from kefu.actions.standing import standing
from kefu.store import rows
from kefu.store.database import UNREACHABLE, Database
from kefu.store.queries import conversations, inbox, messages
from kefu.store.tables import DEFAULT_SITE
from kefu.wire.encoded import encode_message
from kefu.wire.shapes import Message

log = logging.getLogger(__name__)

INTERVAL_S = 5.0
RETRY_INTERVAL_S = 1.0
"""Between two attempts while the database is away, so that what it has is announced soon after it is back."""
ANNOUNCED_MAX = 50
"""Messages announced one by one; of a longer gap only the newest is, and clients see the hole and ask."""
ROWS_MAX = 1000
"""Inbox rows looked at in one query."""
PUBLISH_GRACE_S = 0.2
"""Between a commit and its publish on this node, at most, while all is well."""


class Comparer:
    """Compares what was announced with the database; hears of gaps from the publisher."""

    def __init__(self, database: Database, publisher: Publisher, announcer: InboxAnnouncer) -> None:
        self._database = database
        self._publisher = publisher
        self._announcer = announcer
        self._wake = asyncio.Event()
        self._asked: set[str] = set()
        self._everything = True
        self._mark: str | None = None
        publisher.deliver.on_gap = self.gap

    def soon(self) -> None:
        """Compares everything now instead of at the next interval; cheap to call often."""
        self._everything = True
        self._wake.set()

    def gap(self, conversation_id: str) -> None:
        """Compares one conversation now."""
        self._asked.add(conversation_id)
        self._wake.set()

    async def run(self) -> None:
        """Compares until cancelled."""
        wait_s = 0.0
        while True:
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                self._everything = True
            self._wake.clear()
            asked, self._asked = self._asked, set()
            try:
                if self._everything:
                    self._everything = False
                    await self.compare()
                else:
                    await self._compare_tops(asked & self._publisher.tops.keys())
                wait_s = INTERVAL_S
            except UNREACHABLE as error:
                log.warning("tops not compared: %s", type(error).__name__)
                self._everything = True
                wait_s = RETRY_INTERVAL_S

    async def compare(self) -> None:
        """Compares everything once.

        Raises:
            UNREACHABLE: If the database does not answer.
        """
        tops = self._publisher.tops
        for conversation_id in [known for known in tops if not self._publisher.is_followed(known)]:
            del tops[conversation_id]
        self._publisher.deliver.standings.forget(self._publisher.deliver.has_visitor)
        await self._compare_tops(tops.keys())
        await self._compare_written()

    async def _compare_tops(self, conversation_ids: Collection[str]) -> None:
        if not conversation_ids:
            return
        tops = self._publisher.tops
        async with self._database.autocommit.connect() as connection:
            for conversation_id, seq in (await conversations.tops(connection, list(conversation_ids))).items():
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
                self._publisher.deliver.announce(encode_message(message))
        self._announcer.heard([conversation_id])

    async def _compare_written(self) -> None:
        """Tells visitors and agents of what was written since the last time and what they have not heard of.

        The mark is kept without anybody here too, so that who comes between two comparisons misses nothing.
        """
        async with self._database.autocommit.connect() as connection:
            mark = await inbox.mark(connection)
            if self._mark is not None and self._announcer.has_agents:
                await self._announce_rows(connection, self._mark)
        if self._mark is not None:
            standings = self._publisher.deliver.standings
            unsettled, standings.unsettled = standings.unsettled, set()
            try:
                await self._compare_standings(self._mark, unsettled)
            except UNREACHABLE:
                standings.unsettled |= unsettled
                raise
        self._mark = mark
        versions = self._announcer.versions
        for conversation_id in [known for known, version in versions.items() if version < int(mark)]:
            del versions[conversation_id]

    async def _compare_standings(self, since: str, unsettled: set[str]) -> None:
        """Tells visitors how their conversation stands, where a publish was lost and is not merely under way."""
        deliver, standings = self._publisher.deliver, self._publisher.deliver.standings
        ids = [known for known in self._publisher.tops if deliver.has_visitor(known)]
        for is_last in (False, True):
            if not ids:
                return
            told = {conversation_id: standings.of(conversation_id) for conversation_id in ids}
            async with self._database.autocommit.connect() as connection:
                found = await conversations.written(connection, ids, int(since), also=list(unsettled))
            # What was told while the query ran may be newer than what it found.
            changed = [row.id for row in found if standings.of(row.id) is not told[row.id]]
            behind = [row for row in found if row.id not in changed and told[row.id] != standing(row)]
            if is_last:
                for row in behind:
                    if deliver.has_visitor(row.id):
                        deliver.correct(rows.visitor_update(row), standing(row))
                standings.unsettled.update(changed)
            elif ids := changed + [row.id for row in behind]:
                await asyncio.sleep(PUBLISH_GRACE_S)

    async def _announce_rows(self, connection: AsyncConnection, since: str) -> None:
        versions = self._announcer.versions
        start = int(since)
        while True:
            found = await inbox.versions(connection, DEFAULT_SITE, start, ROWS_MAX)
            self._announcer.heard([row for row, version in found if versions.get(row, 0) < version])
            if len(found) < ROWS_MAX:
                return
            start = found[-1][1] + 1
