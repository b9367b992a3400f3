"""Whether both socket paths work through whatever stands between, by websocket and by polling.

Speaks just enough Engine.IO: open, CONNECT, and then silence until the server's ping, which is what a proxy's timeout
must outlast.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from urllib.parse import urlsplit

from kefu.doctor.findings import Finding, finding
from kefu.doctor.origins import CONSOLE_LIST, WIDGET_LIST
from kefu.doctor.request import Answer, RequestError, Target, ask
from kefu.doctor.server_url import UPSTREAM_STATUSES, path_seen, told
from kefu.doctor.websocket import ClosedError, WebSocket, open_websocket

LISTS = {"/ws-visitor": WIDGET_LIST, "/ws-admin": CONSOLE_LIST}
"""The paths, and the list of origins of each."""

POLLING = "/?EIO=4&transport=polling"
_WEBSOCKET = "/?EIO=4&transport=websocket"
FORBIDDEN, _BAD_REQUEST, _UNKNOWN_SID = 4, 3, 1
"""Codes of chat-server's refusals of a handshake."""
BODY_BYTES_MAX = 65_536
"""The largest request that is tried; no more than the server says it takes."""
BODY_MARGIN_BYTES = 1024
TOO_LARGE = 413
_PONG = b"3"


@dataclass(frozen=True)
class Patience:
    """How long to wait.

    Attributes:
        answer_s: For an answer that the server gives at once.
        late_s: From when on such an answer was held back by somebody.
        ping_s_max: For the server's ping; a longer interval is not waited for, and 0 waits for none.
        ping_spare_s: How much later than announced a ping may come.
    """

    answer_s: float = 8.0
    late_s: float = 2.0
    ping_s_max: float = 40.0
    ping_spare_s: float = 3.0


async def check(target: Target, path: str, origin: str, patience: Patience) -> list[Finding]:
    """Both transports of one path; what fails in both the same way is told once.

    Args:
        target: Where chat-server is.
        path: Such as `/ws-visitor`.
        origin: The Origin header to send; empty for none.
        patience: How long to wait.
    """
    headers = {"Origin": origin} if origin else {}
    found = await asyncio.gather(
        _guarded(_check_websocket(target, path, headers, patience), path),
        _guarded(_check_polling(target, path, headers, patience), path),
    )
    codes = {one.code for one in found[1]}
    return found[1] + [one for one in found[0] if one.code not in codes]


async def _guarded(checking: Awaitable[list[Finding]], path: str) -> list[Finding]:
    try:
        return await checking
    except OSError as error:
        reason = "timeout" if isinstance(error, TimeoutError) else error.strerror or str(error)
        return [finding("socket_failed", path=path, reason=reason)]


async def _check_websocket(target: Target, path: str, headers: dict[str, str], patience: Patience) -> list[Finding]:
    opened, answer = await open_websocket(target, path + _WEBSOCKET, headers, timeout_s=patience.answer_s)
    if opened is None:
        return judge_refusal(path, answer, headers, transport="websocket")
    try:
        return await _talk(opened, path, patience)
    finally:
        opened.close()


async def _talk(opened: WebSocket, path: str, patience: Patience) -> list[Finding]:
    try:
        async with asyncio.timeout(patience.answer_s):
            interval_s = _interval_s(await opened.receive())
            opened.send("40")
            await opened.receive()
    except TimeoutError:
        return [finding("socket_silent", path=path, seconds=f"{patience.answer_s:g}")]
    except ClosedError:
        return [finding("socket_failed", path=path, reason="closed at once")]
    if interval_s > patience.ping_s_max:
        return []
    started = time.monotonic()
    try:
        async with asyncio.timeout(interval_s + patience.ping_spare_s):
            while await opened.receive() != "2":
                pass
    except (ClosedError, TimeoutError):
        return [_timed_out(path, time.monotonic() - started, interval_s)]
    return []


async def _check_polling(target: Target, path: str, headers: dict[str, str], patience: Patience) -> list[Finding]:
    answer = await ask(target, path + POLLING, headers=headers, timeout_s=patience.answer_s)
    if answer.status != 200 or not answer.text.startswith("0{"):
        return judge_refusal(path, answer, headers, transport="polling")
    opened = json.loads(answer.text[1:])
    again = await ask(target, path + POLLING, headers=headers, timeout_s=patience.answer_s)
    if again.text == answer.text:
        return [finding("polling_cached", path=path)]
    session = f"{path}{POLLING}&sid={opened['sid']}"
    found = await _post_much(target, session, path, headers, patience, int(opened["maxPayload"]))
    return found or await _poll(target, session, path, headers, patience, float(opened["pingInterval"]) / 1000)


async def _post_much(  # noqa: PLR0917 - the parts of one request
    target: Target, session: str, path: str, headers: dict[str, str], patience: Patience, bytes_max: int
) -> list[Finding]:
    """Sends as much at once as the server says it takes; a pong may carry anything, and means nothing."""
    body = _PONG.ljust(min(bytes_max, BODY_BYTES_MAX), b".")
    answer = await ask(target, session, method="POST", body=body, headers=headers, timeout_s=patience.answer_s)
    if answer.status == TOO_LARGE:
        return [finding("socket_body_limit", path=path, bytes=len(body), needed=bytes_max + BODY_MARGIN_BYTES)]
    return [] if answer.status == 200 else judge_refusal(path, answer, headers, transport="polling")


async def _poll(  # noqa: PLR0917 - the parts of one request
    target: Target, session: str, path: str, headers: dict[str, str], patience: Patience, interval_s: float
) -> list[Finding]:
    waiting = asyncio.ensure_future(ask(target, session, headers=headers, timeout_s=patience.answer_s))
    await asyncio.sleep(0.05)  # so that it waits when the answer comes about
    started = time.monotonic()
    posted = await ask(target, session, method="POST", body=b"40", headers=headers, timeout_s=patience.answer_s)
    try:
        connected = await waiting
    except TimeoutError:
        return [finding("socket_buffered", path=path, seconds=f"{patience.answer_s:g}")]
    late_s = time.monotonic() - started
    if posted.status != 200 or connected.status != 200:
        return judge_refusal(path, posted if posted.status != 200 else connected, headers, transport="polling")
    if late_s > patience.late_s:
        return [finding("socket_buffered", path=path, seconds=f"{late_s:.1f}")]
    return (
        []
        if interval_s > patience.ping_s_max
        else await _await_ping(target, session, path, headers, interval_s, patience)
    )


async def _await_ping(  # noqa: PLR0917 - the parts of one request
    target: Target, session: str, path: str, headers: dict[str, str], interval_s: float, patience: Patience
) -> list[Finding]:
    started = time.monotonic()
    try:
        answer = await ask(target, session, headers=headers, timeout_s=interval_s + patience.ping_spare_s)
        is_ping = answer.status == 200 and not answer.cut
    except (TimeoutError, RequestError, ConnectionError):
        is_ping = False
    return [] if is_ping else [_timed_out(path, time.monotonic() - started, interval_s)]


def _timed_out(path: str, seconds: float, interval_s: float) -> Finding:
    needed = max(60, round(interval_s * 3))
    return finding("socket_timeout", path=path, seconds=f"{seconds:.1f}", interval=f"{interval_s:g}", needed=needed)


def judge_refusal(path: str, answer: Answer, headers: dict[str, str], *, transport: str) -> list[Finding]:
    """Why a handshake was not granted."""
    code, status = told(answer).get("code"), answer.status
    origin = headers.get("Origin", "")
    facts: dict[str, object] = {
        "path": path,
        "saw": path_seen(answer) or "/…",
        "to": urlsplit(answer.header("location")).path,
        "status": status,
        "reason": f"HTTP {status}",
    }
    if code == FORBIDDEN:
        return [finding("origin_not_listed", setting=LISTS[path], origin=origin, listed="", fixed=f"…,{origin}")]
    if status in UPSTREAM_STATUSES:
        return [finding("upstream_away", status=status)]
    why = {
        "socket_path_changed": path_seen(answer) is not None or (status == 404 and code == _BAD_REQUEST),
        "socket_redirected": 300 <= status < 400,
        "polling_not_sticky": code == _UNKNOWN_SID,
        "upgrade_missing": transport == "websocket" and status in (400, 426),
        "socket_forbidden": status in (401, 403, 405),
        "socket_location_missing": status in (200, 404),
    }
    return [finding(next((one for one, is_so in why.items() if is_so), "socket_failed"), **facts)]


def _interval_s(opened: str) -> float:
    try:
        return float(json.loads(opened[1:])["pingInterval"]) / 1000
    except (ValueError, KeyError, TypeError):
        raise ClosedError("what came first is no open packet") from None
