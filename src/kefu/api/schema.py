"""chat-server's HTTP routes as an OpenAPI document, at `/chat/api/schema`.

Made from the handlers themselves. Each route is served with and without the `/chat` prefix; the document has it once.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.types import Method

PREFIX = "/chat/"
MEDIA_TYPE = "application/vnd.oai.openapi+json"
HEADERS = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
REFUSAL = {"schema": {"$ref": "#/components/schemas/HttpRefusal"}}


def openapi_document(route_handlers: Sequence[HTTPRouteHandler]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application's routes; JSON values only."""
    config = OpenAPIConfig(
        title="Kefu chat-server",
        version=importlib.metadata.version("kefu"),
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
    )
    # An application that is never served: one that is would show the framework's own pages too.
    application = Litestar(route_handlers=route_handlers, openapi_config=config, logging_config=None)
    document = application.openapi_schema.to_schema()
    paths = {path: item for path, item in sorted(document["paths"].items()) if path.startswith(PREFIX)}
    for item in paths.values():
        for operation in item.values():
            refused = operation["responses"].get("400")
            if refused:  # as `kefu.api.http` answers it, not as the framework would
                refused["content"] = {"application/json": REFUSAL}
    return {**document, "paths": paths}


@get(["/api/schema", "/chat/api/schema"], sync_to_thread=False, media_type=MEDIA_TYPE, summary="This document")
def show_schema(request: Request[Any, Any, State]) -> Response[dict[str, Any]]:
    """Every HTTP route of chat-server."""
    return Response(request.app.state.openapi(), headers=HEADERS, media_type=MEDIA_TYPE)


def _operation_id(handler: HTTPRouteHandler, _: Method, path: list[Any]) -> str:
    """The handler's own name; the route without the prefix, which the document leaves out, gets another."""
    name = handler.handler_name
    return name if path and path[0] == "chat" else f"{name}_unprefixed"
