"""One socket's events, one after the other: order, refusals, bounded waiting, a socket that closes in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg
import pytest

from kefu.chat.refusals import ErrorCode, Refusal
from kefu.gateway.lane import EVENTS_WAITING_MAX, Lane, Reply
from kefu.wire.errors import ErrorEvent, RefusedAck


class Socket:
    """Records what a client would get."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    def reply(self, *, ack: bool = True) -> Reply:
        return Reply(lambda event, payload: self.got.append((event, payload)), self.got.append if ack else None)

    @property
    def errors(self) -> list[str]:
        return [item.error for item in self.got if isinstance(item, RefusedAck)]


@pytest.fixture
def client() -> Socket:
    return Socket()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def later(gate: asyncio.Event, reply: Reply, answer: object) -> Callable[[], Coroutine[Any, Any, None]]:
    async def work() -> None:
        await gate.wait()
        reply.ok(answer)

    return work


def now(reply: Reply, answer: object) -> Callable[[], None]:
    return lambda: reply.ok(answer)


def raising(error: Exception, *, at_once: bool) -> Callable[[], Coroutine[Any, Any, None] | None]:
    async def work() -> None:
        await asyncio.sleep(0)
        raise error

    def handle() -> Coroutine[Any, Any, None] | None:
        if at_once:
            raise error
        return work()

    return handle


def test_what_can_be_answered_at_once_is(client: Socket) -> None:
    """The hot path needs no task: a handler that returns None has been done when `enter` returns."""
    lane = Lane()
    lane.enter(now(client.reply(), 1), client.reply())
    assert client.got == [1]


async def test_effects_come_in_the_order_sent(client: Socket) -> None:
    """An event that waits for the database holds back those behind it, on this socket only."""
    lane, other, gate = Lane(), Lane(), asyncio.Event()
    lane.enter(later(gate, client.reply(), 1), client.reply())
    lane.enter(now(client.reply(), 2), client.reply())
    lane.enter(later(gate, client.reply(), 3), client.reply())
    lane.enter(now(client.reply(), 4), client.reply())
    other.enter(now(client.reply(), "other socket"), client.reply())
    await settle()
    assert client.got == ["other socket"]
    gate.set()
    await settle()
    assert client.got == ["other socket", 1, 2, 3, 4]
    lane.enter(now(client.reply(), 5), client.reply())
    assert client.got[-1] == 5


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_refusal_answers_its_event_and_the_next_go_on(client: Socket, *, at_once: bool) -> None:
    """Section 3: `{ok:false, error, message, retryAfterMs?}` for this event; those behind it are served."""
    lane = Lane()
    refusal = Refusal(ErrorCode.FORBIDDEN, "a viewer may only read", 7)
    lane.enter(raising(refusal, at_once=at_once), client.reply())
    lane.enter(now(client.reply(), "next"), client.reply())
    await settle()
    assert client.got == [RefusedAck(ok=False, error="FORBIDDEN", message=refusal.message, retry_after_ms=7), "next"]


async def test_without_an_ack_a_refusal_is_the_event_error(client: Socket) -> None:
    """Section 3: without an ack a refusal arrives as event `error`, and success says nothing."""
    lane = Lane()
    reply = client.reply(ack=False)
    lane.enter(now(reply, "unheard"), reply)
    lane.enter(raising(Refusal(ErrorCode.COOLDOWN, "wait", 9), at_once=True), reply)
    assert client.got == [("error", ErrorEvent("COOLDOWN", "wait", 9))]


@pytest.mark.parametrize("waited", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    "error", [asyncpg.ConnectionDoesNotExistError("gone"), OSError(111, "refused"), TimeoutError(), KeyError("a bug")]
)
async def test_a_failure_ends_only_its_event(client: Socket, error: Exception, *, at_once: bool, waited: bool) -> None:
    """Promise 9: a dependency that fails, or a bug, answers UNAVAILABLE with `retryAfterMs`; the socket goes on."""
    lane, gate = Lane(), asyncio.Event()
    if waited:
        lane.enter(later(gate, client.reply(), "first"), client.reply())
    lane.enter(raising(error, at_once=at_once), client.reply())
    lane.enter(now(client.reply(), "next"), client.reply())
    gate.set()
    await settle()
    assert client.errors == [ErrorCode.UNAVAILABLE]
    (answer,) = [item for item in client.got if isinstance(item, RefusedAck)]
    assert answer.retry_after_ms is not None
    assert answer.retry_after_ms > 0
    assert client.got[-1] == "next"
    assert client.got.count("next") == 1


async def test_what_waits_is_bounded(client: Socket) -> None:
    """A socket may keep `EVENTS_WAITING_MAX` events waiting; further ones are RATE_LIMITED at once."""
    lane, gate = Lane(), asyncio.Event()
    lane.enter(later(gate, client.reply(), "first"), client.reply())
    for number in range(EVENTS_WAITING_MAX):
        lane.enter(now(client.reply(), number), client.reply())
    lane.enter(now(client.reply(), "too many"), client.reply())
    assert client.errors == [ErrorCode.RATE_LIMITED]
    assert client.got[0].retry_after_ms is not None
    gate.set()
    await settle()
    assert client.got[1:] == ["first", *range(EVENTS_WAITING_MAX)]


async def test_a_socket_that_closes_in_the_middle(client: Socket) -> None:
    """What has begun is finished; what waits is dropped, its sender asks again."""
    lane, gate, done = Lane(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await gate.wait()
        done.set()

    lane.enter(lambda: work(), client.reply())  # noqa: PLW0108 - a coroutine made late, as handlers are
    lane.enter(now(client.reply(), "dropped"), client.reply())
    await settle()
    lane.close()
    gate.set()
    await asyncio.wait_for(done.wait(), 1)
    await settle()
    assert client.got == []
