"""The generator of `cluster.py`: crowds of visitors and agents, each spread over the nodes of an installation.

Reads `Crowds`, prints a `CrowdResult` each. One crowd at a time runs its closed loop while the others rest, in turns
of a few seconds, so that a machine whose speed drifts is the same one for all. As in `generate.py`, every message must
be acked, come back to its visitor and reach its agent.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from typing import Literal

import msgspec
import uvloop
from msgspec.structs import replace

from dialects import SocketIoAgent, SocketIoVisitor
from generate import Run, connect, load, now
from plan import LoadResult, Plan
from processes import Cpu, cpu_s, family_cpu_s, machine_cpu_s
from sockets import Socket

REST_SECONDS = 3.0


class CrowdPlan(Plan, kw_only=True):
    """A closed loop over several nodes.

    Attributes:
        ports: The nodes'; visitor v is on node v modulo their number.
        pids: The nodes'.
        nats_pid: NATS' process.
        agent_tokens: One an agent; agent a is on node a modulo the number of nodes, which divides the number of agents.
        where: Which agent serves a visitor: one on the `same` node, on any as by `chance`, on an `other` one.
    """

    ports: list[int]
    pids: list[int]
    nats_pid: int
    agent_tokens: list[str]
    where: Literal["same", "chance", "other"] = "chance"


class Crowds(msgspec.Struct):
    """Crowds that take turns, so many each."""

    crowds: list[CrowdPlan]
    turns: int


class CrowdResult(msgspec.Struct):
    """What a crowd's turns came to.

    Attributes:
        load: Means of the turns' windows, and latencies of all; but `server_us` is of the whole time from the first
            turn on, so that what a node does later, while others have their turn, is in it, less what it uses at rest
            in that time.
        nats_us: What NATS used in the windows, CPU µs a message.
    """

    load: LoadResult
    nats_us: float


def agent_of(plan: CrowdPlan, visitor: int) -> int:
    """The agent who serves a visitor."""
    nodes, agents = len(plan.ports), len(plan.agent_tokens)
    if plan.where == "chance":
        return visitor // nodes % agents
    return (visitor + (plan.where == "other")) % agents


class CrowdRun(Run):
    """A run with as many servers and agents as the plan has."""

    def __init__(self, plan: CrowdPlan) -> None:
        super().__init__(plan)
        self._crowd = plan
        self._nats_s: list[float] = []
        self._windows: list[LoadResult] = []
        self._begun = self._server_s = self._rest_cores = self._turn_seconds = 0.0

    async def open(self) -> list[Socket]:
        """Connects the visitors, node by node, then the agents."""
        plan, nodes = self._crowd, len(self._crowd.ports)
        self.visitors = [SocketIoVisitor(number, self, greets=True) for number in range(plan.visitors)]
        for node, port in enumerate(plan.ports):
            await connect(self.visitors[node::nodes], port)
        agents: list[Socket] = []
        for number, token in enumerate(plan.agent_tokens):
            theirs = [visitor for visitor in self.visitors if agent_of(plan, visitor.number) == number]
            agents.append(SocketIoAgent(self, theirs, token))
            await connect([agents[-1]], plan.ports[number % nodes])
        return agents

    def cpu(self) -> Cpu:
        """All nodes are the server; NATS' share is kept apart."""
        plan = self._crowd
        self._nats_s.append(cpu_s(plan.nats_pid))
        return Cpu(self._server_cpu_s(), family_cpu_s(plan.postgres_pid), cpu_s(), machine_cpu_s())

    async def rest(self) -> None:
        """Measures what the nodes use while nobody says anything."""
        before = self._server_cpu_s()
        await asyncio.sleep(REST_SECONDS)
        self._begun, self._server_s = now(), self._server_cpu_s()
        self._rest_cores = (self._server_s - before) / REST_SECONDS

    async def turn(self) -> None:
        """Measures a window."""
        begun = now()
        self._windows.append(await self.measure())
        self._turn_seconds += now() - begun

    def result(self) -> CrowdResult:
        """What the turns came to, once they are over."""
        windows = self._windows
        means = {
            name: statistics.fmean(getattr(window, name) for window in windows)
            for name, kind in LoadResult.__annotations__.items()
            if kind == "float"
        }
        resting_s = self._rest_cores * (now() - self._begun - self._turn_seconds)
        means["server_us"] = (self._server_cpu_s() - self._server_s - resting_s) / self.deliveries * 1e6
        messages = sum(window.messages for window in windows)
        nats_s = sum(self._nats_s[1::2]) - sum(self._nats_s[::2])  # before and after each window
        return CrowdResult(replace(windows[-1], messages=messages, **means), nats_s / messages * 1e6)

    def _server_cpu_s(self) -> float:
        return sum(map(cpu_s, self._crowd.pids))


def main() -> None:
    """Runs one plan."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Crowds)

    async def run() -> list[CrowdResult]:
        runs = [CrowdRun(crowd) for crowd in plan.crowds]

        async def take_turns() -> list[CrowdResult]:
            await asyncio.gather(*(each.rest() for each in runs))
            for _ in range(plan.turns):
                for each in runs:
                    await each.turn()
            return [each.result() for each in runs]

        return await load(runs, take_turns)

    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run())))


if __name__ == "__main__":
    main()
