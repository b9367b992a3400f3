"""The acceptance of a live installation: checks in their order, timed; what needs a failed one is not tried."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kefu.accept import screenshots
from kefu.accept.checks import CheckError, Line, Report, Result, SkipError, State
from kefu.accept.files import ADMIN_PAGE, Files
from kefu.accept.talk import Talk
from kefu.client.address import Address, RefusedError

Body = Callable[[], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be accepted.

    Attributes:
        visitor: chat-server, with the Origin of a page that has the widget.
        agent: chat-server, with the Origin of the page that has the console.
        admin_url: The main site's address; empty if it was not named.
        page_url: A page with the widget, for a picture.
        token: An agent's.
        pictures: Folder for screenshots; None takes none.
    """

    visitor: Address
    agent: Address
    admin_url: str
    page_url: str
    token: str
    pictures: Path | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: Its key in `texts.py`.
        line: The log line that it stands for.
        body: What it does; it may return what its text tells.
        needs: Names of checks without which it means nothing.
        text: Key of the text for what `body` returns.
    """

    name: str
    line: Line
    body: Body
    needs: tuple[str, ...] = ()
    text: str = ""


SOCKETS = ("visitor_websocket", "visitor_polling", "agent_websocket", "agent_polling")


def checks(files: Files, talk: Talk) -> list[Check]:
    """All of them, in the order of the deployment document."""
    return [
        Check("health", "SERVER", files.health),
        Check("redirect", "SERVER", files.redirect),
        Check("ready", "DB", files.ready, ("health",)),
        Check("visitor_websocket", "WS", lambda: talk.visitor_by("websocket")),
        Check("visitor_polling", "WS", lambda: talk.visitor_by("polling")),
        Check("agent_websocket", "WS", lambda: talk.agent_by("websocket")),
        Check("agent_polling", "WS", lambda: talk.agent_by("polling")),
        Check("widget", "P0", files.widget),
        Check("widget_alias", "P0", files.widget_alias, ("widget",)),
        Check("widget_short", "P0", files.widget_short, ("widget",)),
        Check("widget_files", "P0", files.widget_files, ("widget",)),
        Check("console_files", "P0", files.console_files),
        Check("admin_page", "P0", files.admin_page),
        Check("hello", "P0", talk.hello, SOCKETS),
        Check("visitor_message", "P0", talk.visitor_message, ("hello",), "transit"),
        Check("assign", "P0", talk.assign, ("visitor_message",)),
        Check("agent_message", "P0", talk.agent_message, ("visitor_message",), "transit"),
        Check("polling_message", "P0", talk.polling_message, ("visitor_message",), "transit"),
        Check("repeat", "P0", talk.repeat, ("visitor_message",)),
        Check("history", "P0", talk.history, ("visitor_message",), "messages"),
        Check("close", "P0", talk.close, ("visitor_message",)),
    ]


async def accept(target: Target, on_result: Callable[[Result], None] = lambda _: None) -> Report:
    """Makes every check and cleans up.

    Args:
        target: The installation.
        on_result: Called after each check.
    """
    began, report = time.perf_counter(), Report(target.visitor.url)
    talk = Talk(target.visitor, target.agent, target.token)
    files = Files(target.visitor, target.admin_url)
    ended: dict[str, Result] = {}
    try:
        for check in checks(files, talk):
            result = ended[check.name] = await _result(check, ended)
            report.results.append(result)
            on_result(result)
    finally:
        await talk.leave()
    if target.pictures is not None:
        site = files.site_url if ended["admin_page"].state == "ok" else target.admin_url
        check = Check("pictures", "P0", lambda: _take_pictures(target, site, report), text="files")
        report.results.append(await _result(check, ended))
        on_result(report.results[-1])
    report.conversation_id, report.is_closed = talk.conversation_id if talk.has_spoken else "", talk.is_closed
    report.seconds = time.perf_counter() - began
    return report


async def _result(check: Check, ended: dict[str, Result]) -> Result:
    """How one check ends, whatever happens in it."""
    missing = next((name for name in check.needs if ended[name].state != "ok"), None)
    if missing is not None:
        return Result(check.name, check.line, "skipped", 0.0, "not_tried", {"name": missing})
    began = time.perf_counter()
    try:
        told = await check.body()
    except (CheckError, ConnectionError, KeyError, TypeError) as error:
        state, key, values = _reason(error)
        return Result(check.name, check.line, state, (time.perf_counter() - began) * 1000, key, values)
    return Result(check.name, check.line, "ok", (time.perf_counter() - began) * 1000, check.text, told or {})


def _reason(error: Exception) -> tuple[State, str, dict[str, Any]]:
    if isinstance(error, CheckError):
        return "skipped" if isinstance(error, SkipError) else "failed", error.key, error.values
    if isinstance(error, ConnectionError):
        return "failed", "refused" if isinstance(error, RefusedError) else "lost", {"reason": str(error)}
    return "failed", "lost", {"reason": f"an answer that is not chat-server's ({type(error).__name__}: {error})"}


async def _take_pictures(target: Target, site_url: str, report: Report) -> dict[str, Any]:
    assert target.pictures is not None
    pages = {"widget": target.page_url}
    if site_url:
        pages["console"] = site_url + ADMIN_PAGE
    any_certificate = target.visitor.ssl is not None
    take = partial(screenshots.take, pages, target.pictures, any_certificate=any_certificate)
    report.pictures = await asyncio.to_thread(take)
    return {"files": ", ".join(report.pictures)}
