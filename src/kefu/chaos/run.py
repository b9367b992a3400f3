"""One run: visitors send, connections and the server are killed, and in the end everything is compared."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from kefu.chaos.agent import Agent
from kefu.chaos.ledger import Ledger, Verdict
from kefu.chaos.process import ServerProcess
from kefu.chaos.visitor import Visitor
from kefu.client.address import Address, RefusedError
from kefu.client.websocket import FAULTS

AGENT_SHARE = 0.1
"""How many of the faults hit the agent."""
DELIVERY_S_MAX = 20.0
_POLL_S = 0.05


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes:
        visitors: Who send, each in a conversation of their own.
        messages: What each of them sends.
        seconds: Over which it is spread, and for which things are broken.
        fault_every_s: Mean time between two broken connections.
        kill_every_s: Mean time between two kills of the server, from ready to kill.
        patience_s: How long, after the breaking has ended, what is unacked may still be sent.
    """

    visitors: int = 20
    messages: int = 50
    seconds: float = 60.0
    fault_every_s: float = 0.5
    kill_every_s: float = 8.0
    patience_s: float = 120.0


@dataclass(frozen=True)
class Result:
    """What came of it.

    Attributes:
        verdict: The messages.
        connections: How many were opened.
        faults: How many were broken, by how.
        kills: How often the server was killed.
        seconds: How long it took.
        gave_up: Visitors whom the server did not let send, or whose message it refused for good.
        failure: What it said to the first of them.
    """

    verdict: Verdict
    connections: int
    faults: dict[str, int]
    kills: int
    seconds: float
    gave_up: int
    failure: str

    def numbers(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            **self.verdict.numbers(),
            "connections": self.connections,
            "faults": self.faults,
            "kills": self.kills,
            "seconds": round(self.seconds, 1),
            "gave_up": self.gave_up,
            "failure": self.failure,
            "ok": self.verdict.is_kept,
        }


class Chaos:
    """Runs one plan against one server.

    Args:
        address: The server.
        token: An agent's, good for the whole run.
        plan: What to do.
        server: The process to kill; None breaks connections only.
    """

    def __init__(self, address: Address, token: str, plan: Plan, server: ServerProcess | None = None) -> None:
        self._plan = plan
        self._server = server
        self._ledger = Ledger()
        self._agent = Agent(address, self._ledger, token)
        interval_s = plan.seconds / (plan.messages + 1)
        self._visitors = [
            Visitor(
                address,
                self._ledger,
                number,
                messages=plan.messages,
                interval_s=interval_s,
                on_conversation=self._agent.join,
            )
            for number in range(1, plan.visitors + 1)
        ]
        self._faults: Counter[str] = Counter()
        self._calm = asyncio.Event()

    async def run(self) -> Result:
        """Does it all.

        Raises:
            RefusedError: The server refuses the agent, or every visitor.
            ServerError: The server does not come back.
        """
        began = time.monotonic()
        kills = self._server.kills if self._server else 0
        try:
            await self._send_and_break()
            stored = await self._agent.read_stored()
        finally:
            for client in (*self._visitors, self._agent):
                client.close()
        failures = [visitor.failure for visitor in self._visitors if visitor.failure]
        if len(failures) == len(self._visitors):
            raise RefusedError(failures[0])
        return Result(
            verdict=self._ledger.judge(stored),
            connections=sum(client.connections for client in (*self._visitors, self._agent)),
            faults=dict(self._faults),
            kills=(self._server.kills if self._server else 0) - kills,
            seconds=time.monotonic() - began,
            gave_up=len(failures),
            failure=failures[0] if failures else "",
        )

    async def _send_and_break(self) -> None:
        sending = {asyncio.create_task(visitor.run()) for visitor in self._visitors}
        breaking = {asyncio.create_task(self._break_connections())}
        if self._server is not None:
            breaking.add(asyncio.create_task(self._kill(self._server)))
        following = asyncio.create_task(self._agent.run())
        try:
            await self._until_acked(sending, breaking | {following})
            self._calm.set()
            await asyncio.gather(*breaking)
            await self._until_delivered()
        finally:
            tasks = (*sending, *breaking, following)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _until_acked(self, sending: set[asyncio.Task[None]], others: set[asyncio.Task[None]]) -> None:
        """Waits for all visitors, but not for ever; what fails elsewhere ends it too."""
        end = time.monotonic() + self._plan.seconds + self._plan.patience_s
        waiting = sending | others
        while waiting & sending and (left_s := end - time.monotonic()) > 0:
            done, waiting = await asyncio.wait(waiting, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if self._agent.failure:
                raise RefusedError(self._agent.failure)

    async def _break_connections(self) -> None:
        end = time.monotonic() + self._plan.seconds
        while not await self._is_calm(end, random.expovariate(1 / self._plan.fault_every_s)):
            victim = self._agent if random.random() < AGENT_SHARE else random.choice(self._visitors)  # noqa: S311
            fault = random.choice(FAULTS)  # noqa: S311 - dice, no secret
            if victim.break_connection(fault):
                self._faults[fault] += 1

    async def _kill(self, server: ServerProcess) -> None:
        """Kills at a random moment after the server was ready; it is never left dead."""
        end = time.monotonic() + self._plan.seconds
        while not await self._is_calm(end, self._plan.kill_every_s * random.uniform(0.3, 1.7)):  # noqa: S311
            await server.kill()
            server.start()
            await server.until_ready()

    async def _is_calm(self, end: float, seconds: float) -> bool:
        """Waits; True if the breaking is over before the time is."""
        left_s = end - time.monotonic()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._calm.wait(), max(0.0, min(left_s, seconds)))
        return self._calm.is_set() or left_s <= seconds

    async def _until_delivered(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DELIVERY_S_MAX):
                while self._ledger.missing_deliveries and not self._agent.failure:  # noqa: ASYNC110 (from many places)
                    await asyncio.sleep(_POLL_S)
