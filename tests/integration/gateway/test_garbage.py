"""What comes and goes is freed at once: what waits for the garbage collector is the memory of all who have left."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from kefu.gateway.agent_entrance import AgentSession
from kefu.gateway.visitor_entrance import VisitorSession
from kefu.transport.server.connection import NamespaceConnection

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMES = 5


@pytest_asyncio.fixture(loop_scope="module")
async def uncollected() -> AsyncIterator[None]:
    """Without a garbage collector, beginning with no garbage."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def count(*kinds: type) -> int:
    return sum(isinstance(one, kinds) for one in gc.get_objects())


@pytest.mark.usefixtures("uncollected")
async def test_sockets_leave_nothing_to_collect(server: Any) -> None:
    for _ in range(TIMES):
        client, ack = await server.greeted()
        await client.ask("visitor_message", {"conversationId": ack["conversationId"], "bodyText": "hello"})
        polling = await server.visitor(transport="polling")
        agent = await server.agent()
        await agent.ask("admin_join", {"conversationId": ack["conversationId"]})
        assert count(VisitorSession) >= 1
        assert count(AgentSession) >= 1
        for one in (client, polling, agent):
            await one.close()
    async with asyncio.timeout(5):
        while any(server.chat.transport.count_connections().values()):  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # the endpoint is told in a later turn
    assert count(VisitorSession, AgentSession, NamespaceConnection) == 0
