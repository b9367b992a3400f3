"""Open: who a visitor is by their credentials, and the conversation that is theirs (contract section 4, 6 to 8).

A hello that defers writes nothing about somebody new: visitor and conversation are made together, when there is a
conversation to make.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from kefu.chat.credentials import is_credential
from kefu.store.database import Database, Installation, token_hash
from kefu.store.ids import new_id
from kefu.store.queries import conversations, hello, visitors
from kefu.store.queries.hello import Newcomer, Opened
from kefu.store.tables import DEFAULT_SITE

Conversation = sa.Row[Any] | Opened
"""A conversation with the agent who serves it."""


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a hello says.

    Attributes:
        session_id: As the client sent it; it may be too weak to be a credential.
        visitor_token: As the client sent it; it may be nobody's.
        known: `name`, `email`, `phone`, `locale`, `timezone` of the visitor, where given.
        page: `entry_url`, `referrer`, `page_title` of where a new conversation begins, where given.
    """

    session_id: str | None = None
    visitor_token: str | None = None
    known: dict[str, str] = field(default_factory=dict)
    page: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who said hello.

    Attributes:
        id: Internal; never leaves the server.
        token: The credential to present from now on.
        stored: Whether the database knows them yet.
    """

    id: str
    token: str
    stored: bool
    site: str = DEFAULT_SITE


class Opener:
    """Recognises visitors and opens their conversations."""

    def __init__(self, database: Database, installation: Installation, reopen: dt.timedelta) -> None:
        self._database = database
        self._installation = installation
        self._reopen = reopen

    async def recognise(self, introduction: Introduction) -> tuple[Visitor, Opened | None]:
        """The visitor by token, else by session id, else new; and their open conversation, else their last one.

        A session id whose visitor has presented a token before opens nothing any more, and a weak one never does.
        """
        by_token = token_hash(introduction.visitor_token) if introduction.visitor_token else None
        by_session = self._session_hash(introduction)
        found = None
        if by_token is not None or by_session is not None:
            found = await hello.recognise(self._database, DEFAULT_SITE, by_token, by_session, introduction.known)
        if found is None:
            return self._visitor(new_id(), stored=False), None
        visitor_id, conversation = found
        return self._visitor(visitor_id, stored=True), conversation

    async def open(self, visitor: Visitor, introduction: Introduction) -> tuple[Visitor, Conversation, bool]:
        """The visitor's open conversation, made if there is none (create-or-get), and the visitor as stored.

        Returns:
            The visitor; the conversation; whether it was made just now, so that nobody else knows of it.
        """
        made = await self._create(visitor, introduction)
        if made is not None:
            return replace(visitor, stored=True), made, True
        # Another request was first, with this session or with this visitor's conversation.
        async with self._database.engine.begin() as connection:
            if not visitor.stored:
                visitor = await self._store(connection, visitor, introduction)
            await conversations.create(connection, visitor.id, visitor.site, introduction.page)
            found = await conversations.latest_of_visitor(connection, visitor.id, visitor.site)
        assert found is not None
        return visitor, found, False

    async def own(self, visitor: Visitor, conversation_id: str) -> sa.Row[Any] | None:
        """A conversation, if it is this visitor's."""
        async with self._database.autocommit.connect() as connection:
            found = await conversations.find(connection, conversation_id)
        return found if found is not None and found.visitor_id == visitor.id else None

    async def is_next(self, visitor: Visitor, conversation: Conversation) -> bool:
        """Whether this is where the visitor's next message may go: it is open, or it and every other were closed."""
        if not self.takes_messages(conversation):
            return False
        async with self._database.autocommit.connect() as connection:
            latest = await conversations.latest_of_visitor(connection, visitor.id, visitor.site)
        return latest is None or latest.id == conversation.id or latest.status == "closed"

    def takes_messages(self, conversation: Conversation) -> bool:
        """Whether a visitor's message goes into this conversation: it is open, or was closed not long ago."""
        if conversation.status != "closed":
            return True
        assert conversation.closed_at is not None
        return bool(conversation.closed_at > dt.datetime.now(dt.UTC) - self._reopen)

    def _visitor(self, visitor_id: str, *, stored: bool) -> Visitor:
        return Visitor(visitor_id, self._installation.visitor_token(visitor_id), stored=stored)

    def _session_hash(self, introduction: Introduction) -> bytes | None:
        if introduction.session_id and is_credential(introduction.session_id):
            return self._installation.session_hash(introduction.session_id)
        return None

    async def _create(self, visitor: Visitor, introduction: Introduction) -> Conversation | None:
        """What most hellos of somebody new need, in one statement; None if something is there already."""
        if not visitor.stored:
            session_hash, their_token = self._session_hash(introduction), token_hash(visitor.token)
            newcomer = Newcomer(visitor.id, session_hash, their_token, introduction.known)
            return await hello.create(self._database, visitor.site, newcomer, introduction.page)
        async with self._database.autocommit.connect() as connection:
            return await conversations.create(connection, visitor.id, visitor.site, introduction.page)

    async def _store(self, connection: AsyncConnection, visitor: Visitor, introduction: Introduction) -> Visitor:
        session_hash = self._session_hash(introduction)
        if not await visitors.create(connection, self._newcomer(visitor, introduction, session_hash)):
            assert session_hash is not None  # nothing else can conflict
            first = await visitors.by_session(connection, visitor.site, session_hash)
            if first is not None and not first.token_seen:
                visitor = self._visitor(first.id, stored=True)
                await visitors.update(connection, visitor.id, introduction.known)
            else:
                # The session's visitor has presented a token: this is somebody whom no session opens.
                await visitors.create(connection, self._newcomer(visitor, introduction, None))
        return replace(visitor, stored=True)

    def _newcomer(self, visitor: Visitor, introduction: Introduction, session_hash: bytes | None) -> dict[str, Any]:
        return visitors.newcomer(visitor.id, visitor.site, session_hash, token_hash(visitor.token), introduction.known)
