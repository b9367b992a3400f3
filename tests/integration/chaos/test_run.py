"""Chaos against a real server in this process: what it breaks, what it honours, and that it sees what is broken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kefu.chaos.run import Chaos, Plan, Result
from kefu.client.address import Address, RefusedError

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLAN = Plan(visitors=5, messages=12, seconds=3, fault_every_s=0.05, patience_s=20)
QUIET = Plan(visitors=3, messages=6, seconds=1, fault_every_s=1000, patience_s=20)

Serve = Callable[..., Awaitable[Any]]


def chaos(server: Any, plan: Plan, **changes: Any) -> Chaos:
    address = Address(f"http://127.0.0.1:{server.port}", changes.pop("origin", ""))
    return Chaos(address, changes.pop("token", None) or server.token("chaos"), plan)


async def run(server: Any, plan: Plan, **changes: Any) -> Result:
    return await chaos(server, plan, **changes).run()


async def test_every_promise_holds_while_connections_break(serve: Serve) -> None:
    server = await serve(ws_rate_burst=1000)
    result = await run(server, PLAN)
    assert result.verdict.is_kept, result
    assert (result.verdict.acked, result.verdict.delivered) == (60, 60)
    assert sum(result.faults.values()) >= 10
    assert result.faults.keys() == {"abort", "half-open", "close"}
    assert result.connections > 10
    assert result.gave_up == 0
    rows = await server.sql("select count(*) from message where body_text like 'chaos %'")
    assert rows[0][0] == 60


async def test_acks_that_are_lost_are_given_again(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message left, and nothing is read any more: it is stored, and its sender does not know."""
    monkeypatch.setattr("kefu.chaos.visitor.UNDER_WAY_SHARE", 1.0)
    monkeypatch.setattr("kefu.chaos.visitor.UNDER_WAY_S_MAX", 0.0)
    monkeypatch.setattr("kefu.chaos.run.FAULTS", ("half-open",))
    result = await run(await serve(ws_rate_burst=1000), PLAN)
    assert result.verdict.repeats > 0
    assert result.verdict.is_kept, result


async def test_a_run_leaves_nobody_connected(serve: Serve) -> None:
    """Not even half-open ones, and not the agent who followed before it asked for what is stored."""
    server = await serve(ws_rate_burst=1000)
    result = await run(server, Plan(visitors=3, messages=6, seconds=1, fault_every_s=0.05, patience_s=20))
    assert result.connections > 4
    async with asyncio.timeout(2):
        while any(server.chat.transport.count_connections().values()):  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.01)


async def test_limits_are_honoured(serve: Serve) -> None:
    server = await serve(ws_rate_burst=2, ws_rate_per_min=240)
    result = await run(server, QUIET)
    assert result.verdict.refused > 0
    assert result.verdict.acked == 18
    assert result.verdict.is_kept, result
    assert result.seconds >= 1


async def test_a_message_that_vanishes_is_seen(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kefu.chaos.run.DELIVERY_S_MAX", 1.0)
    server = await serve(ws_rate_burst=1000)
    await server.sql("delete from message where body_text = 'chaos 2/1'")
    running = asyncio.create_task(run(server, QUIET))
    async with asyncio.timeout(10):
        while not await server.sql("delete from message where body_text = 'chaos 2/1' returning id"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    verdict = (await running).verdict
    assert (verdict.lost, verdict.holes) == (1, 1)
    assert not verdict.is_kept


async def test_a_message_that_no_agent_hears_is_seen(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await serve(ws_rate_burst=1000)
    publish = type(server.chat.publisher).message

    def mostly(self: Any, message: Any) -> None:
        if message.body_text != "chaos 1/6":
            publish(self, message)
        else:
            self.tops[message.conversation_id] = message.seq  # so that the comparison is content

    monkeypatch.setattr(type(server.chat.publisher), "message", mostly)
    monkeypatch.setattr("kefu.chaos.run.DELIVERY_S_MAX", 1.0)
    verdict = (await run(server, QUIET)).verdict
    assert (verdict.undelivered, verdict.lost, verdict.stored) == (1, 0, 18)
    assert not verdict.is_kept


async def test_a_refused_origin_is_told(serve: Serve) -> None:
    server = await serve()
    with pytest.raises(RefusedError, match=r"/ws-(admin|visitor) answered 403 to the handshake; is its origin allowed"):
        await run(server, QUIET, origin="https://evil.example")


async def test_a_refused_token_is_told(serve: Serve) -> None:
    server = await serve()
    with pytest.raises(RefusedError, match="the agent's token was refused: TOKEN_EXPIRED"):
        await run(server, QUIET, token=server.token("chaos", left_s=-60))


async def test_a_server_that_takes_no_new_conversations_is_told(serve: Serve) -> None:
    server = await serve(new_per_address_per_hour=1)
    result = await run(server, QUIET)
    assert result.gave_up == 2
    assert result.failure.startswith("visitor_hello was refused: RATE_LIMITED, for ")
    assert result.verdict.is_kept
    with pytest.raises(RefusedError, match="visitor_hello was refused: RATE_LIMITED"):
        await run(server, QUIET)
