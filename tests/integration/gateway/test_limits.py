"""Limits over real sockets (contract section 1): codes, waits, and what does not count."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = "203.0.113."


def new(text: str = "x", **fields: Any) -> dict[str, Any]:
    return {"bodyText": text, "clientId": str(uuid.uuid4())} | fields


async def outcomes(client, *messages: dict[str, Any]) -> list[str]:
    acks = [await client.ask("visitor_message", message) for message in messages]
    return ["ok" if ack["ok"] else ack["error"] for ack in acks]


async def test_cooldown(serve) -> None:
    """`RATE_LIMIT_MS`: a second message within the pause is COOLDOWN with the rest of the pause."""
    server = await serve(rate_limit_ms=60_000)
    client, ack = await server.greeted()
    first = new("first")
    assert (await client.ask("visitor_message", first))["ok"]
    refused = await client.ask("visitor_message", new("second"))
    assert (refused["ok"], refused["error"]) == (False, "COOLDOWN")
    assert 50_000 < refused["retryAfterMs"] <= 60_000
    assert (await client.ask("visitor_message", first))["duplicate"], "a repeat is answered within the pause"
    await client.emit("visitor_message", {"bodyText": "third"})
    (error,) = await client.get("error")
    assert (error["error"], error["retryAfterMs"] > 0) == ("COOLDOWN", True)
    assert await server.texts(ack["conversationId"]) == ["first"]


async def test_a_visitors_rate(serve) -> None:
    """`CHAT_WS_RATE_PER_MIN`: RATE_LIMITED with `retryAfterMs` for the visitor, on all sockets; others go on."""
    server = await serve(ws_rate_per_min=6, ws_rate_burst=3)
    client, ack = await server.greeted()
    assert await outcomes(client, new(), new(), new(), new()) == ["ok", "ok", "ok", "RATE_LIMITED"]
    refused = await client.ask("visitor_message", new())
    assert 8_000 < refused["retryAfterMs"] <= 10_000
    tab, _ = await server.greeted(visitorToken=ack["visitorToken"])
    assert await outcomes(tab, new()) == ["RATE_LIMITED"]
    other, _ = await server.greeted()
    assert await outcomes(other, new()) == ["ok"]
    assert len(await server.texts(ack["conversationId"])) == 3


async def test_repeats_are_not_counted(serve) -> None:
    """Section 1: repeats of a stored clientId count apart, before the rate is used up and after."""
    server = await serve(ws_rate_per_min=1, ws_rate_burst=3)
    client, ack = await server.greeted()
    first = new("first")
    assert await outcomes(client, first, *[first] * 10) == ["ok"] * 11
    assert await outcomes(client, new(), new(), new()) == ["ok", "ok", "RATE_LIMITED"]
    again = await client.ask("visitor_message", first)
    assert (again["ok"], again["seq"], again["duplicate"]) == (True, 1, True)
    assert len(await server.texts(ack["conversationId"])) == 3


async def test_reads_typing_and_syncs_are_not_counted(serve) -> None:
    """Section 1: reads, typing and syncs count apart from messages."""
    server = await serve(ws_rate_per_min=1, ws_rate_burst=2)
    client, _ = await server.greeted()
    assert await outcomes(client, new()) == ["ok"]
    for _ in range(20):
        assert (await client.ask("visitor_typing", {}))["ok"]
        assert (await client.ask("visitor_read", {"seq": 1}))["ok"]
        assert (await client.ask("visitor_sync", {}))["ok"]
    assert await outcomes(client, new()) == ["ok"]


async def test_chatter_is_bounded(serve) -> None:
    """Typing in a loop is RATE_LIMITED too, and does not stop the person's messages."""
    server = await serve()
    client, _ = await server.greeted()
    for _ in range(140):
        await client.emit("visitor_typing", {})
    refused = await client.ask("visitor_typing", {})
    assert (refused["error"], refused["retryAfterMs"] > 0) == ("RATE_LIMITED", True)
    assert await outcomes(client, new()) == ["ok"]


async def test_new_conversations_of_an_address(serve) -> None:
    """`KEFU_NEW_PER_ADDRESS_PER_HOUR`: RATE_LIMITED beyond it, by /64 for IPv6; resuming is not counted."""
    server = await serve(new_per_address_per_hour=3)
    tokens = []
    for number in range(3):
        _, ack = await server.greeted(address=f"2001:db8:9:9::{number}")
        tokens.append(ack["visitorToken"])
    client = await server.visitor(address="2001:db8:9:9:ffff::1")
    refused = await client.ask("visitor_hello", {"sessionId": f"s_{uuid.uuid4()}"})
    assert (refused["ok"], refused["error"]) == (False, "RATE_LIMITED")
    assert 1_000_000 < refused["retryAfterMs"] <= 1_200_000
    _, ack = await server.greeted(address="2001:db8:9:9::1", visitorToken=tokens[0])
    assert ack["resumed"]
    deferred, _ = await server.greeted(address="2001:db8:9:9::1", defer=True)
    assert await outcomes(deferred, new()) == ["RATE_LIMITED"]
    _, ack = await server.greeted(address="2001:db8:9:8::1")
    assert ack["ok"]


async def test_an_addresss_messages(serve) -> None:
    """`KEFU_ADDRESS_RATE_PER_MIN` holds over all visitors of an address."""
    server = await serve(address_rate_per_min=6, ws_rate_burst=4)
    results = []
    for _ in range(6):
        client, _ = await server.greeted(address=ADDRESS + "7")
        results += await outcomes(client, new())
    assert results == ["ok"] * 4 + ["RATE_LIMITED"] * 2
    client, _ = await server.greeted(address=ADDRESS + "8")
    assert await outcomes(client, new()) == ["ok"]


async def test_an_agents_rate(serve) -> None:
    """`KEFU_AGENT_RATE_PER_MIN`: an agent's messages and notes on all sockets; repeats are answered."""
    server = await serve(agent_rate_per_min=1)
    _, ack = await server.greeted()
    agent, second = await server.agent("rita"), await server.agent("rita")
    target = {"conversationId": ack["conversationId"]}
    first, note = new(**target), new("note", **target)
    assert (await agent.ask("admin_message", first))["ok"]
    assert (await agent.ask("admin_note", note))["ok"]
    for _ in range(30):
        await second.ask("admin_message", new(**target))
    refused = await agent.ask("admin_message", new(**target))
    assert (refused["error"], refused["retryAfterMs"] > 0) == ("RATE_LIMITED", True)
    assert (await agent.ask("admin_message", first))["duplicate"]
    assert (await agent.ask("admin_note", note))["duplicate"]
    assert (await agent.ask("admin_note", new(**target)))["error"] == "RATE_LIMITED"
    assert len(await server.texts(ack["conversationId"])) == 19
    bob = await server.agent("bob")
    assert (await bob.ask("admin_message", new(**target)))["ok"]


async def test_failed_tokens_of_an_address(serve) -> None:
    """Section 1: failed tokens, 10 a minute an address; then even a good one waits, at other addresses it does not."""
    server = await serve(failures_per_min=3)
    socket = await server.agent_socket(address=ADDRESS + "20")
    for _ in range(3):
        assert (await socket.ask("admin_auth", {"token": "guess"}))["error"] == "UNAUTHORIZED"
    for token in ("guess", server.token()):
        refused = await socket.ask("admin_auth", {"token": token})
        assert (refused["error"], refused["retryAfterMs"] > 0) == ("RATE_LIMITED", True)
    other = await server.agent_socket(address=ADDRESS + "21")
    assert (await other.ask("admin_auth", {"token": server.token()}))["ok"]


async def test_failed_hellos_of_an_address(serve) -> None:
    """Section 1: failed hellos, 10 a minute an address."""
    server = await serve(failures_per_min=3)
    client = await server.visitor(address=ADDRESS + "30")
    errors = [(await client.ask("visitor_hello", {"sessionId": "x"}))["error"] for _ in range(5)]
    assert errors == ["INVALID_INPUT"] * 3 + ["RATE_LIMITED"] * 2


async def test_a_forged_forwarded_address_does_not_help_behind_a_proxy(serve) -> None:
    """`CHAT_TRUSTED_PROXIES`: the header is walked from the right, not past what the client wrote in front."""
    server = await serve(failures_per_min=2)
    errors = []
    for number in range(4):
        client = await server.visitor(address=f"10.9.9.{number}, {ADDRESS}40")
        errors.append((await client.ask("visitor_hello", {"sessionId": "x"}))["error"])
    assert errors == ["INVALID_INPUT"] * 2 + ["RATE_LIMITED"] * 2


async def test_without_trusted_proxies_the_header_is_not_believed(serve) -> None:
    """`CHAT_TRUSTED_PROXIES` empty: the peer's address counts, whatever it forges."""
    server = await serve(failures_per_min=2, trusted_proxies=("192.0.2.0/24",))
    errors = []
    for _ in range(4):
        client = await server.visitor()
        errors.append((await client.ask("visitor_hello", {"sessionId": "x"}))["error"])
    assert errors == ["INVALID_INPUT"] * 2 + ["RATE_LIMITED"] * 2
