"""A chat-server that is told to stop while people write: nothing acked is lost, everybody is sent away with 1012."""

from __future__ import annotations

import asyncio
import signal
import time
import urllib.error
import urllib.request

import asyncpg
import msgspec

from conformance.raw_socket import CLOSE, RawSocket

from .conftest import SECRET, free_ports

VISITORS = 40


class Visitor:
    """Writes as fast as acks come, until the server closes."""

    def __init__(self) -> None:
        self.acked: list[str] = []
        self.restarts: list[int] = []
        self.close_code: int | None = None

    async def run(self, port: int, number: int) -> None:
        socket = await RawSocket.open(port)
        await socket.text()
        socket.send(b"40")
        await socket.text()
        hello = {"sessionId": f"visitor-of-the-stop-{number:04}", "defer": False}
        socket.send(b"420" + msgspec.json.encode(["visitor_hello", hello]))
        conversation = None
        while True:
            kind, payload = await socket.frame()
            if kind in (CLOSE, None):
                self.close_code = int.from_bytes(payload[:2], "big") if kind == CLOSE else None
                socket.send(payload, CLOSE)
                return
            if payload == b"2":
                socket.send(b"3")
            elif payload.startswith(b'42["server_restart"'):
                self.restarts.append(msgspec.json.decode(payload[2:])[1]["reconnectInMs"])
            elif payload.startswith(b"430["):
                (answer,) = msgspec.json.decode(payload[3:])
                if answer["ok"] and "messages" in answer:
                    conversation = answer["conversationId"]
                elif answer["ok"]:
                    self.acked.append(answer["id"])
                elif answer["error"] != "UNAVAILABLE":
                    raise AssertionError(answer)
                body = {"conversationId": conversation, "bodyText": f"line {len(self.acked)}"}
                socket.send(b"420" + msgspec.json.encode(["visitor_message", body]))


def ready(port: int) -> int | None:
    """The status of `/chat/ready`; None if nobody accepts."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/chat/ready", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


async def test_a_stop_under_load(start, database_url: str) -> None:
    (port,) = free_ports(1)
    server = start(
        "server",
        CHAT_DATABASE_URL=database_url,
        CHAT_ADMIN_JWT_SECRET=SECRET,
        CHAT_SERVER_PORT=str(port),
        CHAT_WS_RATE_PER_MIN="1000000",
        KEFU_WS_RATE_BURST="1000000",
        KEFU_ADDRESS_RATE_PER_MIN="10000000",
        KEFU_NEW_PER_ADDRESS_PER_HOUR="10000",
        KEFU_STOP_GRACE_MS="600",
    )
    await asyncio.to_thread(server.wait_for, "P0_OK")
    assert ready(port) == 200
    visitors = [Visitor() for _ in range(VISITORS)]
    async with asyncio.TaskGroup() as group:
        for number, visitor in enumerate(visitors):
            group.create_task(visitor.run(port, number))
        while sum(len(visitor.acked) for visitor in visitors) < 2000:  # noqa: ASYNC110 (a sum over all)
            await asyncio.sleep(0.02)
        before = sum(len(visitor.acked) for visitor in visitors)
        server.process.send_signal(signal.SIGTERM)
        told, statuses = time.monotonic(), []
        while (status := await asyncio.to_thread(ready, port)) is not None and time.monotonic() - told < 5:
            statuses.append(status)
            await asyncio.sleep(0.02)
    assert await asyncio.to_thread(server.wait) == 0
    assert time.monotonic() - told < 12
    assert 503 in statuses
    acked = [message for visitor in visitors for message in visitor.acked]
    assert len(acked) > before, "messages go on while load balancers turn away"
    assert len(acked) == len(set(acked))
    assert {visitor.close_code for visitor in visitors} == {1012}
    waits = [wait for visitor in visitors for wait in visitor.restarts]
    assert len(waits) == VISITORS
    assert max(waits) - min(waits) > 1000, "they shall not come back at once"
    connection = await asyncpg.connect(database_url)
    stored = {row["id"] for row in await connection.fetch("select id from message where sender_type = 'visitor'")}
    await connection.close()
    assert set(acked) <= stored
    assert stored == set(acked), "what was in flight was acked as well as committed"
