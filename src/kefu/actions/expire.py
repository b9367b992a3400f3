"""Delete conversations that never got a message (contract section 4, promise 7)."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging

from kefu.store.database import UNREACHABLE, Database
from kefu.store.queries import conversations

log = logging.getLogger(__name__)

EMPTY_AGE_MAX = dt.timedelta(hours=24)
INTERVAL_S = 3600.0
BATCH_MAX = 1000


async def expire_empty(database: Database) -> int:
    """Deletes what is older than 24 hours; returns how many conversations went."""
    total = 0
    while True:
        async with database.engine.begin() as connection:
            gone = await conversations.delete_empty(connection, EMPTY_AGE_MAX, BATCH_MAX)
        total += gone
        if gone < BATCH_MAX:
            return total


async def run(database: Database) -> None:
    """Deletes once an hour until cancelled."""
    while True:
        try:
            gone = await expire_empty(database)
            if gone:
                log.info("deleted %d conversations without a message", gone)
        except UNREACHABLE as error:
            log.warning("empty conversations not deleted: %s", type(error).__name__)
        await asyncio.sleep(INTERVAL_S)
