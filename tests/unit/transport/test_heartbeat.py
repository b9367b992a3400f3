import asyncio

from kefu.transport.server.heartbeat import Deadlines, Heartbeat


class Beater:
    def __init__(self, heartbeat, *, answers):
        self.slot = 0
        self.awaits_pong = False
        self.pings = 0
        self.timed_out = 0
        self._heartbeat = heartbeat
        self._answers = answers

    def ping(self):
        self.pings += 1
        self.awaits_pong = not self._answers

    def time_out(self):
        self.timed_out += 1
        self._heartbeat.remove(self)


class Clock:
    """A loop whose timer is turned by hand."""

    def __init__(self):
        self.now = 0.0
        self.lateness = 0.0
        self.pending = None

    def time(self):
        return self.now

    def call_at(self, when, callback):
        self.pending = (when, callback)
        return self

    def cancel(self):
        self.pending = None

    def run(self, seconds):
        end = self.now + seconds
        while self.pending and self.pending[0] <= end + 1e-9:
            when, callback = self.pending
            self.now = max(when, self.now) + self.lateness
            callback()


def test_every_client_is_pinged_once_an_interval():
    clock = Clock()
    heartbeat = Heartbeat(25_000, 20_000, lambda _now: None)
    beaters = [Beater(heartbeat, answers=True) for _ in range(500)]
    for beater in beaters:
        heartbeat.add(beater)
    heartbeat.start(clock)
    clock.run(25)
    assert {beater.pings for beater in beaters} == {1}
    clock.run(75)
    assert {beater.pings for beater in beaters} == {4}
    assert not any(beater.timed_out for beater in beaters)


def test_a_crowd_is_spread():
    heartbeat = Heartbeat(25_000, 20_000, lambda _now: None)
    for _ in range(1000):
        heartbeat.add(Beater(heartbeat, answers=True))
    sizes = list(map(len, heartbeat._ring))
    assert len(sizes) == 100
    assert sizes[:75] == [0] * 75
    assert max(sizes) < 100


def test_the_first_ping_comes_late_in_the_first_interval():
    clock = Clock()
    heartbeat = Heartbeat(300, 200, lambda _now: None)
    heartbeat.start(clock)
    clock.run(0.13)
    beaters = [Beater(heartbeat, answers=False) for _ in range(100)]
    for beater in beaters:
        heartbeat.add(beater)
    clock.run(0.19)
    assert not any(beater.pings for beater in beaters)
    clock.run(0.11)
    assert all(beater.pings == 1 for beater in beaters)
    clock.run(0.2)
    assert all(beater.timed_out == 1 for beater in beaters)


def test_late_timers_do_not_add_up():
    clock = Clock()
    clock.lateness = 0.005
    ticks = []
    heartbeat = Heartbeat(1000, 500, ticks.append)
    heartbeat.start(clock)
    clock.run(10)
    assert len(ticks) >= 399


def test_a_blocked_loop_is_not_made_up_for():
    clock = Clock()
    ticks = []
    heartbeat = Heartbeat(1000, 500, ticks.append)
    heartbeat.start(clock)
    clock.run(1)
    clock.now += 5
    seen = len(ticks)
    clock.run(1)
    assert 38 <= len(ticks) - seen <= 42


def test_silence_is_noticed_after_the_timeout():
    clock = Clock()
    heartbeat = Heartbeat(25_000, 20_000, lambda _now: None)
    beater = Beater(heartbeat, answers=False)
    heartbeat.add(beater)
    heartbeat.start(clock)
    while not beater.pings:
        clock.run(0.25)
    clock.run(19.5)
    assert not beater.timed_out
    clock.run(1)
    assert beater.timed_out == 1
    clock.run(60)
    assert (beater.pings, beater.timed_out) == (1, 1)


def test_removed_clients_are_left_alone():
    clock = Clock()
    heartbeat = Heartbeat(1000, 500, lambda _now: None)
    beater = Beater(heartbeat, answers=True)
    heartbeat.add(beater)
    heartbeat.remove(beater)
    heartbeat.remove(beater)
    heartbeat.start(clock)
    clock.run(5)
    assert beater.pings == 0


def test_stop_and_start():
    clock = Clock()
    ticks = []
    heartbeat = Heartbeat(1000, 500, ticks.append)
    heartbeat.start(clock)
    heartbeat.start(clock)
    clock.run(1)
    heartbeat.stop()
    seen = len(ticks)
    clock.run(1)
    assert seen == len(ticks) == 40


def test_deadlines_in_order():
    expired = []
    deadlines = Deadlines(2.0, expired.append)
    deadlines.add("a", 0.0)
    deadlines.add("b", 1.0)
    deadlines.sweep(1.9)
    assert expired == []
    deadlines.sweep(2.0)
    assert expired == ["a"]
    deadlines.sweep(10.0)
    assert expired == ["a", "b"]


async def test_the_real_loop():
    ticks = []
    heartbeat = Heartbeat(50, 25, ticks.append)
    heartbeat.start(asyncio.get_running_loop())
    await asyncio.sleep(0.2)
    heartbeat.stop()
    assert len(ticks) >= 2
