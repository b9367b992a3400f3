"""The inbox's announcements to agents (contract section 3, `conversation_update`)."""

from __future__ import annotations

import asyncio
import time


async def test_announcements_are_at_most_four_a_second(world, send, node, until) -> None:
    """Section 3: `conversation_update` to agents at most 4 a second: the first at once, the last state kept."""
    conversation, appender = await world.conversation(), world.appender()
    agent, began = node.agent_socket(), time.monotonic()
    for number in range(30):
        await send(appender, world.draft(conversation, str(number)))
        node.announcer.changed(conversation)
        await asyncio.sleep(0.02)
    await until(lambda: agent.got and agent.got[-1][1]["seq"] == 30)
    seqs = [row["seq"] for row in agent.of("conversation_update")]
    assert seqs[0] < 10
    assert len(seqs) <= (time.monotonic() - began) / 0.25 + 2


async def test_nothing_is_read_for_agents_who_are_not_there(world, send, node) -> None:
    """Without an agent's socket a change costs no query."""
    conversation = await world.conversation()
    await send(world.appender(), world.draft(conversation))
    node.announcer.changed(conversation)
    assert node.announcer._task is None
