"""How the main site answers in Litestar's words: pages, redirects within the site, and what any main site answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from litestar import Response
from litestar.datastructures import Cookie
from litestar.status_codes import HTTP_200_OK, HTTP_303_SEE_OTHER

from kefu.mainsite.headers import OWN_PAGE, Csp, page_headers
from kefu.mainsite.host import Answer


def page(
    document: str,
    *,
    csp: Csp = OWN_PAGE,
    status: int = HTTP_200_OK,
    cookies: Iterable[Cookie] = (),
) -> Response[str]:
    """An HTML answer that no cache keeps and no other page frames.

    Args:
        document: The page.
        csp: Sources by directive, over what every page forbids.
        status: HTTP status.
        cookies: To set.
    """
    return as_response(Answer(status, document, page_headers(csp)), cookies)


def see_other(path: str, cookies: Iterable[Cookie] = ()) -> Response[Any]:
    """Sends the browser to a path of this site with a GET."""
    own_path = "/" + path.lstrip("/")  # two slashes would name another site
    headers = {"Location": own_path, "Cache-Control": "no-store"}
    return Response("", media_type="text/plain", status_code=HTTP_303_SEE_OTHER, headers=headers, cookies=list(cookies))


def as_response(answer: Answer, cookies: Iterable[Cookie] = ()) -> Response[str]:
    """An answer that knows no framework, as Litestar's."""
    headers = dict(answer.headers)
    kind = headers.pop("Content-Type")
    return Response(answer.body, status_code=answer.status, media_type=kind, headers=headers, cookies=list(cookies))
