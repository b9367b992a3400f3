"""What any main site answers for the agents' console: the page, the token, whether chat-server is there.

Knows tokens, templates and headers; knows no web framework. Kefu's own main site and every module of
`kefu.integrations` put these answers into their framework's words.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from urllib.parse import quote

from kefu.mainsite import documents
from kefu.mainsite.chatserver import ChatServer
from kefu.mainsite.headers import chat_csp, page_headers
from kefu.mainsite.locale import Locale, as_locale, choose_locale, other_locale
from kefu.tokens import AGENT_TOKEN_S, Role, issue_agent_token, secret_problem

NONCE_BYTES = 16
ASSETS = {
    "admin.css": "text/css",
    "console.css": "text/css",
    "away.js": "text/javascript",
    "console-guard.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Agent:
    """Who is logged in at the main site and may answer visitors.

    Attributes:
        id: Stable id at the main site, 1–64 characters; conversations are assigned to it.
        role: What the agent may do.
        name: The name that visitors and colleagues see.
    """

    id: str
    role: Role = "agent"
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the main site has what the console asks for; each as the browser sees it."""

    token: str
    status: str
    assets: str
    login: str
    logout: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """What the page depends on in a request; values are as the browser sent them, and may be forged.

    Attributes:
        host: The `Host` header, for browsers in which 'self' does not cover websockets.
        accept_language: The header; None or empty gives English.
        language: `?lang=` of the address; it wins over the header.
        address: Path and query of the request, to come back to after the login; empty if that is not wanted.
    """

    host: str = ""
    accept_language: str | None = None
    language: str | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, body and all headers but the length."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class ConsoleHost:
    """The console's page and token for the agents of any web application.

    Args:
        secret: `CHAT_ADMIN_JWT_SECRET`, which chat-server has too. None or empty: tokens are answered with 503.
        internal_url: How this machine reaches chat-server, such as `http://127.0.0.1:4000`.
        public_url: How browsers reach it; empty for the page's own origin.
        token_seconds: Life of a token; the console fetches a fresh one before it ends.

    Raises:
        ValueError: The secret is too short or a sample; the text says so without it.
    """

    def __init__(
        self, *, secret: str | None, internal_url: str = "", public_url: str = "", token_seconds: int = AGENT_TOKEN_S
    ) -> None:
        problem = secret_problem(secret) if secret else None
        if problem:
            raise ValueError(f"CHAT_ADMIN_JWT_SECRET {problem}; make one with: openssl rand -hex 32")
        self._secret = secret
        self._public_url = public_url.rstrip("/")
        self._token_seconds = token_seconds
        self.chat_server = ChatServer(internal_url.rstrip("/"))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> ConsoleHost:
        """A host with the settings of the wire contract, section 1, as environment variables."""
        named = environment.get
        return cls(
            secret=named("CHAT_ADMIN_JWT_SECRET"),
            internal_url=named("CHAT_SERVER_INTERNAL_URL", ""),
            public_url=named("CHAT_SERVER_PUBLIC_URL") or named("NEXT_PUBLIC_CHAT_SERVER_URL", ""),
        )

    def page(self, agent: Agent | None, paths: Paths, visit: Visit) -> Answer:
        """The console for an agent, the way to the login for anybody else. Asks chat-server, at most once a second."""
        if agent is None:
            return to_login(paths.login, visit.address)
        return console_page(
            chat_server=self.chat_server,
            is_connected=self.chat_server.answers(),
            chat_url=self._public_url,
            paths=paths,
            locale=as_locale(visit.language) or choose_locale({}, visit.accept_language),
            page_host=visit.host,
        )

    def token(self, agent: Agent | None) -> Answer:
        """A fresh token for an agent, 401 for anybody else, 503 without a secret (contract section 2).

        Raises:
            ValueError: The agent's id or role is none.
        """
        return token_answer(self._secret, agent, self._token_seconds)

    def status(self, agent: Agent | None) -> Answer:
        """Whether chat-server answers, for the page that waits for it."""
        return status_answer(agent, is_connected=agent is not None and self.chat_server.answers())

    def asset(self, name: str) -> Answer:
        """A style or script of the page; 404 for anything else."""
        if name not in ASSETS:
            return _json(404, {"error": "NOT_FOUND"})
        body = (files("kefu.mainsite") / "assets" / name).read_text(encoding="utf-8")
        kind = f"{ASSETS[name]}; charset=utf-8"
        headers = {"Content-Type": kind, "Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
        return Answer(200, body, headers)


def console_page(
    *, chat_server: ChatServer, is_connected: bool, chat_url: str, paths: Paths, locale: Locale, page_host: str
) -> Answer:
    """The page with the console in it, or the one that waits for chat-server.

    Args:
        chat_server: Whether it is known decides what the waiting page says.
        is_connected: Whether it answers.
        chat_url: Its base URL for browsers; empty for the page's own origin.
        paths: Of this main site.
        locale: Of the page and of the console.
        page_host: As in `Visit.host`.
    """
    nonce = secrets.token_hex(NONCE_BYTES)
    csp = chat_csp(chat_url, page_host)
    csp["style-src"] = [*csp["style-src"], f"'nonce-{nonce}'"]
    texts = documents.texts(locale)
    document = documents.render(
        "console" if is_connected else "away",
        locale,
        assets=paths.assets,
        chat_url=chat_url,
        nonce=nonce,
        login_path=paths.login,
        logout_path=paths.logout,
        status_path=paths.status,
        token_path=paths.token,
        reason=texts["away.silent" if chat_server.is_configured else "away.unset"],
        other_locale=other_locale(locale),
    )
    return Answer(200, document, page_headers(csp))


def token_answer(secret: str | None, agent: Agent | None, seconds: int) -> Answer:
    """The token route's answer; see `ConsoleHost.token`."""
    if agent is None:
        return _json(401, {"error": "UNAUTHORIZED"})
    if not secret:
        return _json(503, {"error": "CHAT_ADMIN_JWT_SECRET not set"})
    token = issue_agent_token(secret, agent_id=agent.id, role=agent.role, name=agent.name, seconds=seconds)
    return _json(200, {"token": token})


def status_answer(agent: Agent | None, *, is_connected: bool) -> Answer:
    """The status route's answer; see `ConsoleHost.status`."""
    return _json(401, {"error": "UNAUTHORIZED"}) if agent is None else _json(200, {"connected": is_connected})


def to_login(login: str, address: str) -> Answer:
    """Sends the browser to the login, with `?next=` where the way back is known."""
    joined = f"{login}{'&' if '?' in login else '?'}next={quote(address, safe='/')}" if address else login
    return Answer(303, "", {"Location": joined, "Cache-Control": "no-store", "Content-Type": "text/plain"})


def _json(status: int, body: dict[str, object]) -> Answer:
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Vary": "Cookie",
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(status, json.dumps(body), headers)
