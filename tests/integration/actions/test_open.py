"""Opening under races: hellos that come at once, through two nodes (contract section 4, promises 7 and 8)."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import pytest

from kefu.actions.open import Introduction, Opener
from kefu.store.database import Database

SESSION = "v_4f9a1c77d2e04b6f"


@pytest.fixture
async def openers(database_url: str) -> AsyncIterator[list[Opener]]:
    nodes = [Database(database_url) for _ in range(2)]
    installation = await nodes[0].installation()
    yield [Opener(node, installation, dt.timedelta(hours=24)) for node in nodes]
    for node in nodes:
        await node.close()


async def test_hellos_of_one_session_at_once_open_one_conversation(openers, world) -> None:
    """Tabs that say hello at the same moment are one visitor with one token and one conversation."""
    introduction = Introduction(SESSION, known={"name": "Xiao Ming"}, page={"entry_url": "https://shop.example"})

    async def hello(opener: Opener) -> tuple[str, str, str]:
        visitor, conversation = await opener.recognise(introduction)
        if conversation is None:
            visitor, conversation, _ = await opener.open(visitor, introduction)
        assert visitor.stored
        return visitor.id, visitor.token, conversation.id

    said = await asyncio.gather(*(hello(opener) for opener in openers * 4))
    assert len(set(said)) == 1
    (visitor,) = await world.sql("select * from visitor")
    (conversation,) = await world.sql("select * from conversation")
    assert said[0][::2] == (visitor["id"], conversation["id"])
    assert (visitor["name"], conversation["entry_url"]) == ("Xiao Ming", "https://shop.example")


async def test_one_visitor_opens_one_conversation_at_once(openers, world) -> None:
    """Create-or-get: who is second gets the first one's conversation, as it is stored."""
    introduction = Introduction(SESSION)
    visitor, first, is_new = await openers[0].open((await openers[0].recognise(introduction))[0], introduction)
    assert is_new
    await world.sql("update conversation set status = 'closed', closed_at = now() - interval '2 days'")
    opened = await asyncio.gather(*(opener.open(visitor, introduction) for opener in openers * 4))
    assert len({conversation.id for _, conversation, _ in opened} - {first.id}) == 1
    assert {(who.id, conversation.status) for who, conversation, _ in opened} == {(visitor.id, "open")}
    assert [is_new for _, _, is_new in opened].count(True) == 1
    assert len(await world.sql("select 1 from conversation")) == 2
