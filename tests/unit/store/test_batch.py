"""Which waiting drafts share the next commit."""

from __future__ import annotations

from collections import deque

from kefu.chat.messages import Draft
from kefu.store.batch import BATCH_BYTES_MAX, Waiting, take_batch


def waiting(number: int, size: int = 1) -> Waiting:
    draft = Draft("c", "visitor", "v", f"client {number}", f"id {number}", "x" * size, None)
    return Waiting(draft, lambda _: None, 0.0)


def ids(batch: list[Waiting]) -> list[str]:
    return [item.draft.id for item in batch]


def test_an_empty_queue_gives_an_empty_batch() -> None:
    """Nothing waits, nothing is taken."""
    assert take_batch(deque(), 10) == []


def test_the_front_of_the_queue_in_order() -> None:
    """Order within a socket is the order sent: a batch is the front of the queue, the rest stays."""
    queue = deque(waiting(number) for number in range(7))
    assert ids(take_batch(queue, 5)) == [f"id {number}" for number in range(5)]
    assert ids(take_batch(queue, 5)) == ["id 5", "id 6"]
    assert not queue


def test_a_batch_is_bounded_in_bytes() -> None:
    """One commit holds at most `BATCH_BYTES_MAX` of text; what does not fit leads the next batch."""
    queue = deque(waiting(number, size=BATCH_BYTES_MAX // 4) for number in range(6))
    assert ids(take_batch(queue, 100)) == ["id 0", "id 1", "id 2"]
    assert ids(take_batch(queue, 100)) == ["id 3", "id 4", "id 5"]


def test_a_draft_larger_than_a_batch_still_goes() -> None:
    """At least one draft is taken, or the queue would stand still for ever."""
    queue = deque([waiting(0, size=BATCH_BYTES_MAX * 2), waiting(1)])
    assert ids(take_batch(queue, 100)) == ["id 0"]
    assert ids(take_batch(queue, 100)) == ["id 1"]
