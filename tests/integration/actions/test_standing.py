"""What a visitor is told beside messages: the comparison finds what was lost (contract section 4, promise 4)."""

from __future__ import annotations

import asyncio

import pytest

from kefu.actions import history
from kefu.actions.change import Changer
from kefu.actions.publish import Publisher, visitor_room
from kefu.actions.read import ReadMarker
from kefu.actions.standing import standing
from kefu.store.queries import conversations
from kefu.transport.rooms import Rooms


@pytest.fixture
def database_url(module_database_url: str) -> str:
    """Each test makes conversations of its own."""
    return module_database_url


@pytest.fixture
def elsewhere(node):
    """Another node whose publishes are lost: its changes and reads."""
    lost = Publisher(Rooms())
    return Changer(node.database, lost, node.announcer), ReadMarker(node.database, lost, node.announcer)


async def row_of(node, conversation: str):
    async with node.database.engine.connect() as connection:
        return await conversations.find(connection, conversation)


async def greet(node, socket, conversation: str, row=None):
    """As a hello does: reads how it stands, says so, then joins."""
    row = row or await row_of(node, conversation)
    deliver = node.publisher.deliver
    deliver.standings.greeted(conversation, standing(row), is_first=not deliver.has_visitor(conversation))

    async def read(connection):
        return await history.newest(connection, conversation)

    await node.follower.follow(conversation, visitor_room(conversation), socket, read)
    return row


async def test_a_lost_change_is_told_once(world, send, node, socket, elsewhere) -> None:
    conversation, (changer, reads) = await world.conversation(), elsewhere
    await send(world.appender(), world.draft(conversation, "one"))
    visitor = socket()
    await greet(node, visitor, conversation)
    await node.comparer.compare()
    assert visitor.got == [], "nothing was lost"
    await changer.close(conversation)
    await reads.by_agent(conversation, "ann", 1)
    for _ in range(3):
        await node.comparer.compare()
    assert [(name, payload.get("status"), payload.get("seq")) for name, payload in visitor.got] == [
        ("conversation_update", "closed", 1),
        ("read", None, 1),
    ]
    assert visitor.of("read")[0]["senderType"] == "admin"
    assert visitor.of("read")[0].get("adminId") is None
    await changer.reopen(conversation)
    await node.comparer.compare()
    assert [update["status"] for update in visitor.of("conversation_update")] == ["closed", "open"]


async def test_what_was_published_is_not_told_again(world, send, node, socket) -> None:
    conversation = await world.conversation()
    await send(world.appender(), world.draft(conversation, "one"))
    visitor = socket()
    await greet(node, visitor, conversation)
    await Changer(node.database, node.publisher, node.announcer).close(conversation)
    await ReadMarker(node.database, node.publisher, node.announcer).by_visitor(conversation, 1)
    heard = list(visitor.got)
    assert [name for name, _ in heard] == ["conversation_update", "read"]
    for _ in range(2):
        await node.comparer.compare()
    assert visitor.got == heard


async def test_a_change_between_the_read_of_a_hello_and_its_room(world, node, socket, elsewhere) -> None:
    """However many comparisons pass between: what the answer said is compared once its socket hears."""
    conversation, (changer, _) = await world.conversation(), elsewhere
    await node.comparer.compare()
    old = await row_of(node, conversation)
    await changer.close(conversation)
    await node.comparer.compare()
    await node.comparer.compare()
    visitor = socket()
    await greet(node, visitor, conversation, old)
    await node.comparer.compare()
    assert [update["status"] for update in visitor.of("conversation_update")] == ["closed"]


async def test_a_second_socket_that_was_told_something_older(world, node, socket, elsewhere) -> None:
    conversation, (changer, _) = await world.conversation(), elsewhere
    old = await row_of(node, conversation)
    first, second = socket(), socket()
    await greet(node, first, conversation)
    await changer.close(conversation)
    await node.comparer.compare()
    await greet(node, second, conversation, old)
    await node.comparer.compare()
    for visitor in (first, second):
        assert visitor.of("conversation_update")[-1]["status"] == "closed"


async def test_what_is_told_while_the_database_answers_is_not_undone(world, node, socket, monkeypatch) -> None:
    """The comparison's rows may be older than what was published meanwhile."""
    conversation = await world.conversation()
    visitor = socket()
    await greet(node, visitor, conversation)
    await node.comparer.compare()
    changer, written = Changer(node.database, node.publisher, node.announcer), conversations.written
    lost = Changer(node.database, Publisher(Rooms()), node.announcer)
    await lost.close(conversation)
    reads = 0

    async def slow(*args, **kwargs):
        nonlocal reads
        reads += 1
        found = await written(*args, **kwargs)
        if reads == 2:
            await changer.reopen(conversation)
        return found

    monkeypatch.setattr(conversations, "written", slow)
    await node.comparer.compare()
    await node.comparer.compare()
    assert [update["status"] for update in visitor.of("conversation_update")] == ["open"]


async def test_a_publish_that_is_under_way_is_awaited(world, node, socket, monkeypatch) -> None:
    conversation = await world.conversation()
    visitor = socket()
    await greet(node, visitor, conversation)
    await node.comparer.compare()
    changer = Changer(node.database, node.publisher, node.announcer)
    tell = changer._tell
    monkeypatch.setattr(changer, "_tell", lambda row: asyncio.get_running_loop().call_later(0.05, tell, row))
    await changer.close(conversation)
    await node.comparer.compare()
    assert [update["status"] for update in visitor.of("conversation_update")] == ["closed"]


async def test_nobody_is_remembered_for_ever(world, node, socket) -> None:
    conversation = await world.conversation()
    visitor = socket()
    await greet(node, visitor, conversation)
    assert node.publisher.deliver.standings.of(conversation) is not None
    node.publisher.rooms.leave_all(visitor)
    await node.comparer.compare()
    assert node.publisher.deliver.standings.of(conversation) is None
