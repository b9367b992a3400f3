"""What HTTP routes answer in JSON (contract section 2)."""

from __future__ import annotations

from typing import Literal

import msgspec

from kefu.wire.shapes import Shape


class Health(Shape, frozen=True):
    """The process lives."""

    port: int
    ok: Literal[True] = True
    service: Literal["chat-server"] = "chat-server"


class Ready(msgspec.Struct, frozen=True, omit_defaults=True):
    """Messages can be stored. `degraded` names what is away without which they still are."""

    ok: Literal[True]
    degraded: Literal["bus"] | None = None


class NotReady(Shape, frozen=True):
    """Messages cannot be stored, and why."""

    reason: Literal["stopping", "database"]
    ok: Literal[False] = False


class DoctorFinding(Shape, frozen=True):
    """Something that is wrong: its stable code, what was found, and the line to write or to run."""

    code: str
    severity: Literal["failure", "warning"]
    subject: str
    found: str
    change: str
    facts: dict[str, str]
    file: str | None


class RequestSeen(Shape, frozen=True):
    """A request as it arrived: the other end of the connection, what proxies said, and whom that makes the client."""

    peer: str
    peer_port: int
    is_trusted: bool
    trusted: list[str]
    forwarded_for: str | None
    real_ip: str | None
    address: str


class DoctorReport(Shape, frozen=True):
    """What chat-server finds wrong with itself, and how it sees the one who asks."""

    findings: list[DoctorFinding]
    seen: RequestSeen


class HttpRefusal(Shape, frozen=True):
    """A request that was refused: a code for programs, a sentence for people."""

    error: str
    message: str
