"""Writes mapped rows into Kefu's database, a batch of conversations a transaction.

What is there already stays as it is, so a second run takes only what came since, and a run that was cut off is
continued by the next. Messages of a conversation that is there are numbered after its top.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from kefu.node_chat.mapping import UNKNOWN_AGENT, Conversation, Message, Note, storable
from kefu.store.database import Installation
from kefu.store.ids import new_id
from kefu.store.tables import DEFAULT_SITE

_THERE = """
select id, visitor_id, seq, note_seq from conversation where id = any($1) order by id for no key update
"""
_AGENTS = """
insert into agent (id, site, name, role, disabled)
select id, $3, name, 'agent', id = $4 from unnest($1::text[], $2::text[]) as a(id, name)
on conflict do nothing
"""
_VISITORS = """
insert into visitor (id, site, session_hash, name, email, phone, locale, created_at, last_seen_at)
select id, $9, session_hash, name, email, phone, locale, created_at, created_at
from unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::int[])
  as v(id, session_hash, name, email, phone, locale, created_at, place)
order by place
on conflict (site, session_hash) do update
  set name = coalesce(visitor.name, excluded.name),
      email = coalesce(visitor.email, excluded.email),
      phone = coalesce(visitor.phone, excluded.phone),
      last_seen_at = greatest(visitor.last_seen_at, excluded.last_seen_at)
returning id, session_hash
"""
_CONVERSATIONS = """
insert into conversation
  (id, site, visitor_id, status, assigned_to, entry_url, referrer, page_title, created_at, closed_at)
select id, $9, visitor_id, case when closed_at is null then 'open' else 'closed' end,
       assigned_to, entry_url, referrer, page_title, created_at, closed_at
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
            $8::timestamptz[])
  as c(id, visitor_id, assigned_to, entry_url, referrer, page_title, created_at, closed_at)
"""
_MESSAGES = """
insert into message
  (conversation_id, seq, id, site, sender_type, sender_id, client_id, body_text, metadata, created_at)
select conversation_id, seq, id, $10, sender_type, sender_id, client_id, body_text, metadata::jsonb, created_at
from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::timestamptz[])
  as m(conversation_id, seq, id, sender_type, sender_id, client_id, body_text, metadata, created_at)
"""
_NOTES = """
insert into note (conversation_id, note_seq, id, site, after_seq, agent_id, client_id, body_text, created_at)
select n.conversation_id, n.note_seq, n.id, $7,
       coalesce((select max(m.seq) from message m
                 where m.conversation_id = n.conversation_id and m.created_at <= n.created_at), 0),
       n.agent_id, n.id, n.body_text, n.created_at
from unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
  as n(conversation_id, note_seq, id, agent_id, body_text, created_at)
"""
# What the append would have left: the last line, and what waits since an agent last answered.
_SUMMARIES = """
update conversation c
set seq = t.top,
    preview = left(btrim(regexp_replace(left(l.body_text, 280), '\\s+', ' ', 'g')), 140),
    preview_sender = l.sender_type,
    last_message_at = l.created_at,
    unread = case when c.status = 'closed' then 0 else t.waiting end,
    waiting_since = case when c.status = 'closed' then null else t.waiting_since end,
    agent_read_seq = greatest(c.agent_read_seq, case when c.status = 'closed' then t.top else t.answered end),
    visitor_read_seq = greatest(c.visitor_read_seq, t.top),
    version = pg_current_xact_id()
from (
  select conversation_id, max(seq) as top, max(answered) as answered,
         count(*) filter (where sender_type = 'visitor' and seq > answered)::int as waiting,
         min(created_at) filter (where sender_type = 'visitor' and seq > answered) as waiting_since
  from (
    select *, coalesce(max(seq) filter (where sender_type = 'admin') over (partition by conversation_id), 0) as answered
    from message where conversation_id = any($1)
  ) m
  group by conversation_id
) t
join message l on l.conversation_id = t.conversation_id and l.seq = t.top
where c.id = t.conversation_id
"""
_NOTE_TOPS = """
update conversation c set note_seq = t.top, version = pg_current_xact_id()
from (select conversation_id, max(note_seq) as top from note where conversation_id = any($1) group by 1) t
where c.id = t.conversation_id
"""
_ARCHIVE = """
insert into import_archive (source_table, source_id, reason, content)
select * from unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])
on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A row for the archive: of which table, by which id, why (None: its table has no place), and what it holds."""

    table: str
    id: str
    reason: str | None
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Conversations with everything that belongs to them. A conversation's lines are in the order they are to have."""

    conversations: list[Conversation] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)


class Target:
    """The database that takes the rows; it must be migrated.

    Args:
        connection: Used by nobody else.
        installation: Its key hashes the session ids.
    """

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record], installation: Installation) -> None:
        self._connection = connection
        self._installation = installation

    async def write(self, batch: Batch, *, dry_run: bool = False) -> Counter[str]:
        """Writes a batch, all of it or nothing.

        Args:
            batch: What to write.
            dry_run: Does everything and takes it back.

        Returns:
            How many rows were new: `Conversation`, `Message`, `Note`, `archive`, and `visitor`.
        """
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            written = await self._write(batch)
        except BaseException:
            await transaction.rollback()
            raise
        await (transaction.rollback() if dry_run else transaction.commit())
        return written

    async def _write(self, batch: Batch) -> Counter[str]:
        ids = [conversation.id for conversation in batch.conversations]
        there = await self._there(ids)
        fresh = [conversation for conversation in batch.conversations if conversation.id not in there]
        await self._agents(batch)
        owners = {identity: row["visitor_id"] for identity, row in there.items()}
        owners |= await self._visitors(fresh)
        await self._conversations(fresh, owners)
        return Counter(
            {
                "Conversation": len(fresh),
                "Message": await self._messages(batch.messages, there, owners),
                "Note": await self._notes(batch.notes, there),
                "archive": await self._archive(batch.kept),
                "visitor": len({owners[conversation.id] for conversation in fresh}),
            }
        )

    async def _there(self, ids: list[str]) -> dict[str, asyncpg.Record]:
        """Conversations that are there, locked, so that a live server waits to number its messages."""
        query = (
            "select id, visitor_id, seq, note_seq from conversation where id = any($1) order by id for no key update"
        )
        return {row["id"]: row for row in await self._connection.fetch(query, ids)}

    async def _agents(self, batch: Batch) -> None:
        names: dict[str, str] = {}
        for conversation in batch.conversations:
            if conversation.assigned_to:
                names.setdefault(conversation.assigned_to, conversation.assigned_to)
        for note in batch.notes:
            names.setdefault(note.agent_id, note.agent_id)
        for message in batch.messages:
            if message.agent_id:
                names[message.agent_id] = message.agent_name or names.get(message.agent_id, message.agent_id)
        await self._connection.execute(_AGENTS, list(names), list(names.values()), DEFAULT_SITE, UNKNOWN_AGENT)

    async def _visitors(self, fresh: list[Conversation]) -> dict[str, str]:
        """The visitor of each conversation: of the session if it is a credential, else one of its own."""
        by_session: dict[bytes, Conversation] = {}
        alone: list[Conversation] = []
        hashes: dict[str, bytes] = {}
        for conversation in fresh:
            if conversation.session_id is None:
                alone.append(conversation)
            else:
                hashed = self._installation.session_hash(conversation.session_id)
                hashes[conversation.id] = hashed
                by_session[hashed] = _same_person(by_session.get(hashed), conversation)
        rows: list[tuple[Conversation, bytes | None]] = [(one, None) for one in alone]
        rows += [(one, hashed) for hashed, one in by_session.items()]
        made = await self._connection.fetch(
            _VISITORS,
            [new_id() for _ in rows],
            [hashed for _, hashed in rows],
            *(
                [getattr(one, column) for one, _ in rows]
                for column in ("name", "email", "phone", "locale", "created_at")
            ),
            list(range(len(rows))),
            DEFAULT_SITE,
        )
        of_session = {bytes(row["session_hash"]): row["id"] for row in made if row["session_hash"] is not None}
        nobody = [row["id"] for row in made if row["session_hash"] is None]
        owners = {identity: of_session[hashed] for identity, hashed in hashes.items()}
        return owners | {one.id: visitor for one, visitor in zip(alone, nobody, strict=True)}

    async def _conversations(self, fresh: list[Conversation], owners: dict[str, str]) -> None:
        """Writes new ones. One whose visitor writes here already in another is closed: there is one open a visitor."""
        query = "select visitor_id from conversation where visitor_id = any($1) and status <> 'closed'"
        busy = {row["visitor_id"] for row in await self._connection.fetch(query, [owners[one.id] for one in fresh])}
        closed_at = [one.closed_at or (one.created_at if owners[one.id] in busy else None) for one in fresh]
        await self._connection.execute(
            _CONVERSATIONS,
            [one.id for one in fresh],
            [owners[one.id] for one in fresh],
            *(
                [getattr(one, column) for one in fresh]
                for column in ("assigned_to", "entry_url", "referrer", "page_title", "created_at")
            ),
            closed_at,
            DEFAULT_SITE,
        )

    async def _messages(self, messages: list[Message], there: dict[str, asyncpg.Record], owners: dict[str, str]) -> int:
        query = "select conversation_id, id, sender_id, client_id from message where conversation_id = any($1)"
        stored = await self._connection.fetch(query, list(there))
        known = {(row["conversation_id"], row["id"]) for row in stored}
        clients = {(row["conversation_id"], row["sender_id"], row["client_id"]) for row in stored}
        tops: Counter[str] = Counter({identity: row["seq"] for identity, row in there.items()})
        rows: list[tuple[Any, ...]] = []
        for one in messages:
            if (one.conversation_id, one.id) in known:
                continue
            known.add((one.conversation_id, one.id))
            sender = {"visitor": owners[one.conversation_id], "admin": one.agent_id}.get(one.sender_type) or "system"
            client = one.client_id if (one.conversation_id, sender, one.client_id) not in clients else one.id
            clients.add((one.conversation_id, sender, client))
            tops[one.conversation_id] += 1
            rows.append(
                (
                    one.conversation_id,
                    tops[one.conversation_id],
                    one.id,
                    one.sender_type,
                    sender,
                    client,
                    one.body_text,
                    one.metadata,
                    one.created_at,
                )
            )
        if rows:
            await self._connection.execute(_MESSAGES, *map(list, zip(*rows, strict=True)), DEFAULT_SITE)
            await self._connection.execute(_SUMMARIES, list({row[0] for row in rows}))
        return len(rows)

    async def _notes(self, notes: list[Note], there: dict[str, asyncpg.Record]) -> int:
        stored = await self._connection.fetch(
            "select conversation_id, id from note where conversation_id = any($1)", list(there)
        )
        known = {(row["conversation_id"], row["id"]) for row in stored}
        tops: Counter[str] = Counter({identity: row["note_seq"] for identity, row in there.items()})
        rows: list[tuple[Any, ...]] = []
        for one in notes:
            if (one.conversation_id, one.id) not in known:
                tops[one.conversation_id] += 1
                row = (
                    one.conversation_id,
                    tops[one.conversation_id],
                    one.id,
                    one.agent_id,
                    one.body_text,
                    one.created_at,
                )
                rows.append(row)
        if rows:
            await self._connection.execute(_NOTES, *map(list, zip(*rows, strict=True)), DEFAULT_SITE)
            await self._connection.execute(_NOTE_TOPS, list({row[0] for row in rows}))
        return len(rows)

    async def _archive(self, kept: Iterable[Kept]) -> int:
        rows = [(one.table, one.id, one.reason, _as_json(one.content)) for one in kept]
        if not rows:
            return 0
        done = await self._connection.execute(_ARCHIVE, *map(list, zip(*rows, strict=True)))
        return int(done.rpartition(" ")[2])


def _same_person(earlier: Conversation | None, later: Conversation) -> Conversation:
    """What two conversations of a session say of its visitor; the later one knows best."""
    if earlier is None:
        return later
    known = {
        column: getattr(later, column) or getattr(earlier, column) for column in ("name", "email", "phone", "locale")
    }
    return replace(later, created_at=earlier.created_at, **known)


def _as_json(content: dict[str, Any]) -> str:
    return json.dumps(storable(content), default=str, ensure_ascii=False)
