"""Everything that can be checked through the URL that browsers use. Joins the checks; judges nothing itself."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from kefu.config import Settings, reveal
from kefu.doctor import address, origin_header, origins, page, server_url, sockets, widget
from kefu.doctor.findings import KINDS, Finding, finding
from kefu.doctor.guard import CHECK_SECONDS_MAX, Check, guarded, together
from kefu.doctor.local import Programs
from kefu.doctor.request import Answer, Target, ask
from kefu.doctor.sockets import Patience
from kefu.tokens import issue_agent_token

INSIDE = "/chat/api/admin/doctor"
CONSOLE = "/admin/chat"
LOGIN = "/admin/login"
AGENT = "kefu-doctor"
TOKEN_S = 60
EXPIRED_S_AGO = 3600
"""A token of an hour ago gives no rights to whoever listens, and still tells whose secret signed it."""
_ABOUT_ORIGINS = (
    "origin_other_scheme",
    "origin_other_port",
    "origin_www",
    "origin_not_listed",
    "origin_refused_lately",
)


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        url: Where browsers reach chat-server.
        page: A page that embeds the widget; empty: the URL's own front page, if it does.
        patience: How long sockets are waited for.
    """

    url: str
    page: str = ""
    patience: Patience = field(default_factory=Patience)


async def check(wanted: Wanted, found: Programs) -> list[Finding]:
    """Goes through the URL like a visitor's and an agent's browser.

    Args:
        wanted: What is asked for.
        found: Both programs' settings, where they can be read.
    """
    reached: server_url.Reached = server_url.Reached()

    async def reach() -> list[Finding]:
        nonlocal reached
        reached = await server_url.reach(wanted.url)
        return reached.findings

    findings = await guarded("url", reach) + _check_public_url(wanted, found.site)
    target = reached.target
    if target is None:
        return findings
    page_url = wanted.page or await _front_page(target)
    console, away = await _console(target)
    findings += away
    seconds_max = CHECK_SECONDS_MAX + 2 * wanted.patience.ping_s_max
    findings += await together(_checks(wanted, found, reached, target, page_url, console), seconds_max)
    return _without_echoes(findings)


def _checks(  # noqa: PLR0917 - what the checks need
    wanted: Wanted, found: Programs, reached: server_url.Reached, target: Target, page_url: str, console: str
) -> dict[str, Check]:
    page_origin = origins.origin_of(page_url) if page_url else ""
    sent = {origins.WIDGET_LIST: page_origin, origins.CONSOLE_LIST: console}

    async def ready() -> list[Finding]:
        return server_url.judge_ready(await ask(target, server_url.READY))

    checks: dict[str, Check] = {
        "ready": ready,
        "widget": lambda: widget.check(target, page_origin),
        "origins": lambda: _check_origins(sent, found),
        "login": lambda: _check_proto(target),
    }
    for path, setting in sockets.LISTS.items():
        checks[path] = functools.partial(sockets.check, target, path, sent[setting], wanted.patience)
        checks[f"Origin at {path}"] = functools.partial(
            origin_header.check, target, path, sent[setting], wanted.patience
        )
    if page_url:
        verify = target.verifies or page_origin != origins.origin_of(target.url)
        checks["page"] = lambda: page.check(page_url, target.url, verify=verify)
    settings = found.site or found.server
    secret = reveal(settings.admin_jwt_secret) if settings else None
    if secret:
        checks["inside"] = lambda: _check_inside(target, secret, is_private=reached.is_private)
    return checks


async def _check_origins(sent: dict[str, str], found: Programs) -> list[Finding]:
    """Pages' origins against the lists, where they can be read; `kefu up` adds its own, which only the server knows."""
    if found.server is None or found.is_up:
        return []
    lists = {
        origins.WIDGET_LIST: found.server.allowed_origins,
        origins.CONSOLE_LIST: found.server.admin_allowed_origins,
    }
    return [
        one
        for name, origin in sent.items()
        if origin and lists[name]
        for one in origins.check_page(name, lists[name], origin)
    ]


async def _check_inside(target: Target, secret: str, *, is_private: bool) -> list[Finding]:
    """What chat-server says of itself, and how it sees us; whether it believes our token at all."""
    headers = {"Authorization": f"Bearer {_token(secret, is_private=is_private)}"}
    answer = await ask(target, INSIDE, headers=headers)
    told = server_url.told(answer)
    if answer.status == 401 and told.get("error") == "UNAUTHORIZED":
        return [finding("token_refused", url=target.url, reason=told.get("message", ""))]
    if answer.status != 200 or "findings" not in told:
        return []  # an older chat-server, or a token that only proved the secret
    marked = await ask(target, INSIDE, headers={**headers, "X-Forwarded-For": address.MARK})
    findings = [finding(one["code"], **one["facts"]) for one in told["findings"] if one["code"] in KINDS]
    return findings + _judge_address(answer, marked)


def _judge_address(answer: Answer, marked: Answer) -> list[Finding]:
    seen = address.Seen.read(server_url.told(answer)["seen"])
    return address.judge(seen, answer.local, address.Seen.read(server_url.told(marked)["seen"]))


def _token(secret: str, *, is_private: bool) -> str:
    now = time.time() - (0 if is_private else EXPIRED_S_AGO)
    return issue_agent_token(secret, agent_id=AGENT, role="owner", seconds=TOKEN_S, now=now)


async def _check_proto(target: Target) -> list[Finding]:
    """Whether Kefu's own main site knows that browsers speak https."""
    if target.tls is None:
        return []
    answer = await ask(target, LOGIN)
    cookies = [value for name, value in answer.headers if name == "set-cookie" and value.startswith("kefu_")]
    if not cookies or all("secure" in cookie.lower() for cookie in cookies):
        return []
    return [finding("proto_missing", url=target.url)]


def _check_public_url(wanted: Wanted, site: Settings | None) -> list[Finding]:
    if site is None or not site.server_public_url:
        return []
    if site.server_public_url.rstrip("/") == wanted.url.rstrip("/"):
        return []
    return [finding("public_url_differs", url=wanted.url.rstrip("/"), configured=site.server_public_url)]


async def _front_page(target: Target) -> str:
    """The URL's front page if it embeds the widget, else empty."""
    try:
        parts = urlsplit(target.url)
        front = await page.fetch(f"{parts.scheme}://{parts.netloc}/", verify=target.verifies)
    except OSError:
        return ""
    return front.url if front.loader else ""


async def _console(target: Target) -> tuple[str, list[Finding]]:
    """The origin of the agents' page if it is beside chat-server, else empty; and whether its main site is away."""
    root = origins.origin_of(target.url)
    try:
        answer = await ask(replace(target, url=root), CONSOLE)
    except OSError as error:
        reason = "timeout" if isinstance(error, TimeoutError) else error.strerror or str(error)
        return "", [finding("main_site_away", url=root + CONSOLE, answer=reason)]
    if answer.status in server_url.UPSTREAM_STATUSES and not answer.is_json:
        return "", [finding("main_site_away", url=root + CONSOLE, answer=f"HTTP {answer.status}")]
    is_there = answer.status in (200, 302, 303, 307, 401, 403) and not answer.is_json
    return root if is_there else "", []


def _without_echoes(findings: list[Finding]) -> list[Finding]:
    """Each cause once: a socket's refusal knows the origin alone, the lists and the server's memory know the line."""
    findings = _without_what_a_proxy_wrote(findings)
    about = [one for one in findings if one.code in _ABOUT_ORIGINS]
    told: dict[tuple[str, str], Finding] = {}
    for one in sorted(about, key=lambda one: (_is_bare(one), one.code == "origin_refused_lately")):
        place = (one.facts["setting"], one.facts["origin"])
        known = told.setdefault(place, one)
        if known.code == "origin_refused_lately" and _is_bare(one):
            told[place] = finding(one.code, **{**one.facts, "fixed": known.facts["fixed"]})
    return [one for one in findings if one.code not in _ABOUT_ORIGINS] + list(told.values())


def _without_what_a_proxy_wrote(findings: list[Finding]) -> list[Finding]:
    """Where a proxy changes origins: not the refusals that this leads to, whose line would list what it writes."""
    changed = {one.facts["setting"] for one in findings if one.code == "origin_changed"}
    echoes = [
        one
        for one in findings
        if one.facts.get("setting") in changed
        and (one.code == "origin_refused_lately" or (one.code in _ABOUT_ORIGINS and _is_bare(one)))
    ]
    written = {one.facts["setting"]: one.facts["origin"] for one in reversed(echoes) if not _is_bare(one)}
    return [
        finding(one.code, **{**one.facts, "written": written.get(one.facts["setting"], origin_header.UNKNOWN)})
        if one.code == "origin_changed"
        else one
        for one in findings
        if one not in echoes
    ]


def _is_bare(one: Finding) -> bool:
    return one.facts["fixed"].startswith("…")
