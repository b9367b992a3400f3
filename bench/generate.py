"""The generator: visitors and one agent in a process of its own; reads a `Plan`, prints a result.

Every message must be acked, come back to its visitor and reach the agent; one that does not fails the run.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import msgspec
import uvloop

from dialects import DIALECTS, Visitor
from plan import IdleResult, Latency, LoadResult, Plan, Step
from processes import Cpu, cpu, memory
from sockets import Socket

CONNECTS_AT_ONCE_MAX = 50
OPEN_S_MAX = 60.0
DRAIN_S_MAX = 10.0
DRAIN_POLL_S = 0.01
HOST = "127.0.0.1"

Result = TypeVar("Result")

now = time.perf_counter


class Run:
    """Counts and times messages; a `dialects.Load`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.visitors: list[Visitor] = []
        self.sent: list[int] = [0] * plan.visitors
        self.acks = self.echoes = self.deliveries = 0
        self.ack_s: list[float] = []
        self.delivery_s: list[float] = []
        self.is_sending = False
        self.is_measuring = False
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sent_at: list[list[float]] = [[0.0] for _ in range(plan.visitors)]
        self._closes_loop = plan.mode == "closed"

    # --- what the dialects tell ----------------------------------------------------------------------------

    def acked(self, visitor: int, n: int) -> None:
        self.acks += 1
        if self.is_measuring:
            self.ack_s.append(now() - self._sent_at[visitor][n])
        if self.is_sending and self._closes_loop:
            self.send(visitor, now())

    def echoed(self, visitor: int, n: int) -> None:  # noqa: ARG002 - counted only
        self.echoes += 1

    def delivered(self, visitor: int, n: int) -> None:
        self.deliveries += 1
        if self.is_measuring:
            self.delivery_s.append(now() - self._sent_at[visitor][n])

    def failed(self, reason: str) -> None:
        if not self.failure.done():
            self.failure.set_exception(RuntimeError(reason))

    # --- the load ------------------------------------------------------------------------------------------

    def send(self, visitor: int, at: float) -> None:
        """Sends the visitor's next message; its latencies count from `at`."""
        n = self.sent[visitor] = self.sent[visitor] + 1
        self._sent_at[visitor].append(at)
        self.visitors[visitor].send_message(n)

    async def open(self) -> Sequence[Socket]:
        """Connects the visitors, then the agent.

        Returns:
            The agents' sockets.
        """
        visitor_class, agent_class = DIALECTS[self.plan.dialect]
        self.visitors = [visitor_class(number, self, greets=True) for number in range(self.plan.visitors)]
        await connect(self.visitors, self.plan.port)
        agent = agent_class(self, self.visitors, self.plan.agent_token)
        await connect([agent], self.plan.port)
        return [agent]

    def cpu(self) -> Cpu:
        """What was used so far."""
        return cpu(self.plan.server_pid, self.plan.postgres_pid)

    async def measure(self) -> LoadResult:
        """Warms up, measures a window, and waits until everything that was sent has arrived everywhere."""
        plan = self.plan
        self.is_sending = True
        sender = asyncio.create_task(self._send())
        await asyncio.sleep(plan.seconds_warm)
        before, before_cpu, begun = self.deliveries, self.cpu(), now()
        self.is_measuring = True
        await asyncio.sleep(plan.seconds)
        self.is_measuring = False
        seconds = now() - begun
        used = self.cpu().since(before_cpu)
        messages = self.deliveries - before
        self.is_sending = False
        await sender
        await self._drain()
        return self._result(messages, seconds, used)

    async def _send(self) -> None:
        if self.plan.mode == "closed":
            for visitor in range(self.plan.visitors):
                self.send(visitor, now())
            return
        begun, number = now(), 0
        while self.is_sending:
            planned = begun + number / self.plan.rate_per_s
            await asyncio.sleep(max(0.0, planned - now()))
            self.send(number % self.plan.visitors, planned)
            number += 1

    async def _drain(self) -> None:
        wanted, deadline = sum(self.sent), now() + DRAIN_S_MAX
        while (arrived := (self.acks, self.echoes, self.deliveries)) != (wanted, wanted, wanted):
            if now() > deadline:
                raise RuntimeError(f"sent {wanted} messages; acked, echoed, delivered: {arrived}")
            await asyncio.sleep(DRAIN_POLL_S)

    def _result(self, messages: int, seconds: float, used: Cpu) -> LoadResult:
        def per_message_us(cpu_s: float) -> float:
            return cpu_s / messages * 1e6

        return LoadResult(
            messages=messages,
            messages_per_s=messages / seconds,
            server_us=per_message_us(used.server),
            postgres_us=per_message_us(used.postgres),
            generator_us=per_message_us(used.generator),
            server_cores=used.server / seconds,
            generator_cores=used.generator / seconds,
            other_cores=used.others / seconds,
            ack_ms=_latency(self.ack_s),
            delivery_ms=_latency(self.delivery_s),
        )


async def idle(plan: Plan) -> IdleResult:
    """Connects visitors in steps and weighs the server at each."""
    run = Run(plan)
    visitor_class, _ = DIALECTS[plan.dialect]
    # A few come and go first: pools, caches and the interpreter's arenas are not the connections' own.
    await _come_and_go([visitor_class(number, run, greets=plan.greets) for number in range(plan.visitors)], plan)
    steps = [await _step([], 0, plan)]
    held: list[Visitor] = []
    for connections in plan.steps:
        arriving = [visitor_class(number, run, greets=plan.greets) for number in range(len(held), connections)]
        held += arriving
        steps.append(await _step(arriving, connections, plan))
        if run.failure.done():
            run.failure.result()
    for visitor in held:
        visitor.close()
    return IdleResult(steps)


async def _come_and_go(visitors: list[Visitor], plan: Plan) -> None:
    await connect(visitors, plan.port)
    for visitor in visitors:
        visitor.close()


async def _step(arriving: Sequence[Socket], connections: int, plan: Plan) -> Step:
    before, begun = cpu(plan.server_pid, plan.postgres_pid), now()
    await connect(arriving, plan.port)
    seconds, used = now() - begun, cpu(plan.server_pid, plan.postgres_pid).since(before)
    await asyncio.sleep(plan.settle_s)
    rss, pss = memory(plan.server_pid)
    return Step(
        connections=connections,
        seconds=seconds,
        server_us=used.server / max(1, len(arriving)) * 1e6,
        generator_cores=used.generator / seconds,
        rss=rss,
        pss=pss,
    )


async def connect(sockets: Sequence[Socket], port: int) -> None:
    """Opens sockets, not too many at once."""
    gate = asyncio.Semaphore(CONNECTS_AT_ONCE_MAX)

    async def one(socket: Socket) -> None:
        async with gate, asyncio.timeout(OPEN_S_MAX):
            await asyncio.get_running_loop().create_connection(lambda: socket, HOST, port)
            await socket.ready

    await asyncio.gather(*map(one, sockets))


async def load(runs: Sequence[Run], measure: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Opens everything and measures; the first failure of a run ends it."""
    agents = [agent for run in runs for agent in await run.open()]
    gc.collect()
    gc.disable()
    measuring = asyncio.create_task(measure())
    failures = [run.failure for run in runs]
    waited: set[asyncio.Future[Any]] = {measuring, *failures}
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    for failure in failures:
        if failure.done():
            measuring.cancel()
            failure.result()
    for socket in (*(visitor for run in runs for visitor in run.visitors), *agents):
        socket.close()
    return await measuring


async def _load(plan: Plan) -> LoadResult:
    run = Run(plan)  # it needs the running loop
    return await load([run], run.measure)


def _latency(seconds: list[float]) -> Latency:
    ordered = sorted(seconds)
    if not ordered:
        raise RuntimeError("no message was measured")
    return Latency(*(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 for share in (0.5, 0.99)))


def main() -> None:
    """Runs one plan."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    result = uvloop.run(idle(plan) if plan.mode == "idle" else _load(plan))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
