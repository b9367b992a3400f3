"""Whether the process lives, and whether it can serve (contract section 2)."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.datastructures import State

from kefu.store.database import Database

NO_STORE = {"Cache-Control": "no-store"}


@get(["/health", "/chat/health"], sync_to_thread=False, include_in_schema=False)
def health(state: State) -> Response[dict[str, Any]]:
    """200 while the process lives; never rate-limited."""
    return Response({"ok": True, "service": "chat-server", "port": state.port}, headers=NO_STORE)


@get(["/ready", "/chat/ready"], include_in_schema=False)
async def ready(state: State) -> Response[dict[str, Any]]:
    """200 while messages can be stored; 503 while the database is away or the server stops."""
    database: Database = state.database
    reason = "stopping" if state.stopping else None if await database.answers() else "database"
    body = {"ok": True} if reason is None else {"ok": False, "reason": reason}
    return Response(body, status_code=200 if reason is None else 503, headers=NO_STORE)
