"""Moves an installation of the older server in: a snapshot is read, mapped, written batch by batch, and reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from kefu.node_chat import mapping
from kefu.node_chat.mapping import CLOSED_WORDS, Conversation, NotTakenError
from kefu.node_chat.source import ARCHIVED, NOTES, Row, Source
from kefu.node_chat.target import Batch, Kept, Target

BATCH_CONVERSATIONS = 200
BATCH_ROWS = 500
ORIGINS_MAX = 50
SEVERAL_OPEN = "open beside a newer open conversation of the same visitor: closed"
NO_CONVERSATION = "its conversation is not there"
REST = "columns that have no place"

Advance = Callable[[str, int], None]
Mapped = TypeVar("Mapped", mapping.Message, mapping.Note)


@dataclass
class Report:
    """What became of the rows.

    Attributes:
        found: Rows by table in the older database.
        taken: New rows here, by table; `visitor` counts those who have a new conversation.
        archived: New rows of the archive, by table.
        reasons: How often a row was not taken as it was, by table and reason.
        columns: By table, the columns that have no place here, and how many rows have something in them.
        unknown_tables: Tables that were not read at all.
        origins: Where visitors came from, by how often: what `CHAT_ALLOWED_ORIGINS` must hold.
    """

    found: dict[str, int] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    archived: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    columns: dict[str, Counter[str]] = field(default_factory=dict)
    unknown_tables: list[str] = field(default_factory=list)
    origins: Counter[str] = field(default_factory=Counter)


class Move:
    """One run.

    Args:
        source: The older database.
        target: Ours.
        dry_run: Writes nothing.
        advance: Told how many rows of which table are done.
    """

    def __init__(self, source: Source, target: Target, *, dry_run: bool, advance: Advance) -> None:
        self._source = source
        self._target = target
        self._dry_run = dry_run
        self._advance = advance
        self.report = Report(unknown_tables=source.unknown_tables)

    async def run(self) -> Report:
        """Moves everything; may be cut off at any time and run again."""
        self.report.found = await self._source.counts()
        rows: list[Row] = []
        async for row in self._source.conversations(CLOSED_WORDS):
            rows.append(row)
            if len(rows) == BATCH_CONVERSATIONS:
                await self._conversations(rows)
                rows = []
        await self._conversations(rows)
        for table in ("Message", NOTES):
            if table in self.report.found:
                await self._kept_rows(table, self._source.orphans(table), NO_CONVERSATION)
        for table in ARCHIVED:
            if table in self.report.found:
                await self._kept_rows(table, self._source.rows(table), None)
        return self.report

    async def _conversations(self, rows: list[Row]) -> None:
        batch = Batch()
        for row in rows:
            await self._conversation(row, batch)
        ids = [one.id for one in batch.conversations]
        lines = {table: await self._source.lines(table, ids) for table in ("Message", NOTES)}
        batch.messages.extend(self._mapped("Message", lines["Message"], mapping.message, batch))
        batch.notes.extend(self._mapped(NOTES, lines[NOTES], mapping.note, batch))
        await self._write(batch)
        self._advance("Conversation", len(rows))
        for table, read in lines.items():
            self._advance(table, len(read))

    async def _conversation(self, row: Row, batch: Batch) -> None:
        rank = row.pop("kefu_rank")
        try:
            found = mapping.conversation(row)
        except NotTakenError as error:
            self._keep(batch, "Conversation", row, str(error))
            for table in ("Message", NOTES):
                for line in await self._source.lines(table, [str(row["id"])]):
                    self._keep(batch, table, line, NO_CONVERSATION)
                    self._advance(table, 1)
            return
        if found.closed_at is None and found.session_id is not None and rank > 1:
            found = replace(found, closed_at=found.created_at)
            self.report.reasons["Conversation", SEVERAL_OPEN] += 1
        self._note_origin(found)
        if found.rest:
            self._keep_rest(batch, "Conversation", row, found.rest)
        batch.conversations.append(found)

    def _mapped(self, table: str, rows: list[Row], into: Callable[[Row], Mapped], batch: Batch) -> list[Mapped]:
        taken: list[Mapped] = []
        for row in rows:
            try:
                found = into(row)
            except NotTakenError as error:
                self._keep(batch, table, row, str(error))
                continue
            if found.rest:
                self._keep_rest(batch, table, row, found.rest)
            taken.append(found)
        return taken

    async def _kept_rows(self, table: str, rows: AsyncIterator[Row], reason: str | None) -> None:
        """Archives rows as they are, some at a time."""
        batch = Batch()
        async for row in rows:
            self._keep(batch, table, row, reason)
            if len(batch.kept) == BATCH_ROWS:
                await self._write(batch)
                self._advance(table, len(batch.kept))
                batch = Batch()
        await self._write(batch)
        self._advance(table, len(batch.kept))

    def _keep_rest(self, batch: Batch, table: str, row: Row, rest: dict[str, Any]) -> None:
        self._keep(batch, table, row, REST, rest)
        self.report.columns.setdefault(table, Counter()).update(rest.keys())

    def _keep(
        self, batch: Batch, table: str, row: Row, reason: str | None, content: dict[str, Any] | None = None
    ) -> None:
        batch.kept.append(Kept(table, _key(row), reason, content or row))
        self.report.archived[table] += 1
        if reason is not None:
            self.report.reasons[table, reason] += 1

    async def _write(self, batch: Batch) -> None:
        if batch.conversations or batch.kept:
            self.report.taken.update(await self._target.write(batch, dry_run=self._dry_run))

    def _note_origin(self, conversation: Conversation) -> None:
        parts = urlsplit(conversation.entry_url or "")
        if parts.scheme in ("http", "https") and parts.netloc:
            origin = f"{parts.scheme}://{parts.netloc}".lower()
            if origin in self.report.origins or len(self.report.origins) < ORIGINS_MAX:
                self.report.origins[origin] += 1


def _key(row: Row) -> str:
    """What tells a row from others of its table: its id, else all of it."""
    return (
        str(row["id"]) if row.get("id") is not None else repr(sorted((name, str(value)) for name, value in row.items()))
    )
