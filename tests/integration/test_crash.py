"""Killed again and again in the middle of a crowd, `kefu up` loses nothing that it acked and doubles nothing.

Promises 1, 2 and 3 of the contract, through the program, the sockets and PostgreSQL together.
"""

from __future__ import annotations

import asyncio
import signal
from collections import defaultdict
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from kefu.store.embedded import EmbeddedPostgres

from .cli.conftest import SECRET, Program, free_ports
from .crash_clients import Visitor

VISITORS, MESSAGES, KILLS = 200, 50, 3
SECONDS_MAX = 50
UNLIMITED = "1000000"


class Server:
    """`kefu up` in one data folder, on the same ports each time. `up` is set while it serves."""

    def __init__(self, data_dir: Path) -> None:
        port, site_port = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        self.up = asyncio.Event()
        self._environment = {
            "KEFU_DATA_DIR": str(data_dir),
            "CHAT_SERVER_PORT": str(port),
            "KEFU_SITE_PORT": str(site_port),
            "CHAT_ADMIN_JWT_SECRET": SECRET,
            "KEFU_ADMIN_PASSWORD": "correct horse battery",
            "CHAT_WS_RATE_PER_MIN": UNLIMITED,
            "KEFU_WS_RATE_BURST": UNLIMITED,
            "KEFU_ADDRESS_RATE_PER_MIN": UNLIMITED,
            "KEFU_NEW_PER_ADDRESS_PER_HOUR": UNLIMITED,
        }
        self._program: Program | None = None

    async def start(self) -> None:
        self._program = Program("up", **self._environment)
        await asyncio.to_thread(self._program.wait_for, "P0_OK")
        self.up.set()

    async def kill(self) -> None:
        """As the kernel or the power does it: without a word."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        await self._end(signal.SIGTERM)

    async def _end(self, number: int) -> None:
        self.up.clear()
        program, self._program = self._program, None
        if program is not None:
            await asyncio.to_thread(program.end, number)


class Progress:
    """Counts acks and lets somebody wait for a number of them."""

    def __init__(self) -> None:
        self.acks = 0
        self._awaited: list[tuple[int, asyncio.Event]] = []

    def add(self) -> None:
        self.acks += 1
        for number, reached in self._awaited:
            if self.acks >= number:
                reached.set()

    async def reach(self, number: int) -> None:
        reached = asyncio.Event()
        self._awaited.append((number, reached))
        await reached.wait()


async def chat_through_kills(server: Server, visitors: list[Visitor], progress: Progress) -> None:
    """All visitors send; the server is killed each time another part of the messages is acked."""
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        asyncio.TaskGroup() as tasks,
    ):
        for visitor in visitors:
            tasks.create_task(visitor.run(http, server.url, server.up))
        for number in range(1, KILLS + 1):
            await progress.reach(number * VISITORS * MESSAGES // (KILLS + 1))
            await server.kill()
            await server.start()


async def read(data_dir: Path) -> dict[str, list[asyncpg.Record]]:
    """Every stored message by conversation, in order, with the conversation's top."""
    stored = defaultdict(list)
    async with EmbeddedPostgres(data_dir) as postgres:
        connection = await asyncpg.connect(postgres.url)
        for row in await connection.fetch(
            "select m.*, c.seq as top from message m join conversation c on c.id = m.conversation_id"
            " order by m.conversation_id, m.seq"
        ):
            stored[row["conversation_id"]].append(row)
        await connection.close()
    return stored


def check(visitor: Visitor, rows: list[asyncpg.Record]) -> None:
    """What is stored is what was sent, once each, in order; and every ack told the truth."""
    assert [row["seq"] for row in rows] == list(range(1, MESSAGES + 1))
    assert rows[-1]["top"] == MESSAGES
    assert [(row["client_id"], row["body_text"]) for row in rows] == [
        (message.client_id, message.text) for message in visitor.messages
    ]
    for row, message in zip(rows, visitor.messages, strict=True):
        assert message.ack is not None
        assert (message.ack["id"], message.ack["seq"]) == (row["id"], row["seq"])
        assert message.ack["conversationId"] == row["conversation_id"]


@pytest.mark.timeout(SECONDS_MAX + 60)
async def test_a_crowd_loses_and_doubles_nothing_when_the_server_is_killed(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # away from anybody's .env
    progress, everybody = Progress(), asyncio.Barrier(VISITORS)
    visitors = [
        Visitor(number, [f"消息 {n} of {number}" for n in range(1, MESSAGES + 1)], everybody, progress.add)
        for number in range(VISITORS)
    ]
    server = Server(data_dir)
    try:
        async with asyncio.timeout(SECONDS_MAX):
            await server.start()
            await chat_through_kills(server, visitors, progress)
    finally:
        await server.stop()
        stored = await read(data_dir)  # stops PostgreSQL, too, where a failure left it running

    assert len(stored) == VISITORS
    for visitor in visitors:
        check(visitor, stored[visitor.conversation_id or ""])
    resent = [message for visitor in visitors for message in visitor.messages if message.sent > 1]
    assert len(resent) >= KILLS, "the kills met no message under way"
