"""From a token to an agent: the signature, then the row that may say disabled (contract section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kefu.chat.refusals import ErrorCode, Refusal
from kefu.store.database import Database
from kefu.store.queries import agents
from kefu.store.tables import DEFAULT_SITE
from kefu.tokens import Role, TokenExpiredError, TokenInvalidError, verify_agent_token
from kefu.wire.shapes import Author


class Agent(NamedTuple):
    """An agent with a valid token.

    Attributes:
        id: The token's `sub`.
        expires_at: The token's end, seconds since 1970.
    """

    id: str
    name: str
    avatar_url: str | None
    role: Role
    expires_at: float
    site: str = DEFAULT_SITE

    @property
    def author(self) -> Author:
        """The agent as other agents see them."""
        return Author(self.name, self.avatar_url)


class AgentAuthenticator:
    """Verifies agents' tokens and keeps a row per agent."""

    def __init__(self, database: Database, secret: str, role_map: Mapping[str, str]) -> None:
        self._database = database
        self._secret = secret
        self._role_map = role_map

    async def authenticate(self, token: str, now: float) -> Agent:
        """The agent of a token, whose row is made at the first valid one.

        Raises:
            Refusal: TOKEN_EXPIRED, UNAUTHORIZED, or FORBIDDEN for a disabled agent.
        """
        try:
            claims = verify_agent_token(self._secret, token, role_map=self._role_map, now=now)
        except TokenExpiredError:
            raise Refusal(ErrorCode.TOKEN_EXPIRED, "the token has expired") from None
        except TokenInvalidError as error:
            raise Refusal(ErrorCode.UNAUTHORIZED, f"the token is not valid: {error}") from None
        async with self._database.engine.begin() as connection:
            row = await agents.ensure_agent(connection, claims)
        if row.disabled:
            raise Refusal(ErrorCode.FORBIDDEN, "this agent is disabled")
        return Agent(row.id, row.name, row.avatar_url, row.role, claims.expires_at)
