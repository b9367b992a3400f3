"""How often something may happen: a token bucket that is told the time. Pure."""

from __future__ import annotations


class Rate:
    """A rate: `per_second` on average, `burst` at once."""

    __slots__ = ("burst", "per_second")

    def __init__(self, *, per_minute: float, burst: float) -> None:
        self.per_second = per_minute / 60
        self.burst = burst


class Bucket:
    """What one key has left of its rate. `level` is the number of events allowed at `seen_at` (seconds, monotonic)."""

    __slots__ = ("level", "seen_at")

    def __init__(self, rate: Rate, now: float) -> None:
        self.level = rate.burst
        self.seen_at = now

    def take(self, rate: Rate, now: float) -> float:
        """Takes one event.

        Returns:
            0 if it is allowed, else the seconds after which one will be; nothing is taken then.
        """
        level = min(rate.burst, self.level + (now - self.seen_at) * rate.per_second)
        self.seen_at = now
        if level < 1:
            self.level = level
            return (1 - level) / rate.per_second
        self.level = level - 1
        return 0.0

    def give_back(self, rate: Rate) -> None:
        """Undoes a `take`, for an event that turned out not to count."""
        self.level = min(rate.burst, self.level + 1)

    def is_full(self, rate: Rate, now: float) -> bool:
        """Whether nothing would be lost by forgetting this bucket."""
        return self.level + (now - self.seen_at) * rate.per_second >= rate.burst
