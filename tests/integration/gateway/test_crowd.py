"""Many visitors and two agents at once: acks are true, every socket hears its conversation in order and whole."""

from __future__ import annotations

import asyncio
import uuid

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

VISITORS = 16
MESSAGES = 15


async def test_a_crowd(serve) -> None:
    """Promises 1, 2 and 3: what was acked is stored once under that number, and heard in the order of the numbers."""
    server = await serve(ws_rate_per_min=100_000, ws_rate_burst=1000, new_per_address_per_hour=1000)
    agents = [await server.agent("ann"), await server.agent("bob", name="Bob")]
    acked: dict[tuple[str, int], str] = {}

    async def visitor(number: int) -> tuple[object, str]:
        client, ack = await server.greeted(defer=number % 2 == 0)
        conversation = ack["conversationId"]
        for count in range(MESSAGES):
            message = {"bodyText": f"visitor {number} says {count}", "clientId": str(uuid.uuid4())}
            asks = [client.ask("visitor_message", message)]
            if count % 5 == 1:
                asks.append(client.ask("visitor_message", message))  # impatient: the same one again
            first, *_ = answers = await asyncio.gather(*asks)
            assert all(answer["ok"] and answer["seq"] == first["seq"] for answer in answers)
            conversation = first["conversationId"]
            acked[conversation, first["seq"]] = message["bodyText"]
            if count == 3:
                for agent in agents:
                    assert (await agent.ask("admin_join", {"conversationId": conversation}))["ok"]
            if count % 4 == 3:
                agent = agents[count % 2]
                text = f"answer {number} {count}"
                answer = await agent.ask("admin_message", {"conversationId": conversation, "bodyText": text})
                acked[conversation, answer["seq"]] = text
        return client, conversation

    everybody = await asyncio.gather(*(visitor(number) for number in range(VISITORS)))
    inboxes = [await agent.ask("admin_inbox", {"limit": 200}) for agent in agents]  # after all they were told before
    total = MESSAGES + len([count for count in range(MESSAGES) if count % 4 == 3])
    for client, conversation in everybody:
        texts = await server.texts(conversation)
        assert texts == [acked[conversation, seq] for seq in range(1, total + 1)]
        heard = [message["seq"] for message in await client.get("message_new", total)]
        assert heard == list(range(1, total + 1))
        for agent in agents:
            heard = [message["seq"] for message in agent.of("message_new") if message["conversationId"] == conversation]
            assert heard == list(range(heard[0], total + 1))
            assert heard[0] <= 5, "joined after the fourth message"
    for inbox in inboxes:
        seqs = {row["conversationId"]: row["seq"] for row in inbox["rows"]}
        assert all(seqs[conversation] == total for _, conversation in everybody)
