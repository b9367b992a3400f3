"""The parts of one node around a fresh database, with sockets that only record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from kefu.actions.announce import InboxAnnouncer
from kefu.actions.compare import Comparer
from kefu.actions.follow import Follower
from kefu.actions.publish import Publisher, agents_room
from kefu.store.database import Database
from kefu.transport.rooms import Rooms


class Socket:
    """A connection as rooms see it; what it was sent, decoded, is in `got`."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.is_open = is_open
        self.got: list[tuple[str, Any]] = []

    def emit(self, event: str, payload: object) -> None:
        self.got.append((event, msgspec.to_builtins(payload)))

    def send_encoded(self, encoded: Any) -> None:
        self.got.append(tuple(msgspec.json.decode(encoded.packet.lstrip(b"42"))))

    def seqs(self) -> list[int]:
        return [payload["seq"] for event, payload in self.got if event == "message_new"]

    def of(self, event: str) -> list[Any]:
        return [payload for name, payload in self.got if name == event]


class Node:
    """One process's publisher and what feeds it."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.publisher = Publisher(Rooms())
        self.announcer = InboxAnnouncer(self.database, self.publisher)
        self.comparer = Comparer(self.database, self.publisher, self.announcer)
        self.follower = Follower(self.database, self.publisher)

    def agent_socket(self) -> Socket:
        socket = Socket()
        self.publisher.rooms.join(agents_room("default"), socket)
        return socket

    async def close(self) -> None:
        await self.announcer.close()
        await self.database.close()


@pytest.fixture
def socket() -> type[Socket]:
    return Socket


@pytest.fixture
async def node(database_url: str) -> AsyncIterator[Node]:
    made = Node(database_url)
    yield made
    await made.close()
