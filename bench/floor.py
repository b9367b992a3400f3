"""The floor: bare picows and the same append SQL, with no protocol, no rules and no rooms. What is above it is ours.

A visitor's frame is a client id and a text. After the commit its socket gets `A` + client id + seq and `M` + the
message in one write; the agent gets the messages of a commit in one write.

    python bench/floor.py PORT DATABASE_URL VISITORS
"""

from __future__ import annotations

import asyncio
import datetime as dt
import resource
import sys

import asyncpg
import uvloop
from picows import WSFrame, WSListener, WSTransport, WSUpgradeRequest, ws_create_server

from kefu.store.ids import new_id
from kefu.store.queries.append import APPEND, SEPARATOR
from kefu.transport.server.frames import text_frame

BATCH_MAX = 512
READ_BUFFER_BYTES = 2048
"""A connection's, as Kefu has it; picows itself would take 16 KiB, most of what a connection then weighs."""
REOPEN = dt.timedelta(hours=24)


class Floor:
    """The conversations, the queue, the agent."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._queue: list[tuple[Visitor, str, str]] = []
        self._flight: asyncio.Task[None] | None = None
        self.conversations: list[tuple[str, str]] = []
        self.agent: WSTransport | None = None

    async def seed(self, visitors: int) -> None:
        """Makes a visitor and a conversation for each socket."""
        self.conversations = [(new_id(), new_id()) for _ in range(visitors)]
        await self._connection.executemany(
            "insert into visitor (id) values ($1)", [(visitor_id,) for _, visitor_id in self.conversations]
        )
        await self._connection.executemany(
            "insert into conversation (id, visitor_id) values ($1, $2)", self.conversations
        )

    def submit(self, visitor: Visitor, client_id: str, body: str) -> None:
        """Queues a message for the next commit."""
        self._queue.append((visitor, client_id, body))
        if self._flight is None:
            self._flight = asyncio.get_running_loop().create_task(self._fly())

    async def _fly(self) -> None:
        while self._queue:
            batch, self._queue = self._queue[:BATCH_MAX], self._queue[BATCH_MAX:]
            await self._commit(batch)
        self._flight = None

    async def _commit(self, batch: list[tuple[Visitor, str, str]]) -> None:
        ids = [new_id() for _ in batch]
        bodies = [body for _, _, body in batch]
        columns = (
            [visitor.conversation_id for visitor, _, _ in batch],
            ["visitor"] * len(batch),
            [visitor.visitor_id for visitor, _, _ in batch],
            [client_id for _, client_id, _ in batch],
            ids,
            bodies,
            bodies,
        )
        row = await self._connection.fetchrow(APPEND, len(batch), *map(SEPARATOR.join, columns), None, REOPEN)
        assert row is not None
        self._publish(batch, ids, row["seqs"], row["stored_at"])

    def _publish(self, batch: list[tuple[Visitor, str, str]], ids: list[str], seqs: list[int], stored_at: int) -> None:
        heard = []
        for (visitor, client_id, body), message_id, seq in zip(batch, ids, seqs, strict=True):
            message = text_frame(f"M{client_id}{message_id} {seq} {stored_at} {body}".encode())
            visitor.write(text_frame(f"A{client_id}{seq}".encode()) + message)
            heard.append(message)
        if self.agent is not None:
            self.agent.underlying_transport.write(b"".join(heard))


class Visitor(WSListener):
    """A visitor's socket."""

    def __init__(self, floor: Floor, conversation_id: str, visitor_id: str) -> None:
        self._floor = floor
        self.conversation_id = conversation_id
        self.visitor_id = visitor_id
        self._transport: WSTransport

    def write(self, frames: bytes) -> None:
        self._transport.underlying_transport.write(frames)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002 - text is all that comes
        text = frame.get_payload_as_utf8_text()
        self._floor.submit(self, text[:36], text[36:])


class Agent(WSListener):
    """The agent's socket; it only hears."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._floor.agent = transport


async def serve(port: int, database_url: str, visitors: int) -> None:
    """Serves until it is killed."""
    floor = Floor(await asyncpg.connect(database_url))
    await floor.seed(visitors)

    def listen(request: WSUpgradeRequest) -> WSListener:
        path = request.path.decode()
        if path == "/agent":
            return Agent(floor)
        number = int(path.rpartition("/")[2])
        return Visitor(floor, *floor.conversations[number % len(floor.conversations)])

    server = await ws_create_server(listen, "127.0.0.1", port, read_buffer_init_size=READ_BUFFER_BYTES)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
