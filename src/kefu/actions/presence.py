"""Who is online on any node: visitors by their conversations, and agents (soft state, never in the database).

Each node reports its own sets, changes at once and everything every few seconds, and keeps the others' in memory. A
node that says nothing for a while is dropped with everybody on it. Knows reports and a clock; knows no sockets.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable

from kefu.actions.deliver import Deliverer
from kefu.bus.envelope import PresenceReport
from kefu.bus.port import Bus
from kefu.bus.subjects import PRESENCE
from kefu.store.ids import new_id
from kefu.store.tables import DEFAULT_SITE
from kefu.wire.server import Presence

WHOLE_INTERVAL_S = 5.0
SILENT_MAX_S = 15.0
SWEEP_INTERVAL_S = 1.0
IDS_PER_PART_MAX = 5000


class _Node:
    """What another node last said of itself. `parts` holds a whole report that has not all come yet."""

    __slots__ = ("agents", "counter", "heard_at", "parts", "parts_counter", "visitors")

    def __init__(self) -> None:
        self.counter = 0
        self.heard_at = 0.0
        self.visitors: set[str] = set()
        self.agents: set[str] = set()
        self.parts: dict[int, PresenceReport] = {}
        self.parts_counter = 0


class PresenceBoard:
    """Everybody who is online, as far as this node knows.

    Args:
        bus: Where reports go.
        deliver: Tells this node's agents who came and went.
        clock: Seconds, for silence.
    """

    def __init__(self, bus: Bus, deliver: Deliverer, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.node = new_id()
        self._bus = bus
        self._deliver = deliver
        self._clock = clock
        self._visitors: set[str] = set()
        self._agents: Counter[str] = Counter()
        self._others: dict[str, _Node] = {}
        self._counter = 0
        self._has_newcomer = asyncio.Event()

    # --- who is online -------------------------------------------------------------------------------------

    def is_visitor_online(self, conversation_id: str) -> bool:
        """Whether the visitor of a conversation is connected to any node."""
        return conversation_id in self._visitors or any(
            conversation_id in other.visitors for other in self._others.values()
        )

    def agents_online(self) -> set[str]:
        """Ids of the agents who are connected to any node."""
        return set(self._agents).union(*(other.agents for other in self._others.values()))

    # --- this node -----------------------------------------------------------------------------------------

    def first_message(self, conversation_id: str) -> None:
        """A conversation whose visitor is here got its first message: from now on it is everybody's business."""
        self.visitor_came(conversation_id, quiet=True)

    def visitor_came(self, conversation_id: str, *, quiet: bool = False) -> None:
        """The first socket of a conversation's visitor is here; nothing happens if that is known.

        `quiet`: agents are not told, because a row that says it follows.
        """
        if conversation_id in self._visitors:
            return
        was_online = self.is_visitor_online(conversation_id)
        self._visitors.add(conversation_id)
        self._report(visitors=(conversation_id,), quiet=quiet)
        if not was_online and not quiet:
            self._tell(conversation_id, online=True)

    def visitor_went(self, conversation_id: str) -> None:
        """The last socket of a conversation's visitor is gone from here."""
        if conversation_id not in self._visitors:
            return
        self._visitors.discard(conversation_id)
        self._report(gone_visitors=(conversation_id,))
        if not self.is_visitor_online(conversation_id):
            self._tell(conversation_id, online=False)

    def agent_came(self, agent_id: str) -> None:
        """One more socket of an agent is here."""
        self._agents[agent_id] += 1
        if self._agents[agent_id] == 1:
            self._report(agents=(agent_id,))

    def agent_went(self, agent_id: str) -> None:
        """One socket of an agent is gone from here."""
        self._agents[agent_id] -= 1
        if self._agents[agent_id] <= 0:
            del self._agents[agent_id]
            self._report(gone_agents=(agent_id,))

    def say_everything(self) -> None:
        """Reports this node's sets whole, in parts that fit an envelope."""
        if self._bus.is_alone:
            return
        self._counter += 1
        people = [(False, opaque_id) for opaque_id in self._visitors] + [(True, agent_id) for agent_id in self._agents]
        parts = max(1, -(-len(people) // IDS_PER_PART_MAX))
        for part in range(parts):
            some = people[part * IDS_PER_PART_MAX : (part + 1) * IDS_PER_PART_MAX]
            self._publish(
                PresenceReport(
                    self.node,
                    self._counter,
                    whole=True,
                    part=part,
                    parts=parts,
                    visitors=tuple(opaque_id for is_agent, opaque_id in some if not is_agent),
                    agents=tuple(opaque_id for is_agent, opaque_id in some if is_agent),
                )
            )

    def leave(self) -> None:
        """This node stops: the others drop it now instead of when they miss it."""
        self._visitors.clear()
        self._agents.clear()
        self.say_everything()

    async def run(self) -> None:
        """Reports and drops who is silent, until cancelled."""
        if self._bus.is_alone:
            return
        next_whole = 0.0
        while True:
            if self._has_newcomer.is_set() or self._clock() >= next_whole:
                self._has_newcomer.clear()
                next_whole = self._clock() + WHOLE_INTERVAL_S
                self.say_everything()
            try:
                async with asyncio.timeout(SWEEP_INTERVAL_S):
                    await self._has_newcomer.wait()
            except TimeoutError:
                self.drop_silent()

    # --- the others ----------------------------------------------------------------------------------------

    def heard(self, report: PresenceReport) -> None:
        """Takes another node's report; one that is out of turn waits for the next whole one."""
        other = self._others.get(report.node)
        if other is None:
            other = self._others[report.node] = _Node()
            self._has_newcomer.set()  # it does not know this node either
        other.heard_at = self._clock()
        if report.whole:
            self._take_part(other, report)
        elif report.counter == other.counter + 1:
            other.counter = report.counter
            other.agents.update(report.agents)
            other.agents.difference_update(report.gone_agents)
            self._change(other, set(report.visitors), set(report.gone_visitors), quiet=report.quiet)

    def greet(self) -> None:
        """The bus is back: tells everybody who is here."""
        self._has_newcomer.set()

    def drop_silent(self) -> None:
        """Drops the nodes that have said nothing for too long, and tells who went with them.

        While the bus is away nobody can be heard: then silence says nothing, and time begins anew when it is back.
        """
        if self._bus.state == "away":
            for other in self._others.values():
                other.heard_at = self._clock()
            return
        oldest = self._clock() - SILENT_MAX_S
        for node in [node for node, other in self._others.items() if other.heard_at < oldest]:
            other = self._others[node]
            self._change(other, set(), other.visitors.copy())
            del self._others[node]

    def _take_part(self, other: _Node, report: PresenceReport) -> None:
        if report.counter <= other.counter:
            return
        if report.counter != other.parts_counter:
            other.parts, other.parts_counter = {}, report.counter
        other.parts[report.part] = report
        if len(other.parts) < report.parts:
            return
        parts, other.parts = other.parts.values(), {}
        other.counter = report.counter
        other.agents = {agent_id for part in parts for agent_id in part.agents}
        visitors = {opaque_id for part in parts for opaque_id in part.visitors}
        self._change(other, visitors, other.visitors - visitors)

    def _change(self, other: _Node, came: set[str], gone: set[str], *, quiet: bool = False) -> None:
        """Visitors came to another node and went from it; it takes as long as they are many, not all that are there."""
        affected = (came - other.visitors - gone) | (gone & other.visitors)
        before = set(filter(self.is_visitor_online, affected))
        other.visitors |= came
        other.visitors -= gone
        for conversation_id in affected:
            is_online = self.is_visitor_online(conversation_id)
            if is_online != (conversation_id in before) and not quiet:
                self._tell(conversation_id, online=is_online)

    def _tell(self, conversation_id: str, *, online: bool) -> None:
        self._deliver.presence(DEFAULT_SITE, Presence(conversation_id, online))

    def _report(
        self,
        visitors: Iterable[str] = (),
        agents: Iterable[str] = (),
        gone_visitors: Iterable[str] = (),
        gone_agents: Iterable[str] = (),
        *,
        quiet: bool = False,
    ) -> None:
        if self._bus.is_alone:
            return
        self._counter += 1
        self._publish(
            PresenceReport(
                self.node,
                self._counter,
                visitors=tuple(visitors),
                agents=tuple(agents),
                gone_visitors=tuple(gone_visitors),
                gone_agents=tuple(gone_agents),
                quiet=quiet,
            )
        )

    def _publish(self, report: PresenceReport) -> None:
        self._bus.publish(PRESENCE, report)
