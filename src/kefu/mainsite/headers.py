"""Security headers of the main site's pages: each names the origins that it may load from; nothing else loads.

Knows headers; knows nothing of logins, chat or web frameworks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

Csp = Mapping[str, Iterable[str]]

CLOSED: Csp = {
    "default-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}
OWN_PAGE: Csp = {"style-src": ["'self'"], "script-src": ["'self'"], "img-src": ["'self'"], "connect-src": ["'self'"]}


def page_headers(csp: Csp = OWN_PAGE) -> dict[str, str]:
    """Headers of a page that no cache keeps and no other page frames; nothing loads but what it names.

    Args:
        csp: Sources by directive, over `CLOSED`.
    """
    policy = {**CLOSED, **csp}
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items()),
        "Cache-Control": "no-store",
        "Vary": "Cookie, Accept-Language",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin-when-cross-origin",
    }


def chat_csp(chat_url: str, page_host: str) -> dict[str, list[str]]:
    """What a page needs to load chat-server's files and to talk to it.

    Args:
        chat_url: Base URL for browsers; empty for the page's own origin.
        page_host: The page's own `Host`, for browsers in which 'self' does not cover websockets.
    """
    parts = urlsplit(chat_url)
    host = parts.netloc if chat_url else page_host
    sources = ["'self'"] + ([f"{parts.scheme}://{host}"] if chat_url else [])
    sockets = [f"{scheme}://{host}" for scheme in _socket_schemes(parts.scheme)] if _is_host(host) else []
    return {
        "script-src": sources,
        "style-src": sources,
        "connect-src": [*sources, *sockets],
        "img-src": [*sources, "data:", "blob:"],
        "font-src": sources,
        "media-src": sources,
        "worker-src": [*sources, "blob:"],
    }


def _socket_schemes(scheme: str) -> tuple[str, ...]:
    return {"http": ("ws",), "https": ("wss",)}.get(scheme, ("ws", "wss"))


def _is_host(host: str) -> bool:
    """Whether a Host header may stand in a policy: name or address and port, nothing that could end a directive."""
    return bool(host) and all(char.isascii() and (char.isalnum() or char in "-.:[]") for char in host)
