"""Tells agents that conversations changed, at most four times a second each.

The first change goes out at once; what follows within 250 ms is told once, as the row stands then. One query a tick
reads every changed row, so the cost does not grow with the messages.
"""

from __future__ import annotations

import asyncio
import logging

from kefu.actions.publish import Publisher, agents_room
from kefu.store.database import UNREACHABLE, Database
from kefu.store.queries import inbox
from kefu.store.tables import DEFAULT_SITE

log = logging.getLogger(__name__)

INTERVAL_MS = 250


class InboxAnnouncer:
    """Collects changed conversations and announces their rows."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self._changed: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def changed(self, conversation_id: str) -> None:
        """A committed change; call it after the commit."""
        if not self._publisher.rooms.members(agents_room(DEFAULT_SITE)):
            return
        self._changed.add(conversation_id)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="inbox announcements")

    async def close(self) -> None:
        """Stops; agents ask for what they missed when they reconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._changed:
                conversation_ids = list(self._changed)
                self._changed.clear()
                await self._announce(conversation_ids)
                await asyncio.sleep(INTERVAL_MS / 1000)
        finally:
            self._task = None

    async def _announce(self, conversation_ids: list[str]) -> None:
        try:
            async with self._database.engine.connect() as connection:
                rows = await inbox.some(connection, conversation_ids)
        except UNREACHABLE as error:
            log.warning("inbox rows of %d conversations not announced: %s", len(conversation_ids), type(error).__name__)
            return
        for site, row in rows:
            self._publisher.inbox_row(site, row)
