"""Logging in and out: the form, its limits, the session that it starts.

The same answer, after the same work, for an unknown login and a wrong password; who is over the limit is told to wait
before anything is compared.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import time
from typing import Annotated, Any

import sqlalchemy as sa
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.status_codes import HTTP_200_OK, HTTP_400_BAD_REQUEST, HTTP_403_FORBIDDEN, HTTP_429_TOO_MANY_REQUESTS

from kefu.mainsite import documents
from kefu.mainsite.answers import page, see_other
from kefu.mainsite.locale import other_locale
from kefu.mainsite.passwords import PASSWORD_CHARS_MAX
from kefu.mainsite.services import (
    CSRF_COOKIE,
    SESSION_COOKIE,
    TOKEN_CHARS,
    AnyRequest,
    Services,
    TheServices,
    csrf_token,
    is_forged,
    locale_of,
    new_token,
    session_hash,
)
from kefu.mainsite.throttle import login_keys
from kefu.store.queries import agents, logins

logger = logging.getLogger("kefu.mainsite")

LOGIN_PATH = "/admin/login"
LOGOUT_PATH = "/admin/logout"
CONSOLE_PATH = "/admin/chat"
LOGIN_CHARS_MAX = 64

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get(LOGIN_PATH)
async def show_login(request: AnyRequest, services: TheServices) -> Response[Any]:
    """The form; who is logged in already goes on to the console."""
    if await services.agent_of(request):
        return see_other(CONSOLE_PATH)
    return login_page(request, services)


@post(LOGIN_PATH, status_code=HTTP_200_OK)
async def log_in(request: AnyRequest, services: TheServices, data: Form) -> Response[Any]:
    """Starts a session, or shows the form again with the reason."""
    login, password = data.get("login", "").strip(), data.get("password", "")
    if is_forged(request, data):
        return login_page(request, services, problem="login.stale", login=login, status=HTTP_403_FORBIDDEN)
    keys, now = login_keys(services.address_of(request), agents.normal_login(login)), time.monotonic()
    if (wait_s := services.throttle.wait_s(keys, now)) > 0:
        logger.warning("too many failed logins of one address or to one login; more are refused for a minute")
        refused = login_page(
            request, services, problem="login.throttled", login=login, status=HTTP_429_TOO_MANY_REQUESTS
        )
        refused.headers["Retry-After"] = str(math.ceil(wait_s))
        return refused
    services.throttle.begin(keys, now)
    agent = await _agent_with(services, login, password)
    if agent is None:
        return login_page(request, services, problem="login.wrong", login=login, status=HTTP_400_BAD_REQUEST)
    services.throttle.forgive(keys)
    if agent.disabled:
        return login_page(request, services, problem="login.disabled", login=login, status=HTTP_403_FORBIDDEN)
    return await _start_session(request, services, agent.id)


@get(LOGOUT_PATH)
async def leave(request: AnyRequest, services: TheServices) -> Response[Any]:
    """Logs out if a page of ours led here; from elsewhere it only offers the button."""
    if request.headers.get("sec-fetch-site") == "same-origin":
        return await _end_session(request, services)
    locale, csrf = locale_of(request), csrf_token(request)
    document = documents.render("logout", locale, csrf=csrf)
    return page(document, cookies=[services.cookie(request, CSRF_COOKIE, csrf)])


@post(LOGOUT_PATH, status_code=HTTP_200_OK)
async def log_out(request: AnyRequest, services: TheServices, data: Form) -> Response[Any]:
    """Logs out."""
    if is_forged(request, data):
        return see_other(LOGOUT_PATH)
    return await _end_session(request, services)


def login_page(
    request: AnyRequest, services: Services, *, problem: str = "", login: str = "", status: int = HTTP_200_OK
) -> Response[str]:
    """The form.

    Args:
        request: Decides the language.
        services: The site's parts.
        problem: Key of the text that says why it is shown again; empty at first.
        login: What was typed before.
        status: HTTP status.
    """
    locale, csrf = locale_of(request), csrf_token(request)
    document = documents.render(
        "login",
        locale,
        csrf=csrf,
        login=login[:LOGIN_CHARS_MAX],
        problem=documents.texts(locale)[problem] if problem else "",
        other_locale=other_locale(locale),
    )
    return page(document, status=status, cookies=[services.cookie(request, CSRF_COOKIE, csrf)])


async def _agent_with(services: Services, login: str, password: str) -> sa.Row[Any] | None:
    """The agent with this login and password."""
    agent = None
    if len(login) <= LOGIN_CHARS_MAX and "\0" not in login:
        async with services.database.engine.connect() as connection:
            agent = await agents.by_login(connection, login)
    is_right = await services.passwords.matches(
        password[: PASSWORD_CHARS_MAX + 1], agent.password_hash if agent is not None else None
    )
    return agent if is_right else None


async def _start_session(request: AnyRequest, services: Services, agent_id: str) -> Response[Any]:
    """A new session in place of any old one: a session that somebody else planted is never the one that logs in."""
    token, lasts = new_token(), dt.timedelta(hours=services.settings.session_hours)
    async with services.database.engine.begin() as connection:
        await logins.end(connection, session_hash(request.cookies.get(SESSION_COOKIE, "")))
        await logins.start(connection, session_hash(token), agent_id, lasts)
    return see_other(
        CONSOLE_PATH,
        cookies=[
            services.cookie(request, SESSION_COOKIE, token, int(lasts.total_seconds())),
            services.cookie(request, CSRF_COOKIE, new_token()),
        ],
    )


async def _end_session(request: AnyRequest, services: Services) -> Response[Any]:
    token = request.cookies.get(SESSION_COOKIE, "")
    if len(token) == TOKEN_CHARS:
        async with services.database.engine.begin() as connection:
            await logins.end(connection, session_hash(token))
    return see_other(LOGIN_PATH, cookies=[services.cookie(request, SESSION_COOKIE, "", 0)])
