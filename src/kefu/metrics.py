"""Every metric of chat-server, declared once: its name, its meaning, its labels.

Counting adds to a plain integer; the text for Prometheus is made when somebody asks for it (`api/metrics.py`). A gauge
holds nothing: whoever knows the number is asked at that moment. One set a process, as Prometheus scrapes processes.
Knows neither HTTP nor the Prometheus client, and imports nothing of Kefu. `docs/en/metrics.md` lists the same; a test
compares.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import ClassVar

Labels = tuple[str, ...]
Read = Callable[[], Mapping[Labels, float]]
"""Gives a gauge's numbers, by the values of its labels; `{(): 3}` where it has none."""


class Cell:
    """One number of a counter. Where it is hot, hold the cell and write `cell.count += 1`."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Metric:
    """What all kinds have.

    Attributes:
        name: As Prometheus shows it, unit last; a counter ends in `_total`.
        meaning: One sentence.
        labels: Names of the labels; their values are few and never come from a client.
    """

    kind: ClassVar[str]

    def __init__(self, name: str, meaning: str, labels: Labels = ()) -> None:
        self.name = name
        self.meaning = meaning
        self.labels = labels
        DECLARED.append(self)


class Counter(Metric):
    """Only grows."""

    kind = "counter"

    def __init__(self, name: str, meaning: str, labels: Labels = ()) -> None:
        super().__init__(name, meaning, labels)
        self._cells: dict[Labels, Cell] = {} if labels else {(): Cell()}

    def cell(self, *values: str) -> Cell:
        """The number under these label values, 0 if it is new.

        Raises:
            ValueError: If there are more or fewer values than labels.
        """
        cell = self._cells.get(values)
        if cell is None:
            if len(values) != len(self.labels):
                raise ValueError(f"{self.name} has the labels {self.labels}, got the values {values}")
            cell = self._cells[values] = Cell()
        return cell

    def add(self, *values: str) -> None:
        """Counts one."""
        self.cell(*values).count += 1

    def numbers(self) -> dict[Labels, float]:
        """Everything counted so far."""
        return {values: cell.count for values, cell in self._cells.items()}


class Gauge(Metric):
    """Goes up and down."""

    kind = "gauge"

    def __init__(self, name: str, meaning: str, labels: Labels = ()) -> None:
        super().__init__(name, meaning, labels)
        self._sources: list[Read] = []

    def watch(self, read: Read) -> Callable[[], None]:
        """Asks `read` at every scrape; several sources are added up.

        Returns:
            What ends it.
        """
        self._sources.append(read)
        return lambda: self._sources.remove(read)

    def numbers(self) -> dict[Labels, float]:
        """What the sources say now."""
        total: dict[Labels, float] = {}
        for read in self._sources:
            for values, number in read().items():
                total[values] = total.get(values, 0) + number
        return total


class Histogram(Metric):
    """How values are spread.

    Attributes:
        bounds: Upper ends of the buckets, ascending; one more bucket takes the rest.
        counts: Values in each bucket, not added up.
        total: The sum of all values.
    """

    kind = "histogram"

    def __init__(self, name: str, meaning: str, bounds: tuple[float, ...]) -> None:
        super().__init__(name, meaning)
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Counts a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


DECLARED: list[Metric] = []
"""All of them, in the order below."""

CONNECTIONS = Gauge("kefu_connections", "Open connections, by the transport they use now.", ("path", "transport"))
CLOSES = Counter("kefu_closes_total", "Connections that ended, by why.", ("path", "reason"))
TRANSPORT_REFUSALS = Counter(
    "kefu_transport_refusals_total",
    "Handshakes and polling requests refused, by HTTP status.",
    ("transport", "status"),
)
SOCKET_REFUSALS = Counter(
    "kefu_socket_refusals_total",
    "Sockets closed and requests refused for passing a limit or breaking the protocol, by which.",
    ("reason",),
)
OUTBOX_BYTES = Gauge("kefu_outbox_bytes", "Bytes that wait for readers.", ("path",))
MESSAGES = Counter("kefu_messages_total", "Messages sent, by what became of them.", ("sender", "outcome"))
ACKS = Counter("kefu_acks_total", "Acks given to clients: the event was done, or refused.", ("result",))
REFUSALS = Counter("kefu_refusals_total", "Events refused, by error code.", ("code",))
RATE_LIMITED = Counter("kefu_rate_limited_total", "Events over a limit, by limit.", ("limit",))
APPEND_BATCH = Histogram("kefu_append_batch_messages", "Messages in one commit.", (1, 2, 4, 8, 16, 32, 64, 128, 256))
APPEND_SECONDS = Histogram(
    "kefu_append_commit_seconds",
    "Time of one commit, from sending it to its outcome.",
    (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
APPEND_FAILURES = Counter("kefu_append_failures_total", "Commits of unknown outcome that were tried again.")
APPEND_PAUSES = Counter(
    "kefu_append_pauses_total", "Commits that waited for more messages because the processor was short."
)
APPEND_QUEUE = Gauge("kefu_append_queue_messages", "Messages that wait for a commit.")
LOOP_LAG = Histogram(
    "kefu_event_loop_lag_seconds",
    "How late the event loop came to a timer, four times a second.",
    (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
HTTP_REQUESTS = Counter("kefu_http_requests_total", "HTTP requests answered, polling included.", ("route", "status"))
BUS_DELIVERIES = Counter("kefu_bus_deliveries_total", "Bus messages that came from other nodes.", ("kind",))
BUS_DROPPED = Counter("kefu_bus_dropped_total", "Bus messages not sent, or not believed when they came.", ("reason",))
BUILD = Gauge("kefu_build_info", "Always 1; its label says which version runs.", ("version",))
