"""The agents' page and the token with which its console opens sockets, at Kefu's own main site.

The page is one element and one script of chat-server's. While chat-server is away the page says so, asks again, and
loads the console when it is back.
"""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.status_codes import HTTP_200_OK

from kefu.config import reveal
from kefu.mainsite.answers import as_response, see_other
from kefu.mainsite.host import Agent, Paths, console_page, status_answer, token_answer
from kefu.mainsite.login import CONSOLE_PATH, LOGIN_PATH, LOGOUT_PATH
from kefu.mainsite.services import AnyRequest, Services, TheServices, locale_of

TOKEN_PATH = "/api/admin/chat/token"  # noqa: S105
STATUS_PATH = "/api/admin/chat/status"
PATHS = Paths(token=TOKEN_PATH, status=STATUS_PATH, assets="/assets", login=LOGIN_PATH, logout=LOGOUT_PATH)


@get("/admin")
async def show_admin() -> Response[Any]:
    """The console is all there is to administer here."""
    return see_other(CONSOLE_PATH)


@get(CONSOLE_PATH)
async def show_console(request: AnyRequest, services: TheServices) -> Response[Any]:
    """The console, or why it is not there."""
    if await _agent_of(request, services) is None:
        return see_other(LOGIN_PATH)
    document = console_page(
        chat_server=services.chat_server,
        is_connected=await services.chat_server.answers_soon(),
        chat_url=services.settings.server_public_url,
        paths=PATHS,
        locale=locale_of(request),
        page_host=request.headers.get("host", ""),
    )
    return as_response(document)


@get(STATUS_PATH)
async def show_status(request: AnyRequest, services: TheServices) -> Response[Any]:
    """Whether chat-server answers, for the page that waits for it."""
    agent = await _agent_of(request, services)
    is_connected = agent is not None and await services.chat_server.answers_soon()
    return as_response(status_answer(agent, is_connected=is_connected))


@get(TOKEN_PATH)
async def give_token(request: AnyRequest, services: TheServices) -> Response[Any]:
    """A fresh token for the agent who is logged in."""
    agent = await _agent_of(request, services)
    secret = reveal(services.settings.admin_jwt_secret)
    return as_response(token_answer(secret, agent, services.settings.agent_token_seconds))


def uncached(body: dict[str, Any], status: int = HTTP_200_OK) -> Response[Any]:
    """A JSON answer that no cache keeps."""
    return Response(body, status_code=status, headers={"Cache-Control": "no-store", "Vary": "Cookie"})


async def _agent_of(request: AnyRequest, services: Services) -> Agent | None:
    row = await services.agent_of(request)
    return None if row is None else Agent(row.id, row.role, row.name)
