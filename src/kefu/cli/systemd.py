"""What systemd is told: that the program serves, that it stops, that its event loop still turns.

Speaks sd_notify: datagrams to the socket that `NOTIFY_SOCKET` names. Where nothing is named, as everywhere but in a
unit of `Type=notify`, nothing is said.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator

log = logging.getLogger(__name__)

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"
SEND_TIMEOUT_S = 1.0
_ALIVE_SHARE = 0.5
"""Of `WatchdogSec`: how often the program says that it is alive."""


def tell(state: str) -> None:
    """Sends one state, such as `READY`; a failure is logged and stops nothing."""
    name = os.environ.get("NOTIFY_SOCKET", "")
    if not name.startswith(("/", "@")):
        return
    address = f"\0{name[1:]}" if name.startswith("@") else name
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as opened:
            opened.settimeout(SEND_TIMEOUT_S)
            opened.sendto(state.encode(), address)
    except OSError as error:
        log.warning("systemd cannot be told %s: %s", state, error.strerror or error)


def watchdog_interval_s() -> float | None:
    """How often `ALIVE` has to be said; None if this process is not watched."""
    usec, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or int(usec) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 1_000_000 * _ALIVE_SHARE


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[None]:
    """Says meanwhile that the running event loop turns, if systemd wants to know."""
    interval_s = watchdog_interval_s()
    if interval_s is None:
        yield
        return
    task = asyncio.create_task(_keep_saying(interval_s), name="watchdog")
    try:
        yield
    finally:
        task.cancel()


async def _keep_saying(interval_s: float) -> None:
    while True:
        tell(ALIVE)
        await asyncio.sleep(interval_s)
