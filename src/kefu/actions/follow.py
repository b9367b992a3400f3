"""Follow a conversation: read it and join its room without missing a message in between.

A message that is committed while the page is being read would be in neither; so the conversation's announced top is
watched from before the read, and the page is read again if the top moved past it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.actions.history import History
from kefu.actions.publish import Publisher
from kefu.store.database import Database
from kefu.transport.endpoint import Connection

READS_MAX = 5
"""Reads of one page at most: an announced top may be one that the database never reaches (a backup was restored)."""

Read = Callable[[AsyncConnection], Awaitable[History]]


class Follower:
    """Lets sockets follow conversations."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher

    async def follow(
        self, conversation_id: str, room: str, follower: Connection, read: Read, known: History | None = None
    ) -> History:
        """Reads the page and joins the room.

        Args:
            conversation_id: What is followed.
            room: The audience that the socket belongs to.
            follower: The socket; one that closed meanwhile joins nothing.
            read: Reads the page on a connection of the database.
            known: What it would read, of a conversation that was just made: only its visitor's sockets on other nodes
                can have written to it since, so it spares the read where there are none.

        Returns:
            A page after which every message reaches the socket.
        """
        await self._publisher.listen(conversation_id)
        tops = self._publisher.tops
        tops.setdefault(conversation_id, 0)
        for number in range(READS_MAX):
            if known is not None and number == 0 and self._publisher.bus.is_alone:
                history = known
            else:
                async with self._database.autocommit.connect() as connection:
                    history = await read(connection)
            top = tops.get(conversation_id, 0)
            if top <= history.seq:
                break
        # An audience that is there already hears what lies between from the next comparison.
        if not self._publisher.is_followed(conversation_id):
            tops[conversation_id] = history.seq
        if follower.is_open:
            self._publisher.rooms.join(room, follower)
        return history
