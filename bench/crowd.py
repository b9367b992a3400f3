"""The generator of `cluster.py`: visitors and agents spread over nodes, in a closed loop.

Reads a `CrowdPlan`, prints a `CrowdResult`. As in `generate.py`, every message must be acked, come back to its visitor
and reach its agent.
"""

from __future__ import annotations

import sys
from typing import Literal

import msgspec
import uvloop

from dialects import SocketIoAgent, SocketIoVisitor
from generate import Run, connect, load
from plan import LoadResult, Plan
from processes import Cpu, cpu_s, family_cpu_s, machine_cpu_s
from sockets import Socket


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


class CrowdResult(msgspec.Struct):
    """A window's load, and what NATS used meanwhile, CPU µs a message."""

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
        self.nats_s: list[float] = []

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
        self.nats_s.append(cpu_s(plan.nats_pid))
        return Cpu(sum(map(cpu_s, plan.pids)), family_cpu_s(plan.postgres_pid), cpu_s(), machine_cpu_s())


def main() -> None:
    """Runs one plan."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=CrowdPlan)

    async def run() -> CrowdResult:
        made = CrowdRun(plan)
        result = await load(made)
        before, after = made.nats_s
        return CrowdResult(result, (after - before) / result.messages * 1e6)

    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run())))


if __name__ == "__main__":
    main()
