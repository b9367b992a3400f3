"""Shuts disabled agents out of the sockets they have open, on this node; every node does the same.

The database says who is disabled. It is asked about the agents who are connected here, once a second and whenever
another node or a command says that there is something to ask for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from kefu.gateway.agent_entrance import AgentEntrance
from kefu.store.database import UNREACHABLE, Database
from kefu.store.queries import agents

log = logging.getLogger(__name__)

INTERVAL_S = 1.0
PAUSE_S = 0.1
"""Between two questions, however often somebody asks for one."""


class Revoker:
    """Watches the agents who are connected to this node."""

    def __init__(self, database: Database, entrance: AgentEntrance) -> None:
        self._database = database
        self._entrance = entrance
        self._wake = asyncio.Event()

    def soon(self) -> None:
        """Asks now instead of at the next interval."""
        self._wake.set()

    async def run(self) -> None:
        """Asks until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.check()
            except UNREACHABLE as error:
                log.warning("disabled agents not looked for: %s", type(error).__name__)
            await asyncio.sleep(PAUSE_S)

    async def check(self) -> None:
        """Closes the sockets of disabled agents.

        Raises:
            UNREACHABLE: If the database does not answer.
        """
        connected = self._entrance.connected_agents()
        if not connected:
            return
        async with self._database.autocommit.connect() as connection:
            disabled = await agents.disabled_among(connection, connected)
        if disabled:
            self._entrance.close_agents(disabled)
