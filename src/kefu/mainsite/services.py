"""What every handler of the main site needs: settings, database, limits, and what a request says of its client.

Knows requests and cookies; knows no page.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from litestar import Request
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from kefu.config import Settings
from kefu.mainsite.chatserver import ChatServer
from kefu.mainsite.locale import Locale, choose_locale
from kefu.mainsite.passwords import PasswordCheck
from kefu.mainsite.throttle import Throttle
from kefu.store.database import Database
from kefu.store.queries import logins
from kefu.transport.address import Network, client_address, parse_networks

SESSION_COOKIE = "kefu_session"
CSRF_COOKIE = "kefu_csrf"
CSRF_FIELD = "csrf"
TOKEN_BYTES = 32
TOKEN_CHARS = 43  # of a token of TOKEN_BYTES in base 64

DOCUMENTATION_ADDRESS = b"192.0.2.1"  # nobody's

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True)
class Services:
    """The main site's parts, one of each a process."""

    settings: Settings
    database: Database
    chat_server: ChatServer
    throttle: Throttle
    passwords: PasswordCheck
    trusted_networks: tuple[Network, ...]

    @classmethod
    def create(cls, settings: Settings, database: Database) -> Services:
        """The parts as the settings want them."""
        return cls(
            settings=settings,
            database=database,
            chat_server=ChatServer(settings.server_internal_url),
            throttle=Throttle(settings.failures_per_min),
            passwords=PasswordCheck(),
            trusted_networks=parse_networks(settings.trusted_proxies),
        )

    async def agent_of(self, request: AnyRequest) -> sa.Row[Any] | None:
        """The agent who is logged in with this request's cookie, if there is one."""
        token = request.cookies.get(SESSION_COOKIE, "")
        if len(token) != TOKEN_CHARS:
            return None
        async with self.database.engine.connect() as connection:
            return await logins.agent_of(connection, session_hash(token))

    def address_of(self, request: AnyRequest) -> str:
        """The client's address by the trusted-proxy rule."""
        peer = request.client.host if request.client else None
        return client_address(peer, request.scope["headers"], self.trusted_networks)

    def is_https(self, request: AnyRequest) -> bool:
        """Whether the browser speaks https: with us, or with a proxy that we trust and that says so."""
        if request.scope["scheme"] == "https":
            return True
        return self._is_trusted_proxy(request) and _last_of(request.headers.get("x-forwarded-proto", "")) == "https"

    def _is_trusted_proxy(self, request: AnyRequest) -> bool:
        """Whether the other end of this connection would be believed if it named a client."""
        peer = request.client.host if request.client else None
        return client_address(peer, [(b"x-real-ip", DOCUMENTATION_ADDRESS)], self.trusted_networks) != peer

    def cookie(self, request: AnyRequest, name: str, value: str, max_age_s: int | None = None) -> Cookie:
        """A cookie that no script reads and no other site's form sends.

        Args:
            request: Decides `Secure`.
            name: The cookie's name.
            value: What it holds.
            max_age_s: Its life in seconds; 0 removes it, None lets it end with the browser.
        """
        return Cookie(
            key=name, value=value, max_age=max_age_s, httponly=True, samesite="lax", secure=self.is_https(request)
        )


TheServices = NamedDependency[SkipValidation[Services]]
"""How a handler asks for them."""


def new_token() -> str:
    """256 random bits, as text."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def session_hash(token: str) -> bytes:
    """How a session token is stored: it has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def locale_of(request: AnyRequest) -> Locale:
    """The language of the answer."""
    return choose_locale(request.cookies, request.headers.get("accept-language"))


def csrf_token(request: AnyRequest) -> str:
    """What this browser's forms must carry: the value of its cookie, or a new one to set."""
    token = request.cookies.get(CSRF_COOKIE, "")
    return token if len(token) == TOKEN_CHARS else new_token()


def is_forged(request: AnyRequest, form: Mapping[str, str]) -> bool:
    """Whether a form was not sent by a page of ours: it lacks the cookie's value, or the browser says so."""
    expected, given = request.cookies.get(CSRF_COOKIE, ""), form.get(CSRF_FIELD, "")
    if len(expected) != TOKEN_CHARS or not hmac.compare_digest(expected.encode(), given.encode(errors="replace")):
        return True
    return request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def _last_of(header: str) -> str:
    """The last entry of a comma-separated header: the one that the nearest proxy wrote."""
    return header.rpartition(",")[2].strip().lower()
