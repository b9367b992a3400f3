"""Who may open a socket from which page (contract section 3, Origin)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from kefu.transport.endpoint import Handshake

log = logging.getLogger(__name__)

LOG_INTERVAL_S = 3600.0
ORIGINS_REMEMBERED_MAX = 1000
REFUSED_TOLD_MAX = 20


class OriginRule:
    """The allowlist of one path.

    An absent Origin is allowed, unless the browser says that the request is cross-site: programs can forge any, and no
    cookie is a credential here. A refused one is logged once an hour, with the line to change.
    """

    def __init__(self, allowed: tuple[str, ...], setting: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed = frozenset(allowed)
        self._setting = setting
        self._clock = clock
        self._logged: dict[str, float] = {}
        self._refused: dict[str, float] = {}

    def admits(self, handshake: Handshake) -> bool:
        """Whether this handshake may go on."""
        origin = handshake.headers.get("origin")
        if origin is None:
            return handshake.headers.get("sec-fetch-site") != "cross-site"
        if origin in self._allowed:
            return True
        self._remember(ascii(origin[:200])[1:-1])
        return False

    def refused_lately(self) -> list[tuple[str, str, float]]:
        """Setting, origin and seconds ago of what was turned away within the last hour, the newest first."""
        now = self._clock()
        lately = [(now - at, origin) for origin, at in self._refused.items() if now - at < LOG_INTERVAL_S]
        return [(self._setting, origin, ago_s) for ago_s, origin in sorted(lately)[:REFUSED_TOLD_MAX]]

    def _remember(self, origin: str) -> None:
        if origin not in self._refused and len(self._refused) >= ORIGINS_REMEMBERED_MAX:
            self._refused.clear()
        self._refused[origin] = self._clock()
        self._log(origin)

    def _log(self, origin: str) -> None:
        now = self._clock()
        if now - self._logged.get(origin, -LOG_INTERVAL_S) < LOG_INTERVAL_S:
            return
        if len(self._logged) >= ORIGINS_REMEMBERED_MAX:
            self._logged.clear()
        self._logged[origin] = now
        listed = ",".join([*sorted(self._allowed), origin])
        log.warning("origin %s refused; to admit it set %s=%s", origin, self._setting, listed)
