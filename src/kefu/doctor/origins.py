"""Whether lists of origins can match what browsers send, and which line would. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from kefu.config_rules import DEFAULT_PORTS, origin_as_sent
from kefu.doctor.findings import Finding, finding

WIDGET_LIST = "CHAT_ALLOWED_ORIGINS"
CONSOLE_LIST = "ADMIN_ALLOWED_ORIGINS"
EXAMPLE = "https://shop.example"


def check_list(setting: str, listed: tuple[str, ...]) -> list[Finding]:
    """What is wrong with a list by itself.

    Args:
        setting: Its variable.
        listed: The origins as they are written.
    """
    if not listed:
        return [finding("origins_empty", setting=setting)]
    fixed = ",".join(dict.fromkeys(good for one in listed if (good := origin_as_sent(one)))) or EXAMPLE
    wrong = [(one, code) for one in listed if (code := misspelt(one)) is not None]
    return [finding(code, setting=setting, origin=one, fixed=fixed) for one, code in wrong]


def misspelt(origin: str) -> str | None:
    """The code of why no browser sends this; None if one does."""
    if origin_as_sent(origin) == origin:
        return None
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return "origin_spelling"
    why = {
        "origin_wildcard": "*" in origin,
        "origin_no_scheme": "://" not in origin,
        "origin_slash": parts.path == "/" and not parts.query,
        "origin_path": bool(parts.path or parts.query or parts.fragment),
        "origin_default_port": port is not None and DEFAULT_PORTS.get(parts.scheme) == port,
    }
    return next((code for code, is_so in why.items() if is_so), "origin_spelling")


def check_page(setting: str, listed: tuple[str, ...], page_origin: str) -> list[Finding]:
    """Whether a page's origin is listed; if not, how near the list comes, and the line that admits it.

    Args:
        setting: The list's variable.
        listed: The origins as they are written.
        page_origin: As the browser sends it.
    """
    if page_origin in listed:
        return []
    near = nearest(listed, page_origin)
    code, neighbour = near or ("origin_not_listed", "")
    return [
        finding(code, setting=setting, origin=page_origin, listed=neighbour, fixed=",".join([*listed, page_origin]))
    ]


def nearest(listed: Iterable[str], origin: str) -> tuple[str, str] | None:
    """The listed origin that differs in one thing only, and the code of that thing."""
    scheme, host, port = _parts(origin)
    for one in listed:
        its_scheme, its_host, its_port = _parts(one)
        if its_host == host and its_port == port:
            return "origin_other_scheme", one
        if its_host == host and its_scheme == scheme:
            return "origin_other_port", one
        if (its_scheme, its_port) == (scheme, port) and its_host.removeprefix("www.") == host.removeprefix("www."):
            return "origin_www", one
    return None


def refused_lately(refused: Iterable[tuple[str, str, float]], listed: dict[str, tuple[str, ...]]) -> list[Finding]:
    """Origins that the running server turned away.

    Args:
        refused: Variable, origin, and how many seconds ago.
        listed: What each variable lists.
    """
    return [
        finding(
            "origin_refused_lately",
            setting=setting,
            origin=origin,
            minutes=max(1, round(ago_s / 60)),
            fixed=",".join([*listed[setting], origin]),
        )
        for setting, origin, ago_s in refused
    ]


def origin_of(url: str) -> str:
    """The origin that a browser sends for a page at this URL; empty if it is none."""
    parts = urlsplit(url)
    return origin_as_sent(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}") or ""


def _parts(origin: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return "", "", None
    return parts.scheme, parts.hostname or "", port
