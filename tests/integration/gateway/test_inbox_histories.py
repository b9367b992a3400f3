"""Promise 5: an agent who was away, or whose node lost the bus, has the inbox that a fresh load shows.

Random histories over two nodes; the state that a client keeps by `conversation_update` and `since` is compared with
what it would have loaded.
"""

from __future__ import annotations

import asyncio
import random
import uuid

import pytest
import pytest_asyncio

from integration.nats_server import NatsServer
from kefu.actions import compare

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPS = 60
CAUGHT_UP_WITHIN_S = 8


@pytest.fixture(scope="module")
def nats():
    server = NatsServer()
    server.start()
    yield server
    server.stop()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def nodes(serve, nats):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "INTERVAL_S", 2.0)
        unlimited = {"new_per_address_per_hour": 10_000, "agent_rate_per_min": 100_000, "ws_rate_per_min": 100_000}
        yield [await serve(nats_url=nats.url, **unlimited) for _ in range(2)]


class Reader:
    """An agent's client: keeps rows by what it is told and by `since`, as the console does."""

    def __init__(self, node) -> None:
        self.node = node
        self.rows: dict[str, dict] = {}
        self.mark: str | None = None
        self.client = None

    async def arrive(self, node) -> None:
        self.node = node
        self.client = await node.agent(f"reader{id(self)}", role="viewer")
        if self.mark is None:
            self.mark = (await self.client.ask("admin_inbox", {"filter": "all", "limit": 1}))["since"]
            self.rows = await fresh(self.client)
        else:
            await self.ask_since()

    async def ask_since(self) -> None:
        cursor, first = None, None
        while True:
            page = await self.client.ask("admin_inbox", {"since": self.mark, "limit": 7, "cursor": cursor})
            first = first or page["since"]
            self._take(page["rows"])
            if not page["more"]:
                break
            cursor = page["cursor"]
        self.mark = first

    async def go(self) -> None:
        self.hear()
        await self.client.close()
        self.client = None

    def hear(self) -> None:
        """Applies the updates that came; what came once is not applied again over something newer."""
        updates = self.client.of("conversation_update")
        self.client.log.clear()
        self._take(updates)

    def heard(self) -> dict[str, dict]:
        self.hear()
        return self.rows

    def _take(self, rows) -> None:
        for row in rows:
            self.rows[row["conversationId"]] = without_presence(row)


def without_presence(row):
    return {key: value for key, value in row.items() if key != "visitorOnline"}


async def fresh(client) -> dict[str, dict]:
    """Every row of both tabs that together hold all conversations, as loaded now."""
    rows = {}
    for tab in ("all", "closed"):
        cursor = None
        while True:
            page = await client.ask("admin_inbox", {"filter": tab, "limit": 50, "cursor": cursor})
            rows |= {row["conversationId"]: without_presence(row) for row in page["rows"]}
            if not page["more"]:
                break
            cursor = page["cursor"]
    return rows


async def step(dice: random.Random, nodes, visitors, agents) -> None:
    """Somebody does something somewhere."""
    what = dice.choice(("come", "say", "say", "say", "answer", "answer", "assign", "close", "reopen", "read", "note"))
    if what == "come" or not visitors:
        visitor, ack = await dice.choice(nodes).greeted()
        visitors.append((visitor, ack["conversationId"]))
        await visitor.ask("visitor_message", {"bodyText": "hello", "clientId": str(uuid.uuid4())})
        return
    visitor, conversation_id = dice.choice(visitors)
    conversation, agent = {"conversationId": conversation_id}, dice.choice(agents)
    text = {"bodyText": str(dice.random()), "clientId": str(uuid.uuid4())}
    match what:
        case "say":
            await visitor.ask("visitor_message", conversation | text)
        case "answer":
            await agent.ask("admin_message", conversation | text)
        case "note":
            await agent.ask("admin_note", conversation | text)
        case "read":
            await agent.ask("admin_read", conversation | {"seq": 1_000_000})
        case _:
            await agent.ask(f"admin_{what}", conversation)


class Outages:
    """The bus, which goes away and comes back in the middle of it all."""

    def __init__(self, nats) -> None:
        self._nats, self._is_up = nats, True

    def turn(self) -> None:
        (self._nats.stop if self._is_up else self._nats.start)()
        self._is_up = not self._is_up

    def end(self) -> None:
        if not self._is_up:
            self.turn()


async def come_or_go(dice: random.Random, nodes, reader: Reader) -> None:
    if reader.client is None:
        await reader.arrive(dice.choice(nodes))
    else:
        await reader.go()


@pytest.mark.parametrize("seed", range(4))
async def test_away_or_without_the_bus_the_inbox_is_as_loaded_anew(nodes, nats, seed: int) -> None:
    dice, outages = random.Random(seed), Outages(nats)
    agents = [await node.agent("ann") for node in nodes]
    visitors: list = []
    readers = [Reader(node) for node in nodes]
    for reader in readers:
        await reader.arrive(reader.node)
    for number in range(STEPS):
        await asyncio.gather(*(step(dice, nodes, visitors, agents) for _ in range(dice.choice((1, 1, 5)))))
        if dice.random() < 0.2:
            await come_or_go(dice, nodes, dice.choice(readers))
        if number % 20 == 10:
            outages.turn()
    outages.end()
    for reader in readers:
        if reader.client is None:
            await reader.arrive(dice.choice(nodes))
    loaded = await fresh(agents[0])
    assert len(loaded) > 3
    async with asyncio.timeout(CAUGHT_UP_WITHIN_S):
        while any(reader.heard() != loaded for reader in readers):  # noqa: ASYNC110 - nothing says when it is over
            await asyncio.sleep(0.1)
    assert await fresh(agents[1]) == loaded
