"""What was refused, and how often: a number a reason for metrics, and now and then one line a reason in the log.

Knows reasons and counts; never an address, a sid or what was sent.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from kefu import metrics

logger = logging.getLogger("kefu.transport")

LOG_INTERVAL_S = 60.0


class Reason(StrEnum):
    """Why a request or a socket was refused; the words are also those of the close frame. Endpoints add their own."""

    MESSAGE_TOO_BIG = "message too big"
    TOO_MANY_FRAGMENTS = "too many fragments"
    MESSAGE_TOO_SLOW = "message too slow"
    TOO_MANY_ATTACHMENTS = "too many attachments"
    TOO_MANY_PACKETS_IN_POLL = "too many packets in a poll"
    TOO_MANY_PACKETS = "too many packets"
    JSON_TOO_DEEP = "json too deep"
    MALFORMED_PACKET = "malformed packet"
    NOT_UTF8 = "not utf-8"
    PROTOCOL_ERROR = "protocol error"
    TWO_REQUESTS = "two requests at once"
    BODY_TOO_SLOW = "body too slow"
    HEADERS_TOO_BIG = "headers too big"
    HEADERS_TOO_SLOW = "headers too slow"
    CONNECT_TIMEOUT = "connect timeout"
    UPGRADE_TIMEOUT = "upgrade timeout"
    PING_TIMEOUT = "ping timeout"
    SLOW_READER = "slow reader"
    SERVER_FULL = "server full"
    TOO_MANY_CONNECTIONS = "too many connections of an address"
    TOO_MANY_HANDSHAKES = "too many handshakes of an address"
    ORIGIN = "origin"


class Refusals:
    """Counts by reason.

    Attributes:
        counts: A live view: every `Reason` from the start on, and what endpoints added.
    """

    __slots__ = ("_counts", "_next_line", "_told", "counts")

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter({str(reason): 0 for reason in Reason})
        self._told: Counter[str] = Counter()
        self._next_line: dict[str, float] = {}
        self.counts: Mapping[str, int] = MappingProxyType(self._counts)

    def count(self, reason: str) -> None:
        """One more."""
        self._counts[reason] += 1
        metrics.SOCKET_REFUSALS.add(reason)

    def log(self, now: float) -> None:
        """Writes a line for each reason that has news and had no line in the last `LOG_INTERVAL_S`; call it often.

        Args:
            now: Seconds of any clock that does not go back.
        """
        for reason, count in self._counts.items():
            new = count - self._told[reason]
            if new and self._next_line.get(reason, now) <= now:
                self._told[reason] = count
                self._next_line[reason] = now + LOG_INTERVAL_S
                logger.info("refused for %s: %d since the last such line, %d in all", reason, new, count)
