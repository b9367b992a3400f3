"""One socket's events, one after the other.

What can be answered at once is; what waits for the database holds back the events behind it on the same socket, so
that the order of effects is the order sent. Knows nothing of what the events mean.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from kefu import metrics
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.store.database import UNREACHABLE
from kefu.wire.errors import refusal_ack, refusal_event

log = logging.getLogger(__name__)

EVENTS_WAITING_MAX = 256
RETRY_AFTER_MS = 2000

_DONE, _REFUSED = metrics.ACKS.cell("done"), metrics.ACKS.cell("refused")

Ack = Callable[..., None]
Work = Coroutine[Any, Any, None]


class Reply:
    """Answers one event: by its ack if it has one, else a refusal by event `error` and nothing on success."""

    __slots__ = ("_ack", "_emit")

    def __init__(self, emit: Callable[..., None], ack: Ack | None) -> None:
        self._emit = emit
        self._ack = ack

    @property
    def wanted(self) -> bool:
        """Whether the client asked for an ack."""
        return self._ack is not None

    def ok(self, answer: object) -> None:
        """The event is done."""
        if self._ack is not None:
            _DONE.count += 1
            self._ack(answer)

    def refuse(self, refusal: Refusal) -> None:
        """The event is refused."""
        metrics.REFUSALS.add(refusal.code)
        if self._ack is not None:
            _REFUSED.count += 1
            self._ack(refusal_ack(refusal))
        else:
            self._emit("error", refusal_event(refusal))


class Lane:
    """The order of one socket's events."""

    __slots__ = ("_task", "_waiting")

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[tuple[Callable[[], Work | None], Reply]] | None = None

    def enter(self, handle: Callable[[], Work | None], reply: Reply) -> None:
        """Handles an event now, or after those before it.

        Args:
            handle: Does the event; returns None when it is done, or a coroutine that the events behind must wait for.
            reply: Where refusals go.
        """
        if self._task is None:
            work = _begin(handle, reply)
            if work is not None:
                self._task = asyncio.get_running_loop().create_task(self._run(work, reply))
        elif self._waiting is not None and len(self._waiting) >= EVENTS_WAITING_MAX:
            metrics.RATE_LIMITED.add("lane")
            reply.refuse(Refusal(ErrorCode.RATE_LIMITED, "too many events wait on this socket", RETRY_AFTER_MS))
        else:
            self._waiting = self._waiting or deque()
            self._waiting.append((handle, reply))

    def close(self) -> None:
        """The socket is gone: what has begun is finished, what waits is dropped (its sender asks again)."""
        self._waiting = None

    async def _run(self, work: Work, reply: Reply) -> None:
        try:
            await _finish(work, reply)
            while self._waiting:
                handle, reply = self._waiting.popleft()
                following = _begin(handle, reply)
                if following is not None:
                    await _finish(following, reply)
        finally:
            self._task = None
            self._waiting = None


def _begin(handle: Callable[[], Work | None], reply: Reply) -> Work | None:
    try:
        return handle()
    except Exception as error:  # noqa: BLE001 - judged there; whatever it is, it ends this event alone
        reply.refuse(_refusal(error))
        return None


async def _finish(work: Work, reply: Reply) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - as above
        reply.refuse(_refusal(error))


def _refusal(error: Exception) -> Refusal:
    """What an event that failed is answered with."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, UNREACHABLE):
        log.warning("the database did not answer an event: %s", type(error).__name__)
        return Refusal(ErrorCode.UNAVAILABLE, "the database does not answer; try again", RETRY_AFTER_MS)
    # Without the error's own words: they may repeat what somebody wrote.
    where = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    log.error("an event failed with %s:\n%s", type(error).__name__, where)
    return Refusal(ErrorCode.UNAVAILABLE, "the server could not do this", RETRY_AFTER_MS)
