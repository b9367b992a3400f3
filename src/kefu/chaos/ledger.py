"""What was sent, acked, stored and delivered, and whether the promises hold. Pure; times and sockets are elsewhere.

The rules: an acked message is stored, under the id and the number of its ack. Each is stored once. Numbers of a
conversation are 1, 2, 3 … without a hole. Messages of one visitor are stored in the order sent; one that the server
refused for a while has lost its place by the server's leave and is not judged. Every acked message reached the agent.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Entry:
    """One message.

    Attributes:
        visitor: The number of who sends it.
        number: From 1, in the order of sending.
        client_id: Makes repeats recognisable.
        sendings: How often it was sent.
        was_refused: At least once, with leave to try again.
        ack: The answer that counts: conversation, `seq` and id.
    """

    visitor: int
    number: int
    client_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sendings: int = 0
    was_refused: bool = False
    ack: tuple[str, int, str] | None = None


@dataclass(frozen=True)
class Verdict:
    """The numbers of a run.

    Attributes:
        sent: Messages that were sent, however often.
        resent: Sendings beyond the first.
        refused: Answers that asked to wait and try again.
        acked: Messages that got an ack.
        repeats: Acks that said that the message was stored before, as after a lost ack.
        stored: Messages that the server says it has.
        delivered: Messages that reached the agent, by an event or by asking for what is missing.
        delivered_again: Deliveries beyond the first; allowed, clients drop them.
        duplicated: Stored more than once.
        out_of_order: Stored before one that was sent earlier.
        holes: Numbers missing in conversations.
        lost: Acked and not stored, or stored under another number or id than the ack said.
        undelivered: Acked and never seen by the agent.
    """

    sent: int
    resent: int
    refused: int
    acked: int
    repeats: int
    stored: int
    delivered: int
    delivered_again: int
    duplicated: int
    out_of_order: int
    holes: int
    lost: int
    undelivered: int

    @property
    def is_kept(self) -> bool:
        """Whether every promise held, and at least one message proves it."""
        broken = self.duplicated + self.out_of_order + self.holes + self.lost + self.undelivered
        return self.acked > 0 and broken == 0

    def numbers(self) -> dict[str, int]:
        """All of them by name."""
        return asdict(self)


class Ledger:
    """Everything that happened to the messages of one run."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._delivered: Counter[str] = Counter()
        self._refusals = 0
        self._repeats = 0

    def entry(self, visitor: int, number: int) -> Entry:
        """A new message."""
        entry = Entry(visitor, number)
        self._entries[entry.client_id] = entry
        return entry

    def answered(self, entry: Entry, answer: Mapping[str, Any]) -> None:
        """The server's answer to a sending: an ack, or a refusal."""
        if answer.get("ok"):
            # A repeat must get the first answer; if it did not, the last one decides and `lost` shows it.
            entry.ack = (str(answer["conversationId"]), int(answer["seq"]), str(answer["id"]))
            self._repeats += bool(answer.get("duplicate"))
        else:
            entry.was_refused = True
            self._refusals += 1

    def delivered(self, message: Mapping[str, Any]) -> None:
        """A message came to the agent."""
        client_id = str(message.get("clientId"))
        if client_id in self._entries:
            self._delivered[client_id] += 1

    @property
    def missing_deliveries(self) -> int:
        """Acked messages that the agent has not seen yet."""
        return sum(1 for entry in self._entries.values() if entry.ack and not self._delivered[entry.client_id])

    @property
    def acked(self) -> int:
        """Messages that got an ack."""
        return sum(entry.ack is not None for entry in self._entries.values())

    def judge(self, stored: Mapping[str, Iterable[Mapping[str, Any]]]) -> Verdict:
        """Compares with what is stored.

        Args:
            stored: Each conversation's messages as the server gives them, whoever wrote them.
        """
        times: Counter[str] = Counter()
        places: dict[str, tuple[str, int, str]] = {}
        holes = out_of_order = 0
        for conversation_id, found in stored.items():
            messages = sorted(found, key=lambda message: int(message["seq"]))
            seqs = [int(message["seq"]) for message in messages]
            holes += len(set(range(1, max(seqs, default=0) + 1)) - set(seqs))
            out_of_order += self._inversions(messages)
            for message in messages:
                client_id = str(message["clientId"])
                times[client_id] += 1
                places.setdefault(client_id, (conversation_id, int(message["seq"]), str(message["id"])))
        entries = self._entries.values()
        return Verdict(
            sent=sum(entry.sendings > 0 for entry in entries),
            resent=sum(max(0, entry.sendings - 1) for entry in entries),
            refused=self._refusals,
            acked=self.acked,
            repeats=self._repeats,
            stored=sum(times[entry.client_id] > 0 for entry in entries),
            delivered=len(self._delivered),
            delivered_again=sum(self._delivered.values()) - len(self._delivered),
            duplicated=sum(max(0, times[entry.client_id] - 1) for entry in entries),
            out_of_order=out_of_order,
            holes=holes,
            lost=sum(entry.ack is not None and places.get(entry.client_id) != entry.ack for entry in entries),
            undelivered=self.missing_deliveries,
        )

    def _inversions(self, messages: list[Mapping[str, Any]]) -> int:
        count, tops = 0, Counter[int]()
        for message in messages:
            entry = self._entries.get(str(message["clientId"]))
            if entry is None or entry.was_refused:
                continue
            count += entry.number < tops[entry.visitor]
            tops[entry.visitor] = max(tops[entry.visitor], entry.number)
        return count
