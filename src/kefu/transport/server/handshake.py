"""Who may come in: what polling requests and websocket upgrades are asked first.

Knows request lines, headers and the endpoints' word on origins. A refusal is an HTTP answer with Engine.IO's code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from kefu.transport.address import client_address
from kefu.transport.endpoint import Handshake
from kefu.transport.server.faults import log_endpoint_fault
from kefu.transport.server.options import TransportOptions
from kefu.transport.server.refusals import Reason

if TYPE_CHECKING:
    from kefu.transport.server.service import Service

ENGINE_VERSION = "4"
UNKNOWN_TRANSPORT, UNKNOWN_SID, BAD_METHOD, BAD_REQUEST, FORBIDDEN, BAD_VERSION = range(6)
_MESSAGES = {
    UNKNOWN_TRANSPORT: "Transport unknown",
    UNKNOWN_SID: "Session ID unknown",
    BAD_METHOD: "Bad handshake method",
    BAD_REQUEST: "Bad request",
    FORBIDDEN: "Forbidden",
    BAD_VERSION: "Unsupported protocol version",
}


class RefusedError(Exception):
    """A request that ends with an HTTP error; `body` is JSON. With a reason it is counted."""

    def __init__(
        self,
        code: int,
        status: HTTPStatus = HTTPStatus.BAD_REQUEST,
        message: str = "",
        reason: Reason | None = None,
    ) -> None:
        message = message or _MESSAGES[code]
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.body = msgspec.json.encode({"code": code, "message": message})


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to a socket path, without its body.

    Attributes:
        method: `GET`, in capitals.
        path: Without query; a trailing slash may follow.
        query: As it came.
        headers: Names in lower case, in their order.
        peer: The other end of the TCP connection; None for a Unix socket.
    """

    method: str
    path: str
    query: str
    headers: list[tuple[bytes, bytes]]
    peer: str | None


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that passed: whom it is for, who asks, and for which session (empty: a new one)."""

    service: Service
    handshake: Handshake
    sid: str


def service_path(path: str, services: Mapping[str, Service]) -> str | None:
    """The service's own path that `path` means, with or without a trailing slash; None if there is none."""
    bare = path.removesuffix("/")
    return bare if bare in services else None


def admit(request: Request, transport: str, services: Mapping[str, Service], options: TransportOptions) -> Admission:
    """Asks everything that does not depend on the session.

    Args:
        request: What came.
        transport: `polling` or `websocket`, by which it came.
        services: By path.
        options: Trusted networks.

    Raises:
        RefusedError: With 404 for another path, 403 for a refused origin, 400 for the rest.
    """
    path = service_path(request.path, services)
    if path is None:
        raise RefusedError(BAD_REQUEST, HTTPStatus.NOT_FOUND, "Not found")
    query = parse_query(request.query)
    if query.get("transport") != transport:
        raise RefusedError(UNKNOWN_TRANSPORT if query.get("transport") != "websocket" else BAD_REQUEST)
    if query.get("EIO") != ENGINE_VERSION:
        raise RefusedError(BAD_VERSION)
    handshake = Handshake(
        path=path,
        address=client_address(request.peer, request.headers, options.trusted_networks),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers},
        transport=transport,
    )
    service = services[path]
    if not _admits_origin(service, handshake):
        raise RefusedError(FORBIDDEN, HTTPStatus.FORBIDDEN, reason=Reason.ORIGIN)
    return Admission(service, handshake, query.get("sid", ""))


def _admits_origin(service: Service, handshake: Handshake) -> bool:
    try:
        return service.admits_origin(handshake)
    except Exception as error:
        log_endpoint_fault("admits_origin", handshake.path, error)
        raise RefusedError(BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error") from error


def parse_query(query: str) -> dict[str, str]:
    """Names and values as they stand; the ones that count here never need percent-decoding."""
    pairs = (part.partition("=") for part in query.split("&"))
    return {name: value for name, _, value in pairs}


def parse_request(data: bytes, peer: str | None) -> Request:
    """The upgrade request as the HTTP server hands it on: complete, well-formed, names in lower case."""
    lines = data.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    method, target, _ = lines[0].decode("latin-1").split(" ", 2)
    path, _, query = target.partition("?")
    headers = []
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        headers.append((name, value.strip()))
    return Request(method, path, query, headers, peer)
