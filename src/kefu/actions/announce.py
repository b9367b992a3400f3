"""Tells agents that conversations changed, at most four times a second each.

The first change goes out at once; what follows within 250 ms is told once, as the row stands then. One query a tick
reads every changed row, so the cost does not grow with the messages. Other nodes hear which conversations changed, and
read the rows themselves: a row that travelled could be overtaken by a newer one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from kefu.actions.publish import Publisher, agents_room
from kefu.store import rows
from kefu.store.database import UNREACHABLE, Database
from kefu.store.queries import conversations, inbox
from kefu.store.tables import DEFAULT_SITE

log = logging.getLogger(__name__)

INTERVAL_MS_MIN = 250
INTERVAL_MS_MAX = 4000
ROWS_PER_SECOND = 200
"""Where more change at once, the interval grows: an inbox that moves faster helps no one, and rows are not free."""


class InboxAnnouncer:
    """Collects changed conversations and announces their rows.

    Attributes:
        versions: The version of each row as it was last announced here; `actions/compare.py` forgets old ones.
    """

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self.versions: dict[str, int] = {}
        self._database = database
        self._publisher = publisher
        self._changed: set[str] = set()
        self._heard: set[str] = set()
        self._reopened: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def has_agents(self) -> bool:
        """Whether anybody here would hear an announcement."""
        return bool(self._publisher.rooms.members(agents_room(DEFAULT_SITE)))

    def changed(self, conversation_id: str) -> None:
        """A committed change; call it after the commit."""
        if self._publisher.bus.is_alone and not self.has_agents:
            return
        self._changed.add(conversation_id)
        self._start()

    def heard(self, conversation_ids: Iterable[str]) -> None:
        """Changes that other nodes committed, or that were found in the database: they are told to this node only."""
        if self.has_agents:
            self._heard.update(conversation_ids)
            self._start()

    def reopened(self, conversation_id: str) -> None:
        """A visitor's message opened their conversation again; they hear it with the agent who serves them."""
        self._reopened.add(conversation_id)
        self._start()

    async def close(self) -> None:
        """Stops; agents ask for what they missed when they reconnect."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _start(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="inbox announcements")

    async def _run(self) -> None:
        try:
            while self._changed or self._heard or self._reopened:
                changed, self._changed = self._changed, set()
                heard, self._heard = self._heard, set()
                reopened, self._reopened = self._reopened, set()
                self._publisher.changed(DEFAULT_SITE, list(changed))
                await self._announce(list(changed | heard) if self.has_agents else [], reopened)
                interval_ms = (len(changed) + len(heard)) * 1000 / ROWS_PER_SECOND
                await asyncio.sleep(min(max(interval_ms, INTERVAL_MS_MIN), INTERVAL_MS_MAX) / 1000)
        finally:
            self._task = None

    async def _announce(self, changed: list[str], reopened: set[str]) -> None:
        if not changed and not reopened:
            return
        try:
            for conversation_id in reopened:
                async with self._database.autocommit.connect() as connection:
                    conversation = await conversations.find(connection, conversation_id)
                if conversation is not None:
                    self._publisher.visitor_update(rows.visitor_update(conversation))
            for site, version, row in await inbox.some(self._database, changed) if changed else ():
                self.versions[row.conversation_id] = version
                self._publisher.inbox_row(site, row)
        except UNREACHABLE as error:
            log.warning("changes of %d conversations not announced: %s", len(changed), type(error).__name__)
