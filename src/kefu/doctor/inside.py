"""What a running chat-server can check of itself, for owners in the console.

Sees settings, database and machine as the server has them; sees no URL and no proxy. Asked at most once in a few
seconds, however many ask.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from kefu.config import Settings, reveal
from kefu.doctor import database, machine, origins, secrets
from kefu.doctor.environment import check_file, default_file
from kefu.doctor.findings import DEFAULT_FILE, Finding, finding, in_order
from kefu.doctor.guard import together
from kefu.doctor.local import connections_needed
from kefu.doctor.origins import CONSOLE_LIST, WIDGET_LIST

REMEMBERED_S = 5.0

RefusedLately = Callable[[], Iterable[tuple[str, str, float]]]


class Inside:
    """The checks of one process.

    Args:
        settings: As the server runs with them, the database's address included.
        refused_lately: Variable, origin and seconds ago of origins that were turned away.
        missing_files: Which built files are not there.
        is_bus_away: Whether NATS is wanted and not there.
    """

    def __init__(
        self,
        settings: Settings,
        refused_lately: RefusedLately,
        missing_files: Callable[[], list[str]],
        is_bus_away: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._refused_lately = refused_lately
        self._missing_files = missing_files
        self._is_bus_away = is_bus_away
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._found: list[Finding] = []

    async def findings(self) -> list[Finding]:
        """What is wrong, at most a few seconds ago."""
        async with self._asking:
            if time.monotonic() - self._asked_at >= REMEMBERED_S:
                self._found = in_order(
                    await together({"settings": self._config, "machine": self._here, "database": self._database})
                )
                self._asked_at = time.monotonic()
            return self._found

    async def _config(self) -> list[Finding]:
        settings = self._settings
        lists = {WIDGET_LIST: settings.allowed_origins, CONSOLE_LIST: settings.admin_allowed_origins}
        findings = secrets.check_program(settings, DEFAULT_FILE) + check_file(default_file())
        for name, listed in lists.items():
            findings += origins.check_list(name, listed)
        return findings + origins.refused_lately(self._refused_lately(), lists)

    async def _here(self) -> list[Finding]:
        findings = machine.judge(machine.look(self._settings.data_dir))
        if missing := self._missing_files():
            findings.append(finding("static_missing", files=", ".join(missing)))
        if self._is_bus_away():
            findings.append(finding("bus_away"))
        return findings

    async def _database(self) -> list[Finding]:
        url = reveal(self._settings.database_url)
        return await database.check(url, connections_needed=connections_needed(self._settings, 1))
