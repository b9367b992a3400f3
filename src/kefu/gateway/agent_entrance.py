"""Who an agent's socket speaks for: the token, its end, and the deadline to present one.

Knows sockets and tokens; what an agent reads is `agent_reader.py`, what they do is `agent.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import Any

from kefu.actions.presence import PresenceBoard
from kefu.actions.publish import Publisher, agents_room
from kefu.chat.refusals import ErrorCode, Refusal
from kefu.gateway.auth import Agent, AgentAuthenticator
from kefu.gateway.events import decode
from kefu.gateway.lane import Lane, Reply, Work
from kefu.gateway.limits import Limits, address_key
from kefu.store.rows import iso
from kefu.transport.endpoint import Connection
from kefu.wire.agent import AdminAuth, AdminAuthedAck

EXPIRY_GRACE_S = 30.0
"""Seconds after a token's end in which its socket still gets events (contract: nothing after expiry + 30 s)."""


class AgentSession:
    """What this process knows of one agent's socket. `agent` is None before a valid token."""

    __slots__ = ("address", "agent", "connection", "lane", "opened_at")

    def __init__(self, connection: Connection, now: float) -> None:
        self.connection = connection
        self.address = address_key(connection.handshake.address)
        self.lane = Lane()
        self.opened_at = now
        self.agent: Agent | None = None


class AgentEntrance:
    """Lets agents' sockets in and shows them out.

    Args:
        clock: Seconds since 1970, for tokens' ends and the join deadline.
    """

    def __init__(
        self,
        *,
        authenticator: AgentAuthenticator,
        publisher: Publisher,
        presence: PresenceBoard,
        limits: Limits,
        join_deadline_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._authenticator = authenticator
        self._publisher = publisher
        self._presence = presence
        self._limits = limits
        self._join_deadline_s = join_deadline_s
        self._clock = clock
        self._sessions: set[AgentSession] = set()

    def open(self, connection: Connection) -> AgentSession:
        """A socket connected; nothing is told to it yet."""
        session = AgentSession(connection, self._clock())
        self._sessions.add(session)
        return session

    def close(self, session: AgentSession) -> None:
        """A socket is gone: it leaves every room."""
        session.lane.close()
        self._sessions.discard(session)
        if session.agent is not None:
            self._presence.agent_went(session.agent.id)
        self._publisher.rooms.leave_all(session.connection)

    def close_stale(self, interval_s: float) -> None:
        """Closes sockets without a token after the join deadline, and those whose token ended; call it often.

        Args:
            interval_s: Until the next call. A token's grace must not end before that, however late the call may be, so
                its socket goes up to two intervals early.
        """
        now = self._clock()
        for session in list(self._sessions):
            if session.agent is None and now - session.opened_at > self._join_deadline_s:
                session.connection.close(1008, "no token")
            elif session.agent is not None and now + 2 * interval_s > session.agent.expires_at + EXPIRY_GRACE_S:
                session.connection.close(1008, "token expired")

    def connected_agents(self) -> set[str]:
        """Ids of the agents who are let in here."""
        return {session.agent.id for session in self._sessions if session.agent is not None}

    def close_agents(self, agent_ids: Collection[str]) -> None:
        """Closes every socket of these agents; they do not come back by themselves."""
        for session in list(self._sessions):
            if session.agent is not None and session.agent.id in agent_ids:
                session.connection.close(1008, "agent disabled")

    def auth(self, session: AgentSession, args: list[Any], reply: Reply) -> Work:
        """`admin_auth`, first or again to refresh."""
        return self.authenticate(session, decode(AdminAuth, args).token, reply)

    async def authenticate(self, session: AgentSession, token: str, reply: Reply) -> None:
        """Lets the socket in under this token.

        Raises:
            Refusal: UNAUTHORIZED, TOKEN_EXPIRED, FORBIDDEN for a disabled agent, RATE_LIMITED after many failures.
        """
        self._limits.failures.peek(session.address, "too many failed tokens from this address")
        try:
            agent = await self._authenticator.authenticate(token, self._clock())
        except Refusal:
            self._limits.failures.check(session.address)
            raise
        rooms = self._publisher.rooms
        if session.agent is not None and session.agent.id != agent.id:
            rooms.leave_all(session.connection)
            self._presence.agent_went(session.agent.id)
            session.agent = None
        if session.connection.is_open:
            if session.agent is None:
                self._presence.agent_came(agent.id)
            session.agent = agent
            rooms.join(agents_room(agent.site), session.connection)
        expires_at = iso(dt.datetime.fromtimestamp(agent.expires_at, dt.UTC))
        authed = AdminAuthedAck(agent.id, agent.role, expires_at, agent.name)
        session.connection.emit("admin_authed", authed)
        reply.ok(authed)

    def agent(self, session: AgentSession) -> Agent:
        """The socket's agent.

        Raises:
            Refusal: UNAUTHORIZED without a token, TOKEN_EXPIRED after its end.
        """
        if session.agent is None:
            raise Refusal(ErrorCode.UNAUTHORIZED, "send admin_auth with a valid token first")
        if self._clock() > session.agent.expires_at + EXPIRY_GRACE_S:
            raise Refusal(ErrorCode.TOKEN_EXPIRED, "the token has expired; send admin_auth with a new one")
        return session.agent

    def writer(self, session: AgentSession) -> Agent:
        """The socket's agent, if they may change anything.

        Raises:
            Refusal: As `_agent`; FORBIDDEN for a viewer.
        """
        agent = self.agent(session)
        if agent.role == "viewer":
            raise Refusal(ErrorCode.FORBIDDEN, "a viewer may only read")
        return agent
