"""Decides which waiting drafts share the next commit. Knows counts and bytes; never reads a clock, does no I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from kefu.chat.messages import Draft

BATCH_BYTES_MAX = 4 * 1024 * 1024


class Outcome(NamedTuple):
    """What became of a draft.

    Attributes:
        kind: `stored` (new), `duplicate` (stored before: `id`, `seq`, `created_at` are those of the first), `closed`,
            `missing`, `invalid` (the database refuses this draft for good), `unavailable` (nobody knows; try again).
        id: The message's id.
        seq: Its number in the conversation.
        created_at_ms: Milliseconds since 1970, UTC.
        reopened: The conversation was closed and this message opened it again.
    """

    kind: str
    id: str = ""
    seq: int = 0
    created_at_ms: int = 0
    reopened: bool = False


UNAVAILABLE = Outcome("unavailable")
INVALID = Outcome("invalid")


@dataclass(slots=True)
class Waiting:
    """A draft in the queue: `done` is called once with its outcome, `deadline` is in seconds of the caller's clock."""

    draft: Draft
    done: Callable[[Outcome], None]
    deadline: float


def take_batch(queue: deque[Waiting], drafts_max: int) -> list[Waiting]:
    """Takes from the front of the queue what one commit may hold, in order; at least one draft if there is one."""
    batch: list[Waiting] = []
    size = 0
    while queue and len(batch) < drafts_max:
        size += len(queue[0].draft.body_text) + 256
        if batch and size > BATCH_BYTES_MAX:
            break
        batch.append(queue.popleft())
    return batch
