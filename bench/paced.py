"""What a node hears from the others: the same trickle on any number of nodes, each visitor's agent on another one."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass

from dialects import SocketIoAgent, SocketIoVisitor
from generate import connect
from kefu.tokens import issue_agent_token
from nodes import SECRET, Node

VISITORS, AGENTS = 64, 8
RATE_PER_S = 240
SECONDS_WARM, SECONDS = 2.0, 6.0
SETTLE_S = 1.5


@dataclass(frozen=True, slots=True)
class Heard:
    """One number of nodes; `heard_*` is of the measured window, a second and a node."""

    nodes: int
    messages: int
    delivered: int
    heard_messages: float
    heard_rows: float
    heard_presence: float
    cpu_us: float


class _Count:
    """What became of the messages; a `dialects.Load`."""

    def __init__(self) -> None:
        self.acks = self.deliveries = 0

    def acked(self, _visitor: int, _n: int) -> None:
        self.acks += 1

    def echoed(self, _visitor: int, _n: int) -> None:
        pass

    def delivered(self, _visitor: int, _n: int) -> None:
        self.deliveries += 1

    def failed(self, reason: str) -> None:
        raise SystemExit(f"the run is void: {reason}")


async def drive(nodes: list[Node]) -> Heard:
    """Connects everybody, sends at the rate, and reads what it came to."""
    count = _Count()
    visitors = await _connect(nodes, count)
    sent = await _send(visitors, 0, SECONDS_WARM)
    await asyncio.sleep(SETTLE_S)
    acks, deliveries = count.acks, count.deliveries
    heard, cpu = [node.deliveries() for node in nodes], sum(node.cpu_s() for node in nodes)
    messages = await _send(visitors, sent, SECONDS)
    await asyncio.sleep(SETTLE_S)
    cpu = sum(node.cpu_s() for node in nodes) - cpu
    gained = [
        {kind: now - then.get(kind, 0) for kind, now in node.deliveries().items()}
        for node, then in zip(nodes, heard, strict=True)
    ]
    if count.acks - acks != messages:
        raise SystemExit(f"the run is void: {messages} sent, {count.acks - acks} acked")

    def a_second(kind: str) -> float:
        return statistics.mean(found.get(kind, 0) for found in gained) / (SECONDS + SETTLE_S)

    return Heard(
        nodes=len(nodes),
        messages=messages,
        delivered=count.deliveries - deliveries,
        heard_messages=a_second("message"),
        heard_rows=a_second("changed"),
        heard_presence=a_second("presence"),
        cpu_us=cpu / messages * 1e6,
    )


async def _connect(nodes: list[Node], count: _Count) -> list[SocketIoVisitor]:
    visitors = [SocketIoVisitor(number, count, greets=True) for number in range(VISITORS)]
    for first, node in enumerate(nodes):
        await connect(visitors[first :: len(nodes)], node.port)
    for number in range(AGENTS):
        theirs = [visitor for visitor in visitors if (visitor.number + 1) % AGENTS == number]
        token = issue_agent_token(SECRET, agent_id=f"agent{number}", role="agent", name="Agent")
        await connect([SocketIoAgent(count, theirs, token)], nodes[number % len(nodes)].port)
    return visitors


async def _send(visitors: list[SocketIoVisitor], already: int, seconds: float) -> int:
    """Sends in turn at the rate; each visitor's messages are numbered on. Whole rounds only."""
    rounds = round(seconds * RATE_PER_S / VISITORS)
    began = time.monotonic()
    for number in range(rounds * VISITORS):
        await asyncio.sleep(max(0.0, began + number / RATE_PER_S - time.monotonic()))
        visitors[number % VISITORS].send_message((already + number) // VISITORS + 1)
    return rounds * VISITORS
