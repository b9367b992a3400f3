"""The hot path of the store: drafts of many sockets, one commit, an outcome each (group commit).

One flight a process: while a commit is under way the next batch collects, so order within a socket is the order sent
and nothing waits for a timer unless the processor is short (`crowding.py`). Outcomes are told while PostgreSQL works at
the next batch, so neither waits for the other. The call itself is `queries/append.py`.

After an error of unknown outcome (connection lost, timeout) the same batch runs again on a new connection until each
draft's deadline; client ids make that harmless, and a draft that finds itself stored was. A statement error is
bisected: one poisoned draft fails alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import time
from collections import deque
from collections.abc import Callable

import asyncpg

from kefu import metrics
from kefu.chat.messages import Draft
from kefu.store.batch import INVALID, UNAVAILABLE, Outcome, Waiting, take_batch
from kefu.store.crowding import Crowding
from kefu.store.database import CONNECT_TIMEOUT_S
from kefu.store.queries.append import append

log = logging.getLogger(__name__)

RETRY_DELAY_MS_MIN = 50
RETRY_DELAY_MS_MAX = 1000
UNREAD_SHARE = 0.75
"""Of a pause, how much of it the event loop sleeps as a whole."""

# Errors that say something of a draft, not of the server or the moment: data (22), constraints (23), values that the
# driver cannot encode. All others leave the outcome unknown or may pass.
_STATEMENT_ERRORS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError, TypeError)


class QueueFullError(RuntimeError):
    """More drafts wait than `queue_max`; the sender should try again later."""


class Appender:
    """Appends messages for one process.

    Args:
        url: The database.
        reopen: How long after its close a visitor's message reopens a conversation.
        batch_max: Most drafts in one commit.
        queue_max: Drafts that may wait.
        deadline_ms: How long a draft whose outcome is unknown is tried again.
        crowding: Says when commits should be larger.
    """

    def __init__(
        self,
        url: str,
        *,
        reopen: dt.timedelta,
        batch_max: int = 512,
        queue_max: int = 20_000,
        deadline_ms: int = 10_000,
        crowding: Crowding | None = None,
    ) -> None:
        self._url = url
        self._reopen = reopen
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._deadline_s = deadline_ms / 1000
        self._crowding = crowding or Crowding()
        self._queue: deque[Waiting] = deque()
        self._flight: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._closed = False

    def submit(self, draft: Draft, done: Callable[[Outcome], None]) -> None:
        """Queues a draft; `done` is called once, on the event loop, in the order of the commit.

        Raises:
            QueueFullError: If too many wait already, or the appender is closed.
        """
        if self._closed or len(self._queue) >= self._queue_max:
            raise QueueFullError
        self._queue.append(Waiting(draft, done, time.monotonic() + self._deadline_s))
        if self._flight is None:
            self._flight = asyncio.get_running_loop().create_task(self._fly(), name="append")

    @property
    def waiting(self) -> int:
        """Drafts that no commit has taken yet."""
        return len(self._queue)

    async def close(self) -> None:
        """Lets everything that was submitted come to its outcome, then gives the connection back."""
        self._closed = True
        if self._flight is not None:
            await self._flight
        await self._disconnect()

    async def _fly(self) -> None:
        """Commits batch after batch: while the outcomes of one are told, PostgreSQL has the next."""
        outcomes: list[tuple[Waiting, Outcome]] = []
        try:
            while self._queue or outcomes:
                if outcomes and self._queue and (pause_s := self._crowding.pause_s()):
                    metrics.APPEND_PAUSES.add()
                    _tell_all(outcomes)
                    outcomes = []
                    await _pause(pause_s)
                batch, expired = self._without_expired(take_batch(self._queue, self._batch_max))
                outcomes += expired
                work = self._append(batch)
                commit = (
                    asyncio.get_running_loop().create_task(work, name="append batch") if batch and outcomes else None
                )
                if commit is not None:
                    await asyncio.sleep(0)  # the batch is on its way
                _tell_all(outcomes)
                outcomes = await (commit or work)
        finally:
            self._flight = None

    async def _append(self, batch: list[Waiting]) -> list[tuple[Waiting, Outcome]]:
        """Brings every draft of the batch to its outcome; only those that expire meanwhile are told here."""
        delay_ms = RETRY_DELAY_MS_MIN
        while batch:
            try:
                return list(zip(batch, await self._commit(batch), strict=True))
            except _STATEMENT_ERRORS as error:
                if len(batch) > 1:
                    middle = len(batch) // 2
                    return await self._append(batch[:middle]) + await self._append(batch[middle:])
                if not isinstance(error, asyncpg.UniqueViolationError):
                    # The error's own words may repeat the message.
                    log.error("the database refuses a message for good: %s", type(error).__name__)  # noqa: TRY400
                    return [(batch[0], INVALID)]
                # Another transaction opened the visitor's one open conversation first; now it can be seen.
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody may be left without an outcome
                metrics.APPEND_FAILURES.add()
                log.warning("append of %d messages failed, trying again: %s", len(batch), type(error).__name__)
                await self._disconnect()
            batch, expired = self._without_expired(batch)
            _tell_all(expired)
            await asyncio.sleep(delay_ms / 1000)
            delay_ms = min(delay_ms * 2, RETRY_DELAY_MS_MAX)
        return []

    def _without_expired(self, batch: list[Waiting]) -> tuple[list[Waiting], list[tuple[Waiting, Outcome]]]:
        now = time.monotonic()
        return (
            [waiting for waiting in batch if waiting.deadline > now],
            [(waiting, UNAVAILABLE) for waiting in batch if waiting.deadline <= now],
        )

    async def _commit(self, batch: list[Waiting]) -> list[Outcome]:
        connection = await self._connected()
        drafts = [waiting.draft for waiting in batch]
        began = time.perf_counter()
        outcomes = await append(connection, drafts, self._reopen, timeout_s=self._deadline_s)
        metrics.APPEND_SECONDS.observe(time.perf_counter() - began)
        metrics.APPEND_BATCH.observe(len(batch))
        return outcomes

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._url,
                timeout=min(CONNECT_TIMEOUT_S, self._deadline_s),
                server_settings={"application_name": "kefu append"},
            )
        return self._connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):  # it may be broken in any way
                await connection.close(timeout=1)


async def _pause(seconds: float) -> None:
    """Waits for more messages; most of the time none is even read, as a few at a time cost more than many at once."""
    for _ in range(2):  # what was just told is written at the end of this turn of the loop
        await asyncio.sleep(0)
    time.sleep(seconds * UNREAD_SHARE)  # noqa: ASYNC251 - others have the processor meanwhile, which is what this is for
    await asyncio.sleep(seconds * (1 - UNREAD_SHARE))


def _tell_all(outcomes: list[tuple[Waiting, Outcome]]) -> None:
    """Reports outcomes; what a listener does with one must not stop the others from hearing theirs."""
    for waiting, outcome in outcomes:
        try:
            waiting.done(outcome)
        except Exception:
            log.exception("an outcome could not be delivered")
