"""Follow, history and compare: no message falls between the page and the room (contract section 4, promise 4)."""

from __future__ import annotations

import asyncio

import pytest

from kefu.actions import history
from kefu.actions.history import Place
from kefu.actions.publish import joined_room, visitor_room

EPOCH = "epoch"


@pytest.fixture
def database_url(module_database_url: str) -> str:
    """Each test makes conversations of its own."""
    return module_database_url


def newest(conversation: str):
    async def read(connection):
        return await history.newest(connection, conversation)

    return read


async def follow(node, socket, conversation: str):
    return await node.follower.follow(conversation, visitor_room(conversation), socket, newest(conversation))


async def published(node, world, send, conversation: str, text: str) -> None:
    """A message that this node commits and publishes."""
    from kefu.store import rows  # noqa: PLC0415
    from kefu.wire.shapes import Message  # noqa: PLC0415

    draft = world.draft(conversation, text)
    appender = world.appender()
    (outcome,) = await send(appender, draft)
    at = rows.iso_from_ms(outcome.created_at_ms)
    node.publisher.message(
        Message(draft.id, conversation, outcome.seq, "visitor", None, None, text, None, at, draft.client_id)
    )


async def test_what_is_published_while_the_page_is_read_is_in_the_page(world, send, node, socket) -> None:
    """The page is read again if the announced top moved past it; afterwards everything reaches the socket."""
    conversation = await world.conversation()
    await send(world.appender(), world.draft(conversation))
    reads = 0

    async def read(connection):
        nonlocal reads
        reads += 1
        page = await history.newest(connection, conversation)
        if reads == 1:
            await published(node, world, send, conversation, "in between")
        return page

    client = socket()
    page = await node.follower.follow(conversation, visitor_room(conversation), client, read)
    assert [message.seq for message in page.messages] == [1, 2]
    await published(node, world, send, conversation, "after")
    assert client.seqs() == [3]
    await node.comparer.compare()
    assert client.seqs() == [3]


async def test_a_socket_that_closed_meanwhile_joins_nothing(world, node, socket) -> None:
    """Rooms hold no dead sockets."""
    conversation = await world.conversation()
    await follow(node, socket(is_open=False), conversation)
    assert not node.publisher.is_followed(conversation)


async def test_what_another_node_committed_is_announced_by_the_comparison(world, send, node, socket) -> None:
    """Promise 4: a node compares the tops its sockets follow with the database and announces what is behind, once."""
    conversation, other = await world.conversation(), await world.conversation()
    visitor, agent = socket(), socket()
    await follow(node, visitor, conversation)
    node.publisher.rooms.join(joined_room(conversation), agent)
    await send(world.appender(), *(world.draft(conversation, str(number)) for number in range(3)), world.draft(other))
    assert visitor.got == []
    for _ in range(2):
        await node.comparer.compare()
    assert visitor.seqs() == agent.seqs() == [1, 2, 3]


async def test_a_second_socket_hides_nothing_from_the_first(world, send, node, socket) -> None:
    """Promise 4: what another node committed reaches the socket that was there, though a later one has read it."""
    conversation = await world.conversation()
    first, second = socket(), socket()
    await follow(node, first, conversation)
    await send(world.appender(), world.draft(conversation))
    assert (await follow(node, second, conversation)).seq == 1
    await node.comparer.compare()
    assert first.seqs() == [1]


async def test_a_long_gap_is_shown_by_its_newest_message(world, send, node, socket) -> None:
    """Promise 4: who sees a hole in `seq` asks; a gap of more than a page is not sent message by message."""
    conversation = await world.conversation()
    client = socket()
    await follow(node, client, conversation)
    await send(world.appender(), *(world.draft(conversation) for _ in range(75)))
    await node.comparer.compare()
    assert client.seqs() == [75]


async def test_nobody_is_remembered_for_ever(world, node, socket) -> None:
    """Tops of conversations that no local socket follows any more are forgotten."""
    conversation = await world.conversation()
    client = socket()
    await follow(node, client, conversation)
    assert conversation in node.publisher.tops
    node.publisher.rooms.leave_all(client)
    await node.comparer.compare()
    assert node.publisher.tops == {}


async def test_the_comparison_runs_soon_when_asked(world, send, node, socket, until) -> None:
    """A repeat's answer announces the top at once, not at the next interval."""
    conversation = await world.conversation()
    client = socket()
    await follow(node, client, conversation)
    running = asyncio.create_task(node.comparer.run())
    await asyncio.sleep(0.05)
    await send(world.appender(), world.draft(conversation))
    node.comparer.soon()
    await until(lambda: client.seqs() == [1])
    running.cancel()


@pytest.mark.parametrize("ask", ["after", "before"])
async def test_the_top_that_a_page_names_is_covered(
    world, send, node, ask: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 4: a client that got `seq` and `more: false` has everything up to it, whatever commits meanwhile."""
    conversation, appender = await world.conversation(), world.appender()
    await send(appender, *(world.draft(conversation) for _ in range(2)))
    (first, _) = await world.messages(conversation)
    for module, name in ((history.conversations, "tops"), (history.messages, "after"), (history.messages, "newest")):
        monkeypatch.setattr(module, name, _with_a_commit_after(getattr(module, name), world, send, conversation))
    async with node.database.engine.connect() as connection:
        if ask == "after":
            page = await history.after(connection, conversation, Place(1, first["id"], EPOCH), EPOCH)
            assert page.messages[-1].seq >= page.seq
        else:
            page = await history.before(connection, conversation, 3, 50)
            assert [message.seq for message in page.messages] == [1, 2]
    assert not page.more


def _with_a_commit_after(query, world, send, conversation: str):
    async def slow(*args, **kwargs):
        found = await query(*args, **kwargs)
        await send(world.appender(), world.draft(conversation, "meanwhile"))
        return found

    return slow


async def test_places(world, send, node) -> None:
    """Promise 4: exactly what is missing, or an explicit reset if the place is not of this history."""
    conversation = await world.conversation()
    await send(world.appender(), *(world.draft(conversation, str(number)) for number in range(1, 8)))
    ids = {row["seq"]: row["id"] for row in await world.messages(conversation)}

    async def ask(place: Place, limit: int = 50):
        async with node.database.engine.connect() as connection:
            page = await history.read(connection, conversation, EPOCH, place=place, limit=limit)
        return [message.seq for message in page.messages], page.more, page.reset, page.seq

    everything = list(range(1, 8))
    assert await ask(Place(3, ids[3], EPOCH)) == ([4, 5, 6, 7], False, False, 7)
    assert await ask(Place(3, ids[3], None)) == ([4, 5, 6, 7], False, False, 7)
    assert await ask(Place(7, ids[7], EPOCH)) == ([], False, False, 7)
    assert await ask(Place(0, None, EPOCH)) == (everything, False, False, 7)
    assert await ask(Place(3, ids[3], EPOCH), 2) == ([4, 5], True, False, 7)
    assert await ask(Place(3, ids[4], EPOCH)) == (everything, False, True, 7)
    assert await ask(Place(3, None, EPOCH)) == (everything, False, True, 7)
    assert await ask(Place(9, ids[7], EPOCH)) == (everything, False, True, 7)
    assert await ask(Place(3, ids[3], "restored"), 3) == ([5, 6, 7], True, True, 7)
