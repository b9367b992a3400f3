"""Whether the process lives, and whether it can serve (contract section 2)."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec

from kefu.bus.port import Bus
from kefu.store.database import Database
from kefu.wire.http import Health, NotReady, Ready

NO_STORE = {"Cache-Control": "no-store"}
READY = {
    200: ResponseSpec(Ready, generate_examples=False, description="Messages can be stored"),
    503: ResponseSpec(NotReady, generate_examples=False, description="The database is away, or the server stops"),
}


@get(["/health", "/chat/health"], sync_to_thread=False, summary="Whether it lives")
def health(state: State) -> Response[Health]:
    """200 while the process lives; never rate-limited."""
    return Response(Health(state.port), headers=NO_STORE)


@get(["/ready", "/chat/ready"], responses=READY, summary="Whether it can serve")
async def ready(state: State) -> Response[Any]:
    """200 while messages can be stored; 503 while the database is away or the server stops.

    `degraded` names what is away without which messages are still stored and acked: the bus.
    """
    database: Database = state.database
    bus: Bus = state.bus
    reason = "stopping" if state.stopping else None if await database.answers() else "database"
    if reason is not None:
        return Response(NotReady("stopping" if state.stopping else "database"), status_code=503, headers=NO_STORE)
    return Response(Ready(ok=True, degraded="bus" if bus.state == "away" else None), headers=NO_STORE)
