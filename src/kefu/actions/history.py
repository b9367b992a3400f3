"""Read a conversation: the newest page, what came after a place, older pages (contract section 4, promise 4)."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.store.queries import conversations, messages
from kefu.wire.shapes import Message

PAGE_DEFAULT = 50


class Place(NamedTuple):
    """Where a client stands: the last message it has, and the epoch in which it got it."""

    seq: int
    id: str | None
    epoch: str | None


class History(NamedTuple):
    """Messages, oldest first, as agents see them.

    Attributes:
        messages: The page.
        seq: The conversation's top.
        more: The page was cut.
        reset: The client's place is unknown here; this is the newest page instead.
    """

    messages: tuple[Message, ...]
    seq: int
    more: bool
    reset: bool


def clamp(limit: int) -> int:
    """A page size that may be asked for, 1 to 200."""
    return max(1, min(limit, messages.PAGE_MAX))


async def newest(connection: AsyncConnection, conversation_id: str, limit: int = PAGE_DEFAULT) -> History:
    """The newest page."""
    page = await messages.newest(connection, conversation_id, clamp(limit))
    top = page.messages[-1].seq if page.messages else 0
    return History(page.messages, top, page.more, reset=False)


def begin(place: Place | None, epoch: str) -> History:
    """What `newest`, or `after` a place, finds in a conversation that was just made: nothing."""
    is_place = place is None or (place.seq == 0 and place.epoch in {None, epoch})
    return History((), 0, more=False, reset=not is_place)


async def before(connection: AsyncConnection, conversation_id: str, before_seq: int, limit: int) -> History:
    """The page that ends before `before_seq`."""
    top = await _top(connection, conversation_id)
    page = await messages.newest(connection, conversation_id, clamp(limit), before_seq=before_seq)
    return History(page.messages, top, page.more, reset=False)


async def after(
    connection: AsyncConnection, conversation_id: str, place: Place, epoch: str, limit: int = PAGE_DEFAULT
) -> History:
    """What came after a place, or an explicit reset with the newest page if the place is not of this history."""
    same_epoch = place.epoch is None or place.epoch == epoch
    if not same_epoch or not await messages.is_at(connection, conversation_id, place.seq, place.id or ""):
        return (await newest(connection, conversation_id, limit))._replace(reset=True)
    top = await _top(connection, conversation_id)
    page = await messages.after(connection, conversation_id, place.seq, clamp(limit))
    return History(page.messages, max(top, page.messages[-1].seq if page.messages else 0), page.more, reset=False)


async def _top(connection: AsyncConnection, conversation_id: str) -> int:
    """The conversation's top; read before the page, so that what is named here is in the page or comes after it."""
    return (await conversations.tops(connection, [conversation_id])).get(conversation_id, 0)


async def read(
    connection: AsyncConnection,
    conversation_id: str,
    epoch: str,
    *,
    place: Place | None = None,
    before_seq: int | None = None,
    limit: int = PAGE_DEFAULT,
) -> History:
    """What a sync asks for: what came after a place, or the page before a number, or the newest page."""
    if place is not None:
        return await after(connection, conversation_id, place, epoch, limit)
    if before_seq is not None:
        return await before(connection, conversation_id, before_seq, limit)
    return await newest(connection, conversation_id, limit)
