"""What chat-server finds wrong with itself, for owners, and how it sees the one who asks.

`GET /chat/api/admin/doctor` with an owner's token as Bearer (contract section 2). The console asks it for its health
page; `kefu doctor --url` asks it twice, to learn what a proxy does with addresses. It makes no agent's row.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get, route
from litestar.datastructures import State
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec

from kefu.doctor.findings import Language
from kefu.doctor.inside import Inside
from kefu.store.database import UNREACHABLE, Database
from kefu.store.queries import agents
from kefu.tokens import AgentClaims, TokenError, TokenExpiredError, verify_agent_token
from kefu.transport.address import Network, client_address, is_trusted
from kefu.wire.http import DoctorReport, HttpRefusal, RequestSeen

PATHS = ["/api/admin/doctor", "/chat/api/admin/doctor"]
OWNER = "owner"
_HEADERS = {"Cache-Control": "no-store", "Vary": "Origin"}
_PREFLIGHT_SECONDS = "600"
RESPONSES = {
    200: ResponseSpec(DoctorReport, generate_examples=False, description="What was found"),
    401: ResponseSpec(HttpRefusal, generate_examples=False, description="No agent's token, or an old one"),
    403: ResponseSpec(HttpRefusal, generate_examples=False, description="The agent is no owner, or disabled"),
}


class RefusedError(Exception):
    """A request that is not an owner's, with status and code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Doctor:
    """What the route needs.

    Attributes:
        inside: The checks.
        database: To see who is disabled.
        secret: Of agents' tokens.
        role_map: Other systems' role names to ours.
        origins: That may open the console, and so may read the answer.
        trusted: Networks of proxies, as written and as parsed.
    """

    inside: Inside
    database: Database
    secret: str
    role_map: Mapping[str, str]
    origins: frozenset[str]
    trusted: Sequence[str]
    trusted_networks: Sequence[Network]


@route(PATHS, http_method=[HttpMethod.OPTIONS], sync_to_thread=False, include_in_schema=False, status_code=204)
def admin_doctor_preflight(request: Request[Any, Any, State], state: State) -> Response[None]:
    """A browser asks first, since the console may be on another origin and sends its token."""
    return Response(None, headers=_HEADERS | _cors(request, _doctor(request, state).origins))


@get(PATHS, responses=RESPONSES, summary="What is wrong with this installation")
async def admin_doctor(request: Request[Any, Any, State], state: State) -> Response[Any]:
    """Findings in the language of `?lang=`, and the request as it arrived; for owners' tokens only."""
    doctor = _doctor(request, state)
    headers = _HEADERS | _cors(request, doctor.origins)
    try:
        await _owner(request, doctor)
    except RefusedError as refused:
        return Response(HttpRefusal(refused.code, str(refused)), status_code=refused.status, headers=headers)
    language: Language = "zh-CN" if request.query_params.get("lang", "").startswith("zh") else "en"
    found = [one.told(language) for one in await doctor.inside.findings()]
    return Response(DoctorReport(found, _seen(request, doctor)), headers=headers)


def _doctor(request: Request[Any, Any, State], state: State) -> Doctor:
    if state.doctor is None:
        raise NotFoundException(f"there is nothing at {request.url.path}")
    found: Doctor = state.doctor
    return found


async def _owner(request: Request[Any, Any, State], doctor: Doctor) -> AgentClaims:
    """Whose token this is.

    Raises:
        RefusedError: It is none, or not an owner's.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise RefusedError(401, "UNAUTHORIZED", "send Authorization: Bearer with an agent's token")
    try:
        claims = verify_agent_token(doctor.secret, token.strip(), doctor.role_map, time.time())
    except TokenExpiredError as error:
        raise RefusedError(401, "TOKEN_EXPIRED", str(error)) from None
    except TokenError as error:
        raise RefusedError(401, "UNAUTHORIZED", str(error)) from None
    if await _role(claims, doctor.database) != OWNER:
        raise RefusedError(403, "FORBIDDEN", "only owners see this")
    return claims


async def _role(claims: AgentClaims, database: Database) -> str:
    """The agent's role: the row's if agents are managed here, else the token's; none for a disabled one."""
    try:
        async with database.engine.connect() as connection:
            row = await agents.get(connection, claims.agent_id)
    except UNREACHABLE:
        return claims.role  # an owner must learn that the database is away
    if row is None:
        return claims.role
    if row.disabled:
        return ""
    return str(row.role) if row.login is not None else claims.role


def _seen(request: Request[Any, Any, State], doctor: Doctor) -> RequestSeen:
    peer, port = (request.client.host, request.client.port) if request.client else ("127.0.0.1", 0)
    return RequestSeen(
        peer=peer,
        peer_port=port,
        is_trusted=is_trusted(peer, doctor.trusted_networks),
        trusted=list(doctor.trusted),
        forwarded_for=request.headers.get("x-forwarded-for"),
        real_ip=request.headers.get("x-real-ip"),
        address=client_address(peer, request.scope["headers"], doctor.trusted_networks),
    )


def _cors(request: Request[Any, Any, State], allowed: frozenset[str]) -> dict[str, str]:
    origin = request.headers.get("origin", "")
    if origin not in allowed:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET",
        "Access-Control-Allow-Headers": "authorization",
        "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
    }
