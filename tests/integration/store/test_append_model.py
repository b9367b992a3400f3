"""The inbox row that the append keeps, compared with a model over random histories.

Model: `unread` are visitor messages that no agent has answered or read; `waiting_since` is the time of the oldest
unanswered one; a close forgets both; the preview is the last message's.
"""

from __future__ import annotations

import random

import pytest

from kefu.store.database import make_engine
from kefu.store.queries import conversations, notes


@pytest.fixture
def database_url(module_database_url: str) -> str:
    """Each test makes conversations of its own."""
    return module_database_url


class Model:
    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        self.unread: set[int] = set()
        self.waiting_since: int | None = None
        self.last_at: int | None = None
        self.agent_read = self.visitor_read = self.notes = 0
        self.closed = False

    def message(self, sender_type: str, text: str, at: int) -> int:
        self.texts.append((sender_type, text))
        seq = len(self.texts)
        self.last_at, self.closed = at, False
        if sender_type == "admin":
            self.unread.clear()
            self.waiting_since = None
        elif sender_type == "visitor":
            self.unread.add(seq)
            self.waiting_since = self.waiting_since or at
        return seq

    def close(self) -> None:
        self.closed = True
        self.unread.clear()
        self.waiting_since = None

    def row(self) -> dict[str, object]:
        sender, text = self.texts[-1] if self.texts else (None, "")
        return {
            "seq": len(self.texts),
            "note_seq": self.notes,
            "unread": len(self.unread),
            "waiting_since": self.waiting_since,
            "last_message_at": self.last_at,
            "preview": text,
            "preview_sender": sender,
            "agent_read_seq": self.agent_read,
            "visitor_read_seq": self.visitor_read,
            "status": "closed" if self.closed else "open",
        }


def milliseconds(moment) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def stored(row) -> dict[str, object]:
    times = {name: milliseconds(row[name]) for name in ("waiting_since", "last_message_at")}
    return {name: times.get(name, row[name]) for name in Model().row()}


class History:
    """One conversation, and everything that may happen to it; each step says whether it wrote the row."""

    def __init__(self, world, send, engine, conversation: str, chance: random.Random) -> None:
        self.world, self.send, self.engine, self.conversation, self.chance = world, send, engine, conversation, chance
        self.node = world.appender()
        self.model = Model()
        self.sent: list = []

    def _drafts(self) -> list:
        drafts = []
        for _ in range(self.chance.randint(1, 5)):
            kind = self.chance.choice(["visitor", "visitor", "admin", "system"])
            if self.sent and self.chance.random() < 0.2:
                drafts.append(self.world.repeat(self.chance.choice(self.sent)))
            else:
                text = f"{kind} {self.chance.random()}"
                drafts.append(self.world.draft(self.conversation, text, sender=kind, sender_type=kind))
        return drafts

    async def messages(self) -> bool:
        drafts, was_closed = self._drafts(), self.model.closed
        known, before = {draft.client_id for draft in self.sent}, len(self.sent)
        for draft, outcome in zip(drafts, await self.send(self.node, *drafts), strict=True):
            if draft.client_id in known:
                assert outcome.kind == "duplicate"
            elif was_closed and draft.sender_type != "visitor":
                assert outcome.kind == "closed"
            else:
                assert outcome.kind == "stored"
                seq = self.model.message(draft.sender_type, draft.body_text, outcome.created_at_ms)
                assert outcome.seq == seq
                known.add(draft.client_id)
                self.sent.append(draft)
        return len(self.sent) > before

    async def _read(self, mark_read, mark: int) -> int | None:
        """Reads up to a random seq; the new mark, or None if it stays."""
        seq = self.chance.randint(0, len(self.model.texts) + 2)
        async with self.engine.begin() as connection:
            moved = await mark_read(connection, self.conversation, seq)
        expected = min(seq, len(self.model.texts))
        assert moved == (expected if expected > mark else None)
        return moved

    async def agent_reads(self) -> bool:
        moved = await self._read(conversations.mark_read_by_agents, self.model.agent_read)
        if moved is not None:
            self.model.agent_read = moved
            self.model.unread = {unread for unread in self.model.unread if unread > moved}
        return moved is not None

    async def visitor_reads(self) -> bool:
        moved = await self._read(conversations.mark_read_by_visitor, self.model.visitor_read)
        if moved is not None:
            self.model.visitor_read = moved
        return moved is not None

    async def note(self) -> bool:
        async with self.engine.begin() as connection:
            await conversations.find(connection, self.conversation, lock=True)
            made = await notes.add(connection, self.conversation, agent_id="ann", client_id=None, body_text="psst")
        self.model.notes += 1
        assert (made.note_seq, made.after_seq) == (self.model.notes, len(self.model.texts))
        return True

    async def close_or_reopen(self) -> bool:
        async with self.engine.begin() as connection:
            if self.model.closed:
                await conversations.set_open(connection, self.conversation)
                self.model.closed = False
            else:
                await conversations.set_closed(connection, self.conversation)
                self.model.close()
        return True


@pytest.mark.parametrize("seed", range(4))
async def test_the_row_follows_every_history(world, send, seed: int) -> None:
    """Issue 2, part 5: inbox rows are kept by the write: seq, unread, waiting since, preview, read marks, version."""
    await world.agent()
    conversation = await world.conversation()
    engine, chance = make_engine(world.url), random.Random(seed)
    history = History(world, send, engine, conversation, chance)
    steps = [history.messages] * 6
    steps += [history.agent_reads, history.visitor_reads, history.note, history.close_or_reopen]
    version = int((await world.row(conversation))["written_by"])
    for _ in range(60):
        wrote = await chance.choice(steps)()
        row = await world.row(conversation)
        assert stored(row) == history.model.row()
        written_by = int(row["written_by"])
        assert written_by > version if wrote else written_by == version, "promise 5: every write stamps the row"
        version = written_by
    assert await world.assert_whole(conversation) == [text for _, text in history.model.texts]
    await engine.dispose()
