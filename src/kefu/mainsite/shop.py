"""The demo shop at `/`: any page of any site, with the two script tags that put the chat on it."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from litestar import Response, get

from kefu.mainsite import documents
from kefu.mainsite.answers import page
from kefu.mainsite.headers import chat_csp
from kefu.mainsite.locale import other_locale
from kefu.mainsite.services import AnyRequest, TheServices, locale_of


@get("/")
async def show_shop(request: AnyRequest, services: TheServices) -> Response[Any]:
    """The shop, under a policy that admits the widget and nothing else of the kind."""
    chat_url, locale = services.settings.server_public_url, locale_of(request)
    config = widget_config(chat_url)
    csp = chat_csp(chat_url, request.headers.get("host", ""))
    csp["script-src"] = [*csp["script-src"], script_hash(config)]
    document = documents.render(
        "shop", locale, chat_url=chat_url, widget_config=config, other_locale=other_locale(locale)
    )
    return page(document, csp=csp)


def widget_config(chat_url: str) -> str:
    """The first of the two scripts: where chat-server is."""
    quoted = json.dumps(chat_url).replace("<", "\\u003c")  # nothing in it may end the script element
    return f"window.ChatWidgetConfig = {{ serverBaseUrl: {quoted} }};"


def script_hash(script: str) -> str:
    """How a policy admits exactly this inline script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
