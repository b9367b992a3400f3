"""A node that is killed between commit and publish: the others tell what it could not (promise 4)."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

import kefu
from integration.nats_server import NatsServer
from kefu.actions import compare, presence

from .conftest import SECRET, Client

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEEN_WITHIN_S = 10
LAST_WORDS = "last words"
# A chat-server that dies by SIGKILL when a certain message is committed and acked, and not published yet.
MORTAL = f"""
import os, signal, sys
from kefu.actions.send import Sender
publish = Sender._publish
def publish_or_die(self, draft, *rest):
    if draft.body_text == {LAST_WORDS!r}:
        os.kill(os.getpid(), signal.SIGKILL)
    publish(self, draft, *rest)
Sender._publish = publish_or_die
sys.argv = ["kefu", "server"]
from kefu.cli.main import run
run()
"""


@pytest.fixture
def nats():
    server = NatsServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def process(database_url, nats, tmp_path):
    """A node of its own process, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        port = opened.getsockname()[1]
    started = subprocess.Popen(
        [sys.executable, "-c", MORTAL],
        cwd=tmp_path,
        env=os.environ
        | {
            "PYTHONPATH": str(Path(kefu.__file__).parents[1]),
            "CHAT_DATABASE_URL": database_url,
            "CHAT_ADMIN_JWT_SECRET": SECRET,
            "CHAT_SERVER_PORT": str(port),
            "KEFU_NATS_URL": nats.url,
        },
    )
    yield port, started
    started.kill()
    started.wait()


@pytest_asyncio.fixture(loop_scope="module")
async def mortal(process):
    """The same, once it serves and has joined the bus."""
    port, started = process
    async with asyncio.timeout(30), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"http://127.0.0.1:{port}/chat/ready") as answer:
                    if await answer.json() == {"ok": True}:
                        break
            except aiohttp.ClientError:
                assert started.poll() is None
            await asyncio.sleep(0.1)
    return process


async def test_killed_between_commit_and_publish(serve, nats, mortal, database_url) -> None:
    """The joined agent gets the message and every other agent the row, on another node, within 10 s, untouched."""
    port, process = mortal
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "INTERVAL_S", 5.0)  # as in production
        patch.setattr(presence, "SILENT_MAX_S", 7.0)  # in production 15; nodes speak every 5
        node = await serve(database_url, nats_url=nats.url)
        visitor = await Client(port, "/ws-visitor").connect()
        ack = await visitor.ask("visitor_hello", {"sessionId": f"s_{uuid.uuid4()}"})
        joined, idle = await node.agent("ann"), await node.agent("bob")
        await joined.ask("admin_join", {"conversationId": ack["conversationId"]})
        assert (await visitor.ask("visitor_message", {"bodyText": "first words"}))["ok"]
        async with asyncio.timeout(1):
            await joined.get("message_new")
            await idle.get("conversation_update")
        assert await is_online(joined, ack) is True

        began = time.monotonic()
        await visitor.emit("visitor_message", {"bodyText": LAST_WORDS, "clientId": str(uuid.uuid4())})
        assert await asyncio.to_thread(process.wait, 10) == -signal.SIGKILL
        async with asyncio.timeout(SEEN_WITHIN_S):
            while [message["bodyText"] for message in joined.of("message_new")][-1] != LAST_WORDS:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            while idle.of("conversation_update")[-1]["preview"] != LAST_WORDS:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert time.monotonic() - began < SEEN_WITHIN_S
        assert await node.texts(ack["conversationId"]) == ["first words", LAST_WORDS]
        assert await is_online(joined, ack) is True
        async with asyncio.timeout(9):
            while (await idle.get("presence"))[-1]["online"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await is_online(joined, ack) is False
        await node.stop()


async def is_online(agent, ack) -> bool:
    """What the visitor's row says."""
    return (await agent.ask("admin_join", {"conversationId": ack["conversationId"]}))["row"]["visitorOnline"]
