"""The bus over a real NATS: who listens hears, what is forged is dropped, and it comes back by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import nats
import pytest

from integration.nats_server import NatsServer
from kefu.bus import envelope
from kefu.bus.envelope import Changed, Hint, Seal
from kefu.bus.nats import WAITING_BYTES_MAX, NatsBus
from kefu.bus.subjects import conversation_subject, inbox_subject
from kefu.wire.encoded import EncodedMessage

SECRET = "7d1f0c9ab26e4458b3c2d6e8f90a1b2c3d4e5f60"
INBOX = inbox_subject("default")
CONVERSATION = conversation_subject("default", "c1")


class Listener:
    """Records what the bus brings."""

    def __init__(self) -> None:
        self.heard_: list[Hint] = []
        self.returns = 0

    def heard(self, hint: Hint) -> None:
        self.heard_.append(hint)

    def returned(self) -> None:
        self.returns += 1


@pytest.fixture
def server() -> NatsServer:
    made = NatsServer()
    made.start()
    yield made
    made.stop()


Join = Callable[..., Awaitable[tuple[NatsBus, Listener]]]


@pytest.fixture
async def join(server: NatsServer, until) -> AsyncIterator[Join]:
    """Makes nodes on the bus."""
    buses: list[NatsBus] = []

    async def make(url: str = server.url, secret: str = SECRET) -> tuple[NatsBus, Listener]:
        bus, listener = NatsBus(url, Seal(secret)), Listener()
        buses.append(bus)
        bus.start(listener)
        await until(lambda: bus.state == "joined")
        return bus, listener

    yield make
    for bus in buses:
        await bus.close()


def hint(*conversations: str) -> Changed:
    return Changed(conversations)


async def test_who_listens_hears_and_nobody_else(join: Join, until) -> None:
    """Interest-based routing: no node gets what its own sockets do not need, or what it said itself."""
    (here, heard_here), (there, heard_there), (third, heard_third) = [await join() for _ in range(3)]
    await asyncio.gather(here.listen(INBOX), there.listen(INBOX), third.listen(CONVERSATION))
    for number in range(100):
        here.publish(INBOX, hint(str(number)))
    await until(lambda: len(heard_there.heard_) == 100)
    assert heard_there.heard_ == [hint(str(number)) for number in range(100)]
    assert heard_here.heard_ == heard_third.heard_ == []
    there.leave(INBOX)
    await there.listen(CONVERSATION)  # in the connection's order after it left
    here.publish(INBOX, hint("after"))
    here.publish(CONVERSATION, hint("c1"))
    await until(lambda: len(heard_there.heard_) == 101)
    assert heard_there.heard_[-1] == hint("c1")
    assert (here.counts["published"], there.counts["delivered"]) == (102, 101)


async def test_listening_is_done_when_it_says_so(join: Join, until) -> None:
    """Whoever reads a page after `listen` misses nothing that is published after it."""
    (here, _), (there, heard) = await join(), await join()
    for number in range(200):
        await there.listen(f"kefu.default.conversation.{number}")
        here.publish(f"kefu.default.conversation.{number}", hint(str(number)))
    await until(lambda: len(heard.heard_) == 200)


async def test_forged_and_unknown_messages_are_dropped_and_counted(server, join: Join, until, monkeypatch) -> None:
    """Somebody who has the bus' password but not the secret can make nothing happen."""
    (here, _), (there, heard) = await join(), await join()
    (stranger, _) = await join(secret="another-secret-of-thirty-two-bytes!")
    await there.listen(INBOX)
    await there.listen(CONVERSATION)
    stranger.publish(INBOX, hint("c1"))
    raw = await nats.connect(server.url)
    good = Seal(SECRET).seal(hint("changed"))
    await raw.publish(INBOX, good.replace(b"changed", b"chanced"))
    await raw.publish(INBOX, b"")
    await raw.publish(INBOX, b"\xff" * 5000)
    with monkeypatch.context() as other:
        other.setattr(envelope, "VERSION", 99)
        await raw.publish(INBOX, Seal(SECRET).seal(hint("c1")))
    await raw.publish(INBOX, Seal(SECRET).seal(EncodedMessage("c1", 1, None, b'{"conversations":[]}')))
    await raw.close()
    await until(lambda: sum(there.counts[name] for name in ("forged", "unknown", "malformed")) == 6)
    assert (there.counts["forged"], there.counts["unknown"], there.counts["malformed"]) == (4, 1, 1)
    here.publish(INBOX, hint("good"))
    await until(lambda: heard.heard_)
    assert heard.heard_ == [hint("good")]


async def test_away_and_back(server, join: Join, until) -> None:
    """Without the bus nothing blocks and nothing fails; when it is back, everything wanted is heard again."""
    (here, _), (there, heard) = await join(), await join()
    await there.listen(INBOX)
    server.stop()
    await until(lambda: here.state == there.state == "away")
    for _ in range(1000):
        here.publish(INBOX, hint("lost"))
    assert here.counts["lost"] == 1000
    async with asyncio.timeout(0.5):
        await there.listen(CONVERSATION)
    there.leave(INBOX)
    server.start()
    await until(lambda: here.state == there.state == "joined", 10)
    await until(lambda: heard.returns == 2)
    here.publish(INBOX, hint("left"))
    here.publish(CONVERSATION, hint("heard"))
    await until(lambda: heard.heard_)
    assert heard.heard_ == [hint("heard")]


async def test_a_bus_that_is_not_there_at_the_start(server, until) -> None:
    """A node starts without the bus and joins when it comes."""
    server.stop()
    bus, listener = NatsBus(server.url, Seal(SECRET)), Listener()
    bus.start(listener)
    await bus.listen(INBOX)
    assert bus.state == "away"
    server.start()
    await until(lambda: bus.state == "joined", 10)
    await until(lambda: listener.returns == 1)
    assert INBOX in bus._confirmed
    await bus.close()


async def test_what_waits_is_bounded(join: Join, until) -> None:
    """A bus that takes nothing costs a bounded amount of memory; what does not fit is lost and counted."""
    (here, _), (there, heard) = await join(), await join()
    await there.listen(INBOX)
    big = hint("x" * 500_000)
    for _ in range(50):
        here.publish(INBOX, big)
    assert here._connection.waiting_bytes <= WAITING_BYTES_MAX
    assert here.counts["lost"] >= 30
    here.publish(INBOX, hint("x" * 2_000_000))
    await until(lambda: len(heard.heard_) == 51 - here.counts["lost"])
    assert here.state == "joined"


async def test_closing_says_what_was_published(join: Join, until) -> None:
    """A clean stop loses no hint."""
    (here, _), (there, heard) = await join(), await join()
    await there.listen(INBOX)
    for number in range(500):
        here.publish(INBOX, hint(str(number)))
    await here.close()
    await until(lambda: len(heard.heard_) == 500)
