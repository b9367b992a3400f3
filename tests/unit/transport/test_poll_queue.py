import asyncio
import gc
import weakref

import pytest

from kefu.transport.rooms import encode_event
from kefu.transport.server.hub import Hub
from kefu.transport.server.options import TransportOptions
from kefu.transport.server.poll_queue import PollQueue


@pytest.fixture
async def made():
    hub = Hub({}, TransportOptions(outbox_bytes_max=100, packets_per_answer_max=3, close_seconds_max=0.05))
    hub.start()
    slow = []
    queue = PollQueue(hub, "sid", lambda: slow.append(True))
    hub.sessions["sid"] = object()
    yield queue, hub, slow
    hub.stop()


async def test_packets_leave_in_order_a_few_at_a_time(made):
    queue, *_ = made
    queue.send(b"2[1]")
    queue.send_encoded(encode_event("b"))
    queue.send_control(b"2")
    queue.send(b"2[3]")
    await queue.wait()
    assert queue.take() == b'42[1]\x1e42["b"]\x1e2'
    assert queue.take() == b"42[3]"
    assert queue.take() == b"6"


async def test_a_waiting_poll_is_woken(made):
    queue, *_ = made
    waiting = asyncio.create_task(queue.wait())
    await asyncio.sleep(0)
    assert queue.is_polled
    queue.send(b"2[]")
    await waiting
    assert not queue.is_polled


async def test_too_much_ends_the_session(made):
    queue, hub, slow = made
    for _ in range(3):
        queue.send(b"x" * 40)
    assert "sid" not in hub.sessions
    assert slow == []
    await asyncio.sleep(0)
    assert slow == [True]


async def test_the_last_packet_can_be_fetched_and_then_nothing(made):
    queue, hub, _ = made
    queue.send(b"2[]")
    queue.close(1000, "")
    queue.close(1000, "")
    queue.send(b"late")
    assert not queue.is_gone
    assert queue.take() == b"42[]\x1e1"
    assert queue.is_gone
    assert "sid" not in hub.sessions


async def test_who_never_fetches_finds_the_session_gone(made):
    queue, hub, _ = made
    queue.close(1000, "")
    hub.closings.sweep(hub.now() + 1)
    assert queue.is_gone


async def test_polls_do_not_wait_long_during_an_upgrade(made):
    queue, *_ = made
    queue.begin_upgrade()
    await asyncio.wait_for(queue.wait(), 1)
    queue.end_upgrade()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.wait(), 0.2)


async def test_finishing_hands_over_what_nobody_fetched(made):
    queue, hub, _ = made
    queue.send(b"2[]")
    waiting = asyncio.create_task(queue.wait())
    assert queue.finish() == [b"42[]"]
    await waiting
    assert queue.take() == b"6"
    assert not queue.is_gone  # late requests are told from strangers for a while
    hub.closings.sweep(hub.now() + 1)
    assert queue.is_gone


async def test_binary_is_base64(made):
    queue, *_ = made
    queue.send(b"51-[]", [b"\x01\x02\x03\x04"])
    queue.send_bytes(b"")
    assert queue.take() == b"451-[]\x1ebAQIDBA==\x1eb"


async def test_a_client_that_closes_gets_a_noop_even_late(made):
    queue, _hub, _ = made
    waiting = asyncio.create_task(queue.wait())
    await asyncio.sleep(0)
    queue.client_closed()
    queue.close(1000, "")
    await waiting
    assert queue.take() == b"6"
    assert queue.is_gone


async def test_who_breaks_the_rules_is_told_at_most_once(made):
    queue, hub, _ = made
    queue.send(b"2[]")
    queue.abandon()
    assert "sid" not in hub.sessions
    assert queue.take() == b"1"


async def test_a_session_that_is_over_needs_no_garbage_collector():
    """The queue knows its client only while it may have to tell it something."""

    class Slow:
        channel: PollQueue

        def tell(self) -> None:
            pass

    hub = Hub({}, TransportOptions(close_seconds_max=0.05))
    hub.start()
    client = Slow()
    client.channel = PollQueue(hub, "sid", client.tell)
    hub.sessions["sid"] = object()
    gone = weakref.ref(client)
    client.channel.abandon()
    gc.disable()
    try:
        del client
        assert gone() is None
    finally:
        gc.enable()
        hub.stop()
