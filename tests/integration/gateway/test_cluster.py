"""Several chat-servers on one database, joined by a real NATS (contract section 4, promises 4 and 9)."""

from __future__ import annotations

import asyncio
import uuid

import aiohttp
import pytest
import pytest_asyncio

from integration.nats_server import NatsServer
from kefu.actions import compare

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT_ONCE_S = 1.0


@pytest.fixture(scope="module")
def nats():
    """The module's NATS; a test that stops it starts it again."""
    server = NatsServer()
    server.start()
    yield server
    server.stop()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def nodes(serve, nats):
    """Three nodes whose comparison with the database is too rare to help."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "INTERVAL_S", 3600)
        made = [await serve(nats_url=nats.url) for _ in range(3)]
        await joined(*made)
        yield made


async def joined(*servers) -> None:
    async with asyncio.timeout(10):
        while any(server.chat.publisher.bus.state != "joined" for server in servers):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def soon(check, seconds: float = AT_ONCE_S) -> None:
    async with asyncio.timeout(seconds):
        while not check():  # noqa: ASYNC110 - what is waited for has no event to set
            await asyncio.sleep(0.005)


def texts(client) -> list[str]:
    return [message["bodyText"] for message in client.of("message_new")]


async def say(client, event: str, text: str, **fields):
    answer = await client.ask(event, {"bodyText": text, "clientId": str(uuid.uuid4()), **fields})
    assert answer["ok"], answer
    return answer


async def test_both_sides_hear_at_once_wherever_they_are(nodes) -> None:
    """Everything of a conversation reaches visitor and agents on other nodes at once, cut for each audience."""
    first, second, third = nodes
    visitor, ack = await first.greeted()
    tab, _ = await third.greeted(visitorToken=ack["visitorToken"])
    conversation = {"conversationId": ack["conversationId"]}
    near, far, idle = await first.agent("ann"), await second.agent("bob", name="Bob"), await third.agent("eve")
    for agent in (near, far):
        assert (await agent.ask("admin_join", conversation))["ok"]
    for client in (visitor, tab):
        client.log.clear()

    await say(visitor, "visitor_message", "hello")
    await say(far, "admin_message", "welcome", **conversation)
    await say(near, "admin_note", "a note", **conversation)
    assert (await far.ask("admin_assign", conversation))["ok"]
    assert (await far.ask("admin_read", conversation | {"seq": 1}))["ok"]
    await far.ask("admin_typing", conversation)
    await visitor.ask("visitor_typing", {"draft": "wo"})
    assert (await near.ask("admin_close", conversation))["ok"]

    for client in (visitor, tab):
        await soon(lambda client=client: texts(client) == ["hello", "welcome"])
        await soon(
            lambda client=client: [update["status"] for update in client.of("conversation_update")][-1:] == ["closed"]
        )
        await soon(lambda client=client: client.of("read") and client.of("typing"))
        assert {message["adminId"] for message in client.of("message_new")} == {None}
        assert "a note" not in client.everything()
        assert "draft" not in [key for typing in client.of("typing") for key in typing if typing[key]]
        assert "bob" not in client.everything()
    for agent in (near, far):
        await soon(lambda agent=agent: texts(agent) == ["hello", "welcome"])
        await soon(lambda agent=agent: [note["bodyText"] for note in agent.of("note_new")] == ["a note"])
        await soon(lambda agent=agent: any(typing["draft"] == "wo" for typing in agent.of("typing")))
    for agent in (near, far, idle):
        await soon(
            lambda agent=agent: (
                agent.of("conversation_update")[-1:] and agent.of("conversation_update")[-1]["status"] == "closed"
            ),
            2,
        )
    assert texts(idle) == [], "who has not joined hears rows only"


async def test_presence_across_nodes(nodes) -> None:
    """Online from the first socket anywhere to the last one anywhere; rows say the same on every node."""
    first, second, third = nodes
    visitor, ack = await first.greeted()
    agents = [await node.agent("ann") for node in nodes]
    conversation_id = ack["conversationId"]

    def heard() -> list[list[bool]]:
        return [
            [told["online"] for told in agent.of("presence") if told["conversationId"] == conversation_id]
            for agent in agents
        ]

    async def rows() -> list[bool]:
        found = [(await agent.ask("admin_join", {"conversationId": conversation_id}))["row"] for agent in agents]
        return [row["visitorOnline"] for row in found]

    await asyncio.sleep(0.1)
    assert heard() == [[]] * 3, "a conversation without a message is broadcast to nobody"
    await say(visitor, "visitor_message", "hello")
    await soon(lambda: all(agent.of("conversation_update") for agent in agents))
    assert await rows() == [True] * 3
    assert heard() == [[]] * 3, "the row said it"
    tab, _ = await third.greeted(visitorToken=ack["visitorToken"])
    await asyncio.sleep(0.1)
    await visitor.close()
    await asyncio.sleep(0.2)
    assert heard() == [[]] * 3
    assert await rows() == [True] * 3
    await tab.close()
    await soon(lambda: heard() == [[False]] * 3)
    assert await rows() == [False] * 3
    await second.greeted(visitorToken=ack["visitorToken"])
    await soon(lambda: heard() == [[False, True]] * 3)
    assert await rows() == [True] * 3
    await third.agent("only-here")
    await soon(lambda: all("only-here" in node.chat.publisher.presence.agents_online() for node in nodes))


async def test_order_and_repeats_across_nodes(nodes) -> None:
    """Promises 1 and 3: many senders on three nodes; everybody sees each message once, in the order of `seq`."""
    visitor, ack = await nodes[0].greeted()
    conversation = {"conversationId": ack["conversationId"]}
    agents = [await node.agent(f"agent{number}") for number, node in enumerate(nodes)]
    for agent in agents:
        await agent.ask("admin_join", conversation)
    await asyncio.gather(
        *(
            say(agent, "admin_message", f"{agent.address} {number}", **conversation)
            for number in range(10)
            for agent in agents
        ),
        *(say(visitor, "visitor_message", str(number)) for number in range(10)),
    )
    for client in (visitor, *agents):
        await soon(lambda client=client: len(client.of("message_new")) == 40, 5)
        assert [message["seq"] for message in client.of("message_new")] == list(range(1, 41))


async def test_a_node_hears_only_what_its_sockets_need(nodes, monkeypatch) -> None:
    """A subject is joined with the first local socket, and left, after a linger, with the last one."""
    from kefu.actions import interest  # noqa: PLC0415

    monkeypatch.setattr(interest, "LINGER_S", 0.2)
    here, there = nodes[0], nodes[1]
    visitor, ack = await here.greeted()
    subject = f"kefu.default.conversation.{ack['conversationId']}"
    before = there.chat.publisher.bus.counts["delivered"]
    for number in range(5):
        await visitor.ask("visitor_message", {"bodyText": str(number)})
    bus = here.chat.publisher.bus
    assert subject in bus._wanted
    assert subject not in there.chat.publisher.bus._wanted
    await asyncio.sleep(0.3)
    heard = there.chat.publisher.bus.counts["delivered"] - before
    assert heard <= 4, "inbox hints at most, no message"
    await visitor.close()
    await soon(lambda: subject not in bus._wanted, 3)


async def test_nats_away_and_back(nodes, nats) -> None:
    """Promise 9: same-node chat goes on and is acked, ready says degraded; afterwards the others have everything."""
    here, there = nodes[0], nodes[1]
    visitor, ack = await here.greeted()
    conversation = {"conversationId": ack["conversationId"]}
    near, far, idle = await here.agent("ann"), await there.agent("bob"), await there.agent("eve")
    for agent in (near, far):
        await agent.ask("admin_join", conversation)
    await say(visitor, "visitor_message", "before")
    await soon(lambda: texts(far) == ["before"])
    await soon(lambda: idle.of("conversation_update"))
    await there.chat.comparer.compare()
    nats.stop()
    await soon(lambda: all(node.chat.publisher.bus.state == "away" for node in nodes), 5)
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{here.port}/chat/ready") as answer:
        assert (answer.status, await answer.json()) == (200, {"ok": True, "degraded": "bus"})
    for number in range(5):
        await say(visitor, "visitor_message", f"during {number}")
    await say(near, "admin_message", "near", **conversation)
    new, new_ack = await here.greeted()
    await say(new, "visitor_message", "somebody new")
    await soon(lambda: len(texts(visitor)) == len(texts(near)) == 7)
    assert texts(far) == ["before"]
    idle.log.clear()

    nats.start()
    await joined(*nodes)
    await soon(lambda: len(texts(far)) == 7, 3)
    assert texts(far) == texts(visitor)
    await soon(
        lambda: (
            {row["conversationId"] for row in idle.of("conversation_update")}
            >= {ack["conversationId"], new_ack["conversationId"]}
        ),
        3,
    )
    assert (
        next(row for row in reversed(idle.of("conversation_update")) if row["conversationId"] == ack["conversationId"])[
            "seq"
        ]
        == 7
    )
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{here.port}/chat/ready") as answer:
        assert await answer.json() == {"ok": True}
    await say(visitor, "visitor_message", "after")
    await soon(lambda: texts(far)[-1] == "after")


async def test_other_nodes_follow_by_the_database_without_the_bus(serve, nats, nodes) -> None:
    """Promise 4: with the bus away another node's messages and rows come with the comparison."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "INTERVAL_S", 0.3)
        here, there = [await serve(nats_url="nats://127.0.0.1:9") for _ in range(2)]
        visitor, ack = await here.greeted()
        far, idle = await there.agent("bob"), await there.agent("eve")
        await far.ask("admin_join", {"conversationId": ack["conversationId"]})
        for number in range(3):
            await say(visitor, "visitor_message", str(number))
        await soon(lambda: texts(far) == ["0", "1", "2"], 3)
        await soon(lambda: idle.of("conversation_update")[-1:] and idle.of("conversation_update")[-1]["seq"] == 3, 3)
        await here.stop()
        await there.stop()
