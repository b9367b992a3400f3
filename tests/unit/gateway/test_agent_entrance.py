"""When agents' sockets are shown out, by a clock of the test's own (issue: no event after a token's end + 30 s)."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kefu.actions.publish import Publisher, agents_room
from kefu.app import STALE_INTERVAL_S
from kefu.config import Settings
from kefu.gateway.agent_entrance import EXPIRY_GRACE_S, AgentEntrance
from kefu.gateway.auth import Agent
from kefu.gateway.lane import Reply
from kefu.gateway.limits import Limits
from kefu.transport.rooms import Rooms

JOIN_DEADLINE_S = 45.0


class Socket:
    """An agent's connection that records when it is closed."""

    def __init__(self, clock: Clock) -> None:
        self.handshake = SimpleNamespace(address="198.18.0.1")
        self.is_open = True
        self.closed: tuple[float, str] | None = None
        self._clock = clock

    def emit(self, event: str, *args: Any) -> None:
        pass

    def close(self, _code: int, reason: str) -> None:
        self.is_open = False
        self.closed = self.closed or (self._clock.now, reason)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Authenticator:
    """Knows tokens of the form `id:end`."""

    async def authenticate(self, token: str, _now: float) -> Agent:
        agent_id, _, end = token.partition(":")
        return Agent(agent_id, agent_id, None, "agent", float(end))


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.publisher = Publisher(Rooms())
        self.entrance = AgentEntrance(
            authenticator=Authenticator(),  # type: ignore[arg-type]
            publisher=self.publisher,
            presence=self.publisher.presence,
            limits=Limits(Settings(_env_file=None)),
            join_deadline_s=JOIN_DEADLINE_S,
            clock=self.clock,
        )

    def connect(self) -> Any:
        return self.entrance.open(Socket(self.clock))  # type: ignore[arg-type]

    async def auth(self, session: Any, agent_id: str, lasts_s: float) -> None:
        reply = Reply(session.connection.emit, None)
        await self.entrance.authenticate(session, f"{agent_id}:{self.clock.now + lasts_s}", reply)

    def sweep(self, late_s: float) -> None:
        """As the server does it, each time a little late."""
        self.clock.now += STALE_INTERVAL_S + late_s
        self.entrance.close_stale(STALE_INTERVAL_S)


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("late_s", [0.0, 0.37, 0.99])
async def test_no_event_after_the_tokens_end_and_the_grace(world: World, late_s: float) -> None:
    """The socket is out of its rooms before its end + 30 s even if each look is late, and not before the end."""
    session = world.connect()
    await world.auth(session, "ann", 60)
    end = world.clock.now + 60
    assert world.publisher.rooms.members(agents_room("default"))
    while session.connection.closed is None:
        world.sweep(late_s)
        assert world.clock.now < end + EXPIRY_GRACE_S
    closed_at, reason = session.connection.closed
    assert reason == "token expired"
    assert end + EXPIRY_GRACE_S - 3 * STALE_INTERVAL_S - late_s <= closed_at <= end + EXPIRY_GRACE_S
    world.entrance.close(session)
    assert not world.publisher.rooms.members(agents_room("default"))


async def test_a_refresh_in_band_keeps_the_socket(world: World) -> None:
    session = world.connect()
    await world.auth(session, "ann", 60)
    for _ in range(3):
        world.clock.now += 50
        await world.auth(session, "ann", 60)
        world.entrance.close_stale(STALE_INTERVAL_S)
    assert session.connection.closed is None


async def test_no_token_before_the_deadline(world: World) -> None:
    session = world.connect()
    world.clock.now += JOIN_DEADLINE_S - 1
    world.entrance.close_stale(STALE_INTERVAL_S)
    assert session.connection.closed is None
    world.clock.now += 2
    world.entrance.close_stale(STALE_INTERVAL_S)
    assert session.connection.closed[1] == "no token"


async def test_presence_follows_who_the_socket_speaks_for(world: World) -> None:
    """Counted once a socket, under the agent of the moment, and never for a socket that is gone."""
    first, second = world.connect(), world.connect()
    await world.auth(first, "ann", 60)
    await world.auth(first, "ann", 90)
    await world.auth(second, "ann", 60)
    await world.auth(second, "bob", 60)
    assert world.publisher.presence.agents_online() == {"ann", "bob"} == world.entrance.connected_agents()
    world.entrance.close(second)
    assert world.publisher.presence.agents_online() == {"ann"}
    world.entrance.close(first)
    late = world.connect()
    late.connection.is_open = False
    await world.auth(late, "eve", 60)
    assert world.publisher.presence.agents_online() == set()
    await asyncio.sleep(0)


async def test_disabled_agents_are_closed_and_nobody_else(world: World) -> None:
    sessions = [world.connect() for _ in range(3)]
    for session, agent_id in zip(sessions, ("ann", "ann", "bob"), strict=True):
        await world.auth(session, agent_id, 60)
    world.entrance.close_agents({"ann", "nobody"})
    assert [session.connection.closed and session.connection.closed[1] for session in sessions] == [
        "agent disabled",
        "agent disabled",
        None,
    ]
