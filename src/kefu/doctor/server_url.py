"""Whether a URL leads to chat-server at all: name, connection, certificate, proxy, health.

`reach` asks, the rest judges.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

from kefu.doctor import machine
from kefu.doctor.findings import Finding, finding
from kefu.doctor.request import Answer, Connection, Target, ask

EXPIRING_DAYS = 14
HEALTH = "/chat/health"
READY = "/chat/ready"
UPSTREAM_STATUSES = (502, 503, 504)
NOTHING_AT = "there is nothing at "
"""How chat-server begins its word that it has no such path; the path as it came follows."""

_EXPIRED, _SELF_SIGNED, _UNKNOWN_ISSUER, _OTHER_NAME = (10,), (18, 19), (2, 20, 21), (62, 64)
_TLS_CODES = {
    **dict.fromkeys(_EXPIRED, "tls_expired"),
    **dict.fromkeys(_SELF_SIGNED, "tls_self_signed"),
    **dict.fromkeys(_UNKNOWN_ISSUER, "tls_chain"),
    **dict.fromkeys(_OTHER_NAME, "tls_name"),
}


@dataclass
class Reached:
    """What came of it.

    Attributes:
        target: To ask further things of; None if nobody answers there or chat-server is not behind it.
        is_private: Nobody else can read what is sent: verified TLS, or this very machine.
        sent_on_to: Where a redirect sends everything.
    """

    target: Target | None = None
    is_private: bool = False
    sent_on_to: str | None = None
    findings: list[Finding] = field(default_factory=list)


async def reach(url: str) -> Reached:
    """Goes as far as chat-server's health; where all of it is sent on to another address, as far as there."""
    reached = await _reach(url)
    if reached.sent_on_to is None:
        return reached
    there = await _reach(reached.sent_on_to)
    there.findings += [*reached.findings, finding("url_redirected", url=url, to=reached.sent_on_to)]
    return there


async def _reach(url: str) -> Reached:
    reached = Reached()
    try:
        target = await _verified(url, reached)
        answer = None if target is None else await ask(target, HEALTH)
    except OSError as error:
        reached.findings.append(unreachable(Target.of(url), error))
        return reached
    if target is None or answer is None:
        return reached
    reached.sent_on_to = sent_on_to(url, answer)
    if reached.sent_on_to is None:
        _judge(reached, target, answer)
    return reached


async def _verified(url: str, reached: Reached) -> Target | None:
    """The target, which takes any certificate if what is wrong with it has been told; None if there is no TLS.

    Raises:
        OSError: Nobody answers.
    """
    target = Target.of(url)
    try:
        reached.findings += await check_certificate(target)
    except ssl.SSLError as error:
        reached.findings.append(tls_problem(target.host, error))
        return Target.of(url, verify=False) if isinstance(error, ssl.SSLCertVerificationError) else None
    return target


def _judge(reached: Reached, target: Target, answer: Answer) -> None:
    wrong = judge_health(answer)
    reached.findings += wrong + check_clock(answer)
    if not any(one.code in ("upstream_away", "chat_location_missing") for one in wrong):
        reached.target = target
    local = is_this_machine(target.host)
    reached.is_private = local if target.tls is None else target.verifies
    if target.tls is None and not local:
        reached.findings.append(finding("not_https", url=target.url))


def sent_on_to(url: str, answer: Answer) -> str | None:
    """The address to which a redirect of the health page sends everything; None if it is no such redirect."""
    to = answer.header("location")
    is_sent_on = 300 <= answer.status < 400 and to.startswith(("http://", "https://")) and to.endswith(HEALTH)
    base = to.removesuffix(HEALTH)
    return base if is_sent_on and base != url.rstrip("/") else None


async def check_certificate(target: Target) -> list[Finding]:
    """Connects once, and looks at how long the certificate is good.

    Raises:
        OSError: There is no connection, or no TLS that can be trusted.
    """
    connection = await Connection.open(target)
    try:
        return judge_certificate(target.host, connection.certificate, time.time())
    finally:
        connection.close()


def judge_certificate(host: str, certificate: dict[str, Any], now: float) -> list[Finding]:
    """Whether a verified certificate ends soon."""
    if "notAfter" not in certificate:
        return []
    ends = ssl.cert_time_to_seconds(certificate["notAfter"])
    days = int((ends - now) // 86_400)
    if days >= EXPIRING_DAYS:
        return []
    return [finding("tls_expiring", host=host, days=days, date=dt.datetime.fromtimestamp(ends, dt.UTC).date())]


def tls_problem(host: str, error: ssl.SSLError) -> Finding:
    """Why TLS failed."""
    number = getattr(error, "verify_code", None)
    reason = getattr(error, "verify_message", None) or error.reason or type(error).__name__
    return finding(_TLS_CODES.get(number, "tls_failed") if number else "tls_failed", host=host, reason=reason)


def unreachable(target: Target, error: OSError) -> Finding:
    """Why there is no answer."""
    if isinstance(error, socket.gaierror):
        return finding("url_unknown_host", host=target.host, url=target.url)
    if isinstance(error, TimeoutError):
        return finding("url_unreachable", url=target.url, reason="timeout")
    return finding("url_unreachable", url=target.url, reason=error.strerror or str(error) or type(error).__name__)


def judge_health(answer: Answer) -> list[Finding]:
    """Whether chat-server answers at its health path."""
    if path := path_seen(answer):
        return [finding("chat_path_changed", path=HEALTH, saw=path)]
    if answer.status in UPSTREAM_STATUSES:
        return [finding("upstream_away", status=answer.status)]
    if answer.status != 200 or told(answer).get("service") != "chat-server":
        return [finding("chat_location_missing", path=HEALTH, status=answer.status)]
    return []


def judge_ready(answer: Answer) -> list[Finding]:
    """Whether messages can be stored, and whether the bus is there."""
    said = told(answer)
    if answer.status == 503 and "reason" in said:
        return [finding("not_ready", reason=said["reason"])]
    return [finding("bus_away")] if said.get("degraded") == "bus" else []


def check_clock(answer: Answer) -> list[Finding]:
    """Whether the server's clock is ours."""
    clock = answer.clock
    return [] if clock is None else machine.check_clock(clock - time.time())


def path_seen(answer: Answer) -> str | None:
    """The path at which chat-server says that there is nothing; None if the answer is another one."""
    said = told(answer) if answer.status == 404 else {}
    message = str(said.get("message", ""))
    return message.removeprefix(NOTHING_AT) if message.startswith(NOTHING_AT) else None


def told(answer: Answer) -> dict[str, Any]:
    """The answer's JSON object; empty if it is none."""
    try:
        value = json.loads(answer.body) if answer.is_json else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def is_this_machine(host: str) -> bool:
    """Whether a name or address is that of the loopback interface."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
