"""Whether chat-server sees the client's address through the proxy.

Pure: judges what the server tells of two requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kefu.doctor.findings import Finding, finding

MARK = "192.0.2.77"
"""An address of nobody (documentation), sent as X-Forwarded-For to see whether a proxy just passes it on."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as chat-server saw it.

    Attributes:
        peer: Host and port of the other end of its connection.
        is_trusted: Whether that end is in `CHAT_TRUSTED_PROXIES`.
        forwarded_for: The header as it came; None if there was none.
        trusted: The networks of `CHAT_TRUSTED_PROXIES`.
    """

    peer: tuple[str, int]
    is_trusted: bool
    forwarded_for: str | None
    real_ip: str | None
    trusted: Sequence[str]

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Seen:
        """From chat-server's answer.

        Raises:
            KeyError: An older server tells nothing.
        """
        return cls(
            (str(told["peer"]), int(told["peerPort"])),
            bool(told["isTrusted"]),
            told["forwardedFor"],
            told["realIp"],
            tuple(told["trusted"]),
        )


def judge(seen: Seen, local: tuple[str, int], marked: Seen) -> list[Finding]:
    """What the proxy does with the client's address.

    Args:
        seen: A request without X-Forwarded-For, as chat-server saw it.
        local: Our own end of that request's connection.
        marked: A request with `MARK` as X-Forwarded-For, as chat-server saw it.
    """
    if seen.peer == local:
        return []  # nobody stands between
    peer = seen.peer[0]
    if not seen.is_trusted and (seen.forwarded_for or seen.real_ip) is not None:
        fixed = ",".join([*seen.trusted, peer])
        return [finding("forwarded_untrusted", peer=peer, fixed=fixed)]
    if seen.is_trusted and seen.forwarded_for is None and seen.real_ip is None:
        return [finding("forwarded_missing", peer=peer)]
    if marked.is_trusted and marked.forwarded_for is not None and marked.forwarded_for.strip() == MARK:
        return [finding("forwarded_forged", peer=peer)]
    return []
