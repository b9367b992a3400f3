"""The agents' page and the token with which its console opens sockets.

The page is one element and one script of chat-server's. While chat-server is away the page says so, asks again, and
loads the console when it is back.
"""

from __future__ import annotations

import secrets
from typing import Any

from litestar import Response, get
from litestar.status_codes import HTTP_200_OK, HTTP_401_UNAUTHORIZED, HTTP_503_SERVICE_UNAVAILABLE

from kefu.config import reveal
from kefu.mainsite import documents
from kefu.mainsite.answers import chat_csp, page, see_other
from kefu.mainsite.locale import other_locale
from kefu.mainsite.login import CONSOLE_PATH, LOGIN_PATH, LOGOUT_PATH
from kefu.mainsite.services import AnyRequest, TheServices, locale_of
from kefu.tokens import issue_agent_token

TOKEN_PATH = "/api/admin/chat/token"  # noqa: S105
STATUS_PATH = "/api/admin/chat/status"
NONCE_BYTES = 16


@get("/admin")
async def show_admin() -> Response[Any]:
    """The console is all there is to administer here."""
    return see_other(CONSOLE_PATH)


@get(CONSOLE_PATH)
async def show_console(request: AnyRequest, services: TheServices) -> Response[Any]:
    """The console, or why it is not there."""
    if await services.agent_of(request) is None:
        return see_other(LOGIN_PATH)
    locale, chat_url, nonce = locale_of(request), services.settings.server_public_url, secrets.token_hex(NONCE_BYTES)
    is_connected = await services.chat_server.answers()
    csp = chat_csp(chat_url, request.headers.get("host", ""))
    csp["style-src"] = [*csp["style-src"], f"'nonce-{nonce}'"]
    document = documents.render(
        "console" if is_connected else "away",
        locale,
        chat_url=chat_url,
        nonce=nonce,
        login_path=LOGIN_PATH,
        logout_path=LOGOUT_PATH,
        status_path=STATUS_PATH,
        token_path=TOKEN_PATH,
        reason=documents.texts(locale)["away.silent" if services.chat_server.is_configured else "away.unset"],
        other_locale=other_locale(locale),
    )
    return page(document, csp=csp)


@get(STATUS_PATH)
async def show_status(request: AnyRequest, services: TheServices) -> Response[Any]:
    """Whether chat-server answers, for the page that waits for it."""
    if await services.agent_of(request) is None:
        return uncached({"error": "UNAUTHORIZED"}, HTTP_401_UNAUTHORIZED)
    return uncached({"connected": await services.chat_server.answers()})


@get(TOKEN_PATH)
async def give_token(request: AnyRequest, services: TheServices) -> Response[Any]:
    """A fresh token for the agent who is logged in."""
    agent = await services.agent_of(request)
    if agent is None:
        return uncached({"error": "UNAUTHORIZED"}, HTTP_401_UNAUTHORIZED)
    secret = reveal(services.settings.admin_jwt_secret)
    if not secret:
        return uncached({"error": "CHAT_ADMIN_JWT_SECRET not set"}, HTTP_503_SERVICE_UNAVAILABLE)
    token = issue_agent_token(
        secret,
        agent_id=agent.id,
        role=agent.role,
        name=agent.name,
        seconds=services.settings.agent_token_seconds,
    )
    return uncached({"token": token})


def uncached(body: dict[str, Any], status: int = HTTP_200_OK) -> Response[Any]:
    """A JSON answer that no cache keeps."""
    return Response(body, status_code=status, headers={"Cache-Control": "no-store", "Vary": "Cookie"})
