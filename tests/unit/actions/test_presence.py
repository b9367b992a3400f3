"""The presence board: merged sets of several nodes, over a bus that loses things, with a clock of the test's own."""

from __future__ import annotations

from typing import Any

from kefu.actions import presence
from kefu.actions.presence import PresenceBoard
from kefu.bus.envelope import Hint, PresenceReport


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Deliver:
    """Records what agents are told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []

    def presence(self, _site: str, presence: Any) -> None:
        self.told.append((presence.conversation_id, presence.online))


class Wire:
    """Gives each report to every other board, unless it is cut."""

    is_alone = False
    state = "joined"

    def __init__(self, nodes: list[PresenceBoard]) -> None:
        self._nodes = nodes
        self.is_cut = False
        self.sent: list[PresenceReport] = []

    def publish(self, _subject: str, report: Hint) -> None:
        assert isinstance(report, PresenceReport)
        self.sent.append(report)
        if not self.is_cut:
            for node in self._nodes:
                if node.node != report.node:
                    node.heard(report)


def boards(count: int) -> tuple[list[PresenceBoard], list[Deliver], list[Wire], Clock]:
    made: list[PresenceBoard] = []
    delivers, wires, clock = [Deliver() for _ in range(count)], [Wire(made) for _ in range(count)], Clock()
    made.extend(PresenceBoard(wires[i], delivers[i], clock=clock) for i in range(count))
    for board in made:
        board.say_everything()
    return made, delivers, wires, clock


def test_first_and_last_on_any_node_count() -> None:
    (a, b, c), delivers, _, _ = boards(3)
    a.visitor_came("v")
    b.visitor_came("v")
    a.visitor_went("v")
    assert all(board.is_visitor_online("v") for board in (a, b, c))
    b.visitor_went("v")
    b.visitor_went("v")
    assert not any(board.is_visitor_online("v") for board in (a, b, c))
    assert all(deliver.told == [("v", True), ("v", False)] for deliver in delivers)


def test_agents_count_by_their_sockets() -> None:
    (a, b), _, _, _ = boards(2)
    a.agent_came("ann")
    a.agent_came("ann")
    b.agent_came("bob")
    a.agent_went("ann")
    assert a.agents_online() == b.agents_online() == {"ann", "bob"}
    a.agent_went("ann")
    assert a.agents_online() == b.agents_online() == {"bob"}


def test_a_lost_report_is_made_good_by_the_next_whole_one() -> None:
    (a, b), (_, told), (wire, _), _ = boards(2)
    wire.is_cut = True
    a.visitor_came("lost")
    wire.is_cut = False
    a.visitor_came("out of turn")
    assert not b.is_visitor_online("out of turn")
    a.say_everything()
    assert b.is_visitor_online("lost")
    assert b.is_visitor_online("out of turn")
    a.visitor_came("in turn")
    a.visitor_went("lost")
    assert [b.is_visitor_online(name) for name in ("lost", "out of turn", "in turn")] == [False, True, True]
    assert sorted(told.told[:2]) == [("lost", True), ("out of turn", True)]


def test_an_old_report_changes_nothing() -> None:
    """Somebody repeats what was said before."""
    (a, b), (_, told), (wire, _), _ = boards(2)
    a.visitor_came("v")
    a.say_everything()
    a.visitor_went("v")
    for report in wire.sent:
        b.heard(report)
    assert not b.is_visitor_online("v")
    assert told.told == [("v", True), ("v", False)]


def test_a_silent_node_is_dropped_with_everybody_on_it() -> None:
    (a, b, c), delivers, (wire, _, _), clock = boards(3)
    a.visitor_came("alone")
    a.visitor_came("twice")
    a.agent_came("ann")
    c.visitor_came("twice")
    wire.is_cut = True
    for _ in range(3):
        clock.now += presence.WHOLE_INTERVAL_S
        b.say_everything()
        c.say_everything()
        b.drop_silent()
    assert b.is_visitor_online("alone"), "three intervals are not yet too long"
    clock.now += 0.1
    b.drop_silent()
    assert not b.is_visitor_online("alone")
    assert b.is_visitor_online("twice")
    assert b.agents_online() == set()
    assert delivers[1].told[-1] == ("alone", False)
    wire.is_cut = False
    a.say_everything()
    assert b.is_visitor_online("alone"), "it was only cut off"
    a.leave()
    assert not b.is_visitor_online("alone")


def test_while_the_bus_is_away_silence_says_nothing() -> None:
    """Visitors of other nodes do not all go offline with NATS; a node that died meanwhile is dropped later."""
    (a, b), (tell, _), (wire, other_wire), clock = boards(2)
    b.visitor_came("v")
    wire.state, other_wire.is_cut = "away", True
    tell.told.clear()
    for _ in range(100):
        clock.now += 1
        a.drop_silent()
    assert a.is_visitor_online("v")
    wire.state = "joined"
    clock.now += presence.SILENT_MAX_S - 1
    a.drop_silent()
    assert a.is_visitor_online("v")
    clock.now += 2
    a.drop_silent()
    assert not a.is_visitor_online("v")
    assert tell.told == [("v", False)]


def test_a_large_set_goes_in_parts_and_counts_when_it_is_whole(monkeypatch) -> None:
    monkeypatch.setattr(presence, "IDS_PER_PART_MAX", 10)
    (a, b), _, (wire, _), _ = boards(2)
    wire.is_cut = True
    for number in range(35):
        a.visitor_came(f"v{number}")
    for number in range(7):
        a.agent_came(f"agent{number}")
    wire.sent.clear()
    a.say_everything()
    assert [report.parts for report in wire.sent] == [5] * 5
    for report in wire.sent[:4]:
        b.heard(report)
    assert not b.is_visitor_online("v0")
    b.heard(wire.sent[4])
    assert all(b.is_visitor_online(f"v{number}") for number in range(35))
    assert len(b.agents_online()) == 7


def test_alone_nothing_is_reported() -> None:
    (board,), _, (wire,), _ = boards(1)
    wire.is_alone = True
    wire.sent.clear()
    board.visitor_came("v")
    board.agent_came("ann")
    board.say_everything()
    assert wire.sent == []
    assert board.is_visitor_online("v")
