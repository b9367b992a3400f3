import asyncio

import pytest

from kefu.transport.rooms import encode_event
from kefu.transport.server.frames import close_frame, message_frame, text_frame
from kefu.transport.server.outbox import PART_SECONDS, Flusher, Outbox


class Socket:
    """An asyncio transport that keeps what is written; `stuck` bytes of it never leave."""

    def __init__(self):
        self.writes = []
        self.stuck = 0
        self.aborted = False

    def write(self, data):
        self.writes.append(data)

    def get_write_buffer_size(self):
        return self.stuck

    def is_closing(self):
        return self.aborted

    def abort(self):
        self.aborted = True


class Receiver:
    def __init__(self, slow):
        self._slow = slow

    def slow_reader(self):
        self._slow.append(True)


@pytest.fixture
async def parts():
    closing, slow = [], []
    flusher = Flusher(closing.append)
    flusher.start(asyncio.get_running_loop())
    socket = Socket()
    outbox = Outbox(socket, flusher, 1000, Receiver(slow))
    return outbox, socket, closing, slow, flusher


async def test_one_write_a_turn(parts):
    outbox, socket, *_ = parts
    event = encode_event("b")
    outbox.send(b"2[]")
    outbox.send_encoded(event)
    outbox.send_control(b"2")
    assert socket.writes == []
    await asyncio.sleep(0)
    assert socket.writes == [message_frame(b"2[]") + event.frame + text_frame(b"2")]
    outbox.send(b"1")
    await asyncio.sleep(0)
    assert socket.writes[1:] == [message_frame(b"1")]


async def test_many_outboxes_share_one_flush(parts):
    outbox, socket, _, _, flusher = parts
    other = Socket()
    Outbox(other, flusher, 1000, Receiver([])).send(b"x")
    outbox.send(b"y")
    await asyncio.sleep(0)
    assert (socket.writes, other.writes) == ([message_frame(b"y")], [message_frame(b"x")])


async def test_a_slow_reader_is_closed_told_later_and_cut_at_last(parts):
    outbox, socket, closing, slow, _ = parts
    socket.stuck = 1001
    outbox.send(b"x")
    await asyncio.sleep(0)
    assert socket.writes == [message_frame(b"x"), close_frame(1013, "slow reader")]
    assert closing == [outbox]
    await asyncio.sleep(0)
    assert slow == [True]
    outbox.send(b"y")
    await asyncio.sleep(0)
    assert len(socket.writes) == 2
    assert not socket.aborted
    outbox.expire()
    assert socket.aborted


async def test_one_turn_may_not_pile_up_without_end(parts):
    outbox, socket, _, slow, _ = parts
    socket.stuck = 5000
    for _ in range(100):
        outbox.send(b"x" * 100)
    assert socket.writes[1:] == [close_frame(1013, "slow reader")]
    assert slow == []
    await asyncio.sleep(0)
    assert slow == [True]


async def test_close_sends_what_is_queued_first(parts):
    outbox, socket, closing, *_ = parts
    outbox.send(b"x")
    outbox.close(1012, "bye")
    outbox.close(1000, "again")
    outbox.send(b"late")
    await asyncio.sleep(0)
    assert socket.writes == [message_frame(b"x") + close_frame(1012, "bye")]
    assert closing == [outbox]
    outbox.expire()
    assert outbox.is_gone


async def test_nothing_is_written_to_a_lost_socket(parts):
    outbox, socket, *_ = parts
    outbox.send(b"x")
    outbox.lost()
    await asyncio.sleep(0)
    assert socket.writes == []


async def test_what_follows_a_part_leaves_later(parts):
    outbox, socket, *_ = parts
    outbox.send(b"0{}")
    outbox.part()
    outbox.send(b"2[]")
    outbox.send(b"1")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert socket.writes == [message_frame(b"0{}")]
    await asyncio.sleep(PART_SECONDS * 2)
    assert socket.writes[1:] == [message_frame(b"2[]") + message_frame(b"1")]
    outbox.send(b"1")
    await asyncio.sleep(0)
    assert socket.writes[2:] == [message_frame(b"1")], "later turns are as ever"


async def test_a_close_does_not_wait_for_a_part(parts):
    outbox, socket, *_ = parts
    outbox.send(b"0{}")
    outbox.part()
    outbox.send(b"2[]")
    outbox.close(1000, "")
    assert socket.writes == [message_frame(b"0{}"), message_frame(b"2[]") + close_frame(1000, "")]
