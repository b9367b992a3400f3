"""Whether the process lives, and whether it can serve (contract section 2)."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.datastructures import State

from kefu.bus.port import Bus
from kefu.store.database import Database

NO_STORE = {"Cache-Control": "no-store"}


@get(["/health", "/chat/health"], sync_to_thread=False, include_in_schema=False)
def health(state: State) -> Response[dict[str, Any]]:
    """200 while the process lives; never rate-limited."""
    return Response({"ok": True, "service": "chat-server", "port": state.port}, headers=NO_STORE)


@get(["/ready", "/chat/ready"], include_in_schema=False)
async def ready(state: State) -> Response[dict[str, Any]]:
    """200 while messages can be stored; 503 while the database is away or the server stops.

    `degraded` names what is away without which messages are still stored and acked: the bus.
    """
    database: Database = state.database
    bus: Bus = state.bus
    reason = "stopping" if state.stopping else None if await database.answers() else "database"
    if reason is not None:
        return Response({"ok": False, "reason": reason}, status_code=503, headers=NO_STORE)
    degraded = {"degraded": "bus"} if bus.state == "away" else {}
    return Response({"ok": True, **degraded}, status_code=200, headers=NO_STORE)
