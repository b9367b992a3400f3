"""chat-server's HTTP application: its routes, and how errors look."""

from __future__ import annotations

import functools
import logging
from typing import Any

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from kefu.api.doctor import Doctor, admin_doctor, admin_doctor_preflight
from kefu.api.files import Files, console_file, widget_file
from kefu.api.headers import add_safe_headers
from kefu.api.health import health, ready
from kefu.api.metrics import internal_metrics, public_metrics
from kefu.api.schema import openapi_document, show_schema
from kefu.bus.port import Bus
from kefu.store.database import Database
from kefu.transport.server.workers import Worker

log = logging.getLogger(__name__)

_CODES = {400: "INVALID_INPUT", 401: "UNAUTHORIZED", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}


ROUTES: list[Any] = [
    admin_doctor_preflight,  # before its route, for which the framework would else answer preflights by itself
    admin_doctor,
    health,
    ready,
    public_metrics,
    widget_file,
    console_file,
    show_schema,
]


@functools.cache
def openapi() -> dict[str, Any]:
    """The public port's routes as an OpenAPI 3.1 document."""
    return openapi_document(ROUTES)


def create_http(
    database: Database,
    bus: Bus,
    files: Files,
    port: int,
    metrics_token: str | None = None,
    *,
    doctor: Doctor | None = None,
    worker: Worker | None = None,
) -> Litestar:
    """The application; `state.stopping` is set when the server stops. Without a token it shows no metrics.

    Without `doctor` there are no findings for owners. `worker` is which of several this process is.
    """
    state = {
        "database": database,
        "bus": bus,
        "files": files,
        "port": port,
        "doctor": doctor,
        "worker": worker,
        "stopping": False,
        "metrics_token": metrics_token,
        "openapi": openapi,
    }
    return _application(ROUTES, State(state))


def create_internal(public: Litestar) -> Litestar:
    """The internal port's application: what operators ask, of the same server."""
    return _application([health, ready, internal_metrics], public.state)


def _application(route_handlers: list[Any], state: State) -> Litestar:
    return Litestar(
        route_handlers=route_handlers,
        state=state,
        exception_handlers={HTTPException: _refused, Exception: _failed},
        openapi_config=None,
        before_send=[add_safe_headers],
        logging_config=None,
    )


def _refused(request: Request[Any, Any, State], error: HTTPException) -> Response[dict[str, str]]:
    code = _CODES.get(error.status_code, "UNAVAILABLE" if error.status_code >= 500 else "INVALID_INPUT")
    headers = {"WWW-Authenticate": "Bearer"} if error.status_code == 401 else None
    # The path as it came, so that whoever set up a proxy sees what became of it.
    message = f"there is nothing at {request.scope['path']}" if error.status_code == 404 else error.detail
    return Response({"error": code, "message": message}, status_code=error.status_code, headers=headers)


def _failed(_: Request[Any, Any, State], error: Exception) -> Response[dict[str, str]]:
    log.error("a request failed", exc_info=error)
    return Response({"error": "UNAVAILABLE", "message": "the server could not do this"}, status_code=500)
