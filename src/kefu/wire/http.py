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


class HttpRefusal(Shape, frozen=True):
    """A request that was refused: a code for programs, a sentence for people."""

    error: str
    message: str
