"""The main site as one application: its routes, and what it answers when something is missing or away."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotFoundException
from litestar.static_files import create_static_files_router
from litestar.status_codes import HTTP_404_NOT_FOUND, HTTP_500_INTERNAL_SERVER_ERROR, HTTP_503_SERVICE_UNAVAILABLE

from kefu.config import Settings
from kefu.logs import one_line
from kefu.mainsite import documents
from kefu.mainsite.answers import page, see_other
from kefu.mainsite.console import give_token, show_admin, show_console, show_status, uncached
from kefu.mainsite.locale import LOCALE_COOKIE, as_locale
from kefu.mainsite.login import leave, log_in, log_out, show_login
from kefu.mainsite.services import AnyRequest, Services, locale_of
from kefu.mainsite.shop import show_shop
from kefu.store.database import UNREACHABLE, Database

logger = logging.getLogger("kefu.mainsite")

ASSETS = Path(__file__).parent / "assets"
FORM_BYTES_MAX = 16_384
ASSET_AGE_S = 300
LOCALE_COOKIE_S = 31_536_000


@get("/health")
async def show_health() -> dict[str, Any]:
    """That this process lives."""
    return {"ok": True, "service": "main-site"}


def create_site(settings: Settings, database: Database) -> Litestar:
    """The main site.

    Args:
        settings: As `check_site` passed them.
        database: Migrated; the caller closes it.
    """
    documents.load_all()
    services = Services.create(settings, database)

    def remember_locale(request: AnyRequest) -> Response[Any] | None:
        """Any page with `?lang=` keeps the choice and shows itself again without it."""
        locale = as_locale(request.query_params.get("lang"))
        if locale is None or request.method != "GET":
            return None
        return see_other(request.url.path, cookies=[services.cookie(request, LOCALE_COOKIE, locale, LOCALE_COOKIE_S)])

    return Litestar(
        route_handlers=[
            show_shop,
            show_login,
            log_in,
            leave,
            log_out,
            show_admin,
            show_console,
            show_status,
            give_token,
            show_health,
            create_static_files_router(
                path="/assets",
                directories=[ASSETS],
                cache_control=CacheControlHeader(public=True, max_age=ASSET_AGE_S),
                include_in_schema=False,
            ),
        ],
        dependencies={"services": Provide(lambda: services, sync_to_thread=False)},
        before_request=remember_locale,
        exception_handlers={
            NotFoundException: _not_found,
            Exception: _failed,
            **dict.fromkeys(UNREACHABLE, _database_away),
        },
        request_max_body_size=FORM_BYTES_MAX,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )


def _not_found(request: Request[Any, Any, Any], _: HTTPException) -> Response[Any]:
    if _wants_json(request):
        return uncached({"error": "NOT_FOUND"}, HTTP_404_NOT_FOUND)
    return _notice(request, "missing", HTTP_404_NOT_FOUND)


def _database_away(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    logger.error("the database does not answer: %s", one_line(error))
    if _wants_json(request):
        return uncached({"error": "UNAVAILABLE"}, HTTP_503_SERVICE_UNAVAILABLE)
    return _notice(request, "unavailable", HTTP_503_SERVICE_UNAVAILABLE)


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answers what no handler expected. Refusals of the framework (method, form, size) keep their status."""
    status = error.status_code if isinstance(error, HTTPException) else HTTP_500_INTERNAL_SERVER_ERROR
    if status >= HTTP_500_INTERNAL_SERVER_ERROR:
        logger.error("a request failed: %s", one_line(error))
    if _wants_json(request):
        return uncached({"error": "FAILED"}, status)
    return _notice(request, "failed", status)


def _wants_json(request: Request[Any, Any, Any]) -> bool:
    return request.url.path.startswith("/api/")


def _notice(request: Request[Any, Any, Any], about: str, status: int) -> Response[str]:
    """A page that only says something."""
    locale = locale_of(request)
    texts = documents.texts(locale)
    document = documents.render("notice", locale, title=texts[f"{about}.title"], text=texts[f"{about}.text"])
    return page(document, status=status)
