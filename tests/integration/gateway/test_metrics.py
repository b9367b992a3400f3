"""What a real server's metrics say of what clients really did, and who may read them."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import socketio
from prometheus_client.parser import text_string_to_metric_families

from kefu.observe import bind_internal
from kefu.proof import StartError
from kefu.transport.server.serve import bind

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "1f0c9ab26e4458b3c2d6e8f90a1b2c3d4e5f60aa"

Serve = Callable[..., Awaitable[Any]]


class Numbers:
    """The metrics at one moment."""

    def __init__(self, text: str) -> None:
        self._samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def of(self, name: str, **labels: str) -> float:
        """The sum of all samples of a name under these labels."""
        return sum(s.value for s in self._samples if s.name == name and labels.items() <= s.labels.items())


def free_port() -> int:
    (opened,) = bind("127.0.0.1", 0)
    with opened:
        return int(opened.getsockname()[1])


async def get(port: int, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{port}{path}", headers=headers)


async def test_what_clients_do_is_counted(serve: Serve) -> None:
    internal = free_port()
    server = await serve(internal_port=internal, ws_rate_burst=3)

    async def numbers() -> Numbers:
        return Numbers((await get(internal, "/metrics")).text)

    before = await numbers()
    agent = await server.agent()
    visitor, ack = await server.greeted()
    conversation_id, client_id = ack["conversationId"], str(uuid.uuid4())
    await agent.ask("admin_join", {"conversationId": conversation_id})
    message = {"conversationId": conversation_id, "bodyText": "hello", "clientId": client_id}
    assert (await visitor.ask("visitor_message", message))["ok"]
    assert (await visitor.ask("visitor_message", message))["duplicate"]
    assert (await agent.ask("admin_message", {"conversationId": conversation_id, "bodyText": "hi"}))["ok"]
    assert not (await visitor.ask("visitor_message", {"bodyText": 7}))["ok"]
    for _ in range(3):
        await visitor.ask("visitor_message", {"bodyText": "again"})
    polling = await server.visitor(transport="polling")
    with pytest.raises(socketio.exceptions.ConnectionError):
        await server.visitor(Origin="http://evil.example")
    after = await numbers()

    def grew(name: str, **labels: str) -> float:
        return after.of(name, **labels) - before.of(name, **labels)

    assert grew("kefu_connections", path="/ws-visitor", transport="websocket") == 1
    assert grew("kefu_connections", path="/ws-visitor", transport="polling") == 1
    assert grew("kefu_connections", path="/ws-admin", transport="websocket") == 1
    assert grew("kefu_messages_total", sender="visitor", outcome="stored") == 3
    assert grew("kefu_messages_total", sender="visitor", outcome="duplicate") == 1
    assert grew("kefu_messages_total", sender="admin", outcome="stored") == 1
    assert grew("kefu_append_batch_messages_sum") == 5
    assert grew("kefu_append_batch_messages_count") == grew("kefu_append_commit_seconds_count") >= 2
    assert 0 < grew("kefu_append_commit_seconds_sum") < 10
    assert grew("kefu_acks_total", result="done") == 7  # hello, join, three, a repeat, the agent's
    assert grew("kefu_acks_total", result="refused") == 2
    assert grew("kefu_refusals_total", code="INVALID_INPUT") == 1
    assert grew("kefu_refusals_total", code="RATE_LIMITED") == 1
    assert grew("kefu_rate_limited_total", limit="messages") == 1
    assert grew("kefu_transport_refusals_total", transport="websocket", status="403") == 1
    assert grew("kefu_http_requests_total", route="ws-visitor", status="200") >= 3
    assert after.of("kefu_build_info") == 1
    assert after.of("kefu_append_queue_messages") == 0
    assert after.of("process_resident_memory_bytes") > 1_000_000

    for client in (visitor, polling, agent):
        await client.close()
    async with asyncio.timeout(5):
        while (now := await numbers()).of("kefu_connections") or not now.of("kefu_event_loop_lag_seconds_count"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert now.of("kefu_closes_total", path="/ws-visitor") - before.of("kefu_closes_total", path="/ws-visitor") == 2
    assert now.of("kefu_outbox_bytes") == 0


async def test_bytes_that_a_reader_does_not_take_are_shown(serve: Serve) -> None:
    internal = free_port()
    server = await serve(internal_port=internal, ws_rate_burst=100)
    visitor, ack = await server.greeted()
    agent = await server.agent()
    await agent.ask("admin_join", {"conversationId": ack["conversationId"]})
    (connection,) = server.chat.transport.connections["/ws-admin"]
    connection._client.channel._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    reader = agent._socket.eio.ws._response.connection.transport
    reader.pause_reading()
    for n in range(60):
        assert (await visitor.ask("visitor_message", {"bodyText": f"{n} " + "长" * 3900}))["ok"]
    numbers = Numbers((await get(internal, "/metrics")).text)
    assert numbers.of("kefu_outbox_bytes", path="/ws-admin") > 10_000
    assert numbers.of("kefu_outbox_bytes", path="/ws-visitor") == 0
    reader.resume_reading()


async def test_the_internal_port_answers_operators_only(serve: Serve) -> None:
    internal = free_port()
    server = await serve(internal_port=internal)
    for prefix in ("", "/chat"):
        assert (await get(internal, f"{prefix}/health")).json()["port"] == server.port
        assert (await get(internal, f"{prefix}/ready")).json() == {"ok": True}
        answer = await get(internal, f"{prefix}/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["cache-control"] == "no-store"
        assert "kefu_connections" in answer.text
    for path in ("/widget/widget.js", "/ws-visitor/?EIO=4&transport=polling"):
        assert (await get(internal, path)).status_code == 404
    await server.stop()
    with pytest.raises(httpx.ConnectError):
        await get(internal, "/health")


async def test_an_internal_port_that_is_taken_stops_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    (taken,) = bind("127.0.0.1", 0)
    port = taken.getsockname()[1]
    with taken, pytest.raises(StartError, match=f"KEFU_INTERNAL_PORT={port}"):
        bind_internal(port)
    assert f"SERVER_FAIL KEFU_INTERNAL_PORT={port}" in capsys.readouterr().out


async def test_without_a_token_the_public_port_has_no_metrics(server: Any) -> None:
    for path in ("/metrics", "/chat/metrics"):
        answer = await get(server.port, path, Authorization=f"Bearer {TOKEN}")
        assert (answer.status_code, answer.json()["error"]) == (404, "NOT_FOUND")


async def test_the_token_opens_the_public_port(serve: Serve) -> None:
    server = await serve(metrics_token=TOKEN)
    for path in ("/metrics", "/chat/metrics"):
        for given in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
            answer = await get(server.port, path, **given)
            assert (answer.status_code, answer.json()["error"]) == (401, "UNAUTHORIZED")
            assert answer.headers["www-authenticate"] == "Bearer"
        answer = await get(server.port, path, Authorization=f"Bearer {TOKEN}")
        assert answer.status_code == 200
        assert "kefu_connections" in answer.text
