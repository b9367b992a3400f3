"""What is fetched: health, ready, files of widget and console with their headers, the main site's two routes."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from urllib.parse import urlsplit

from kefu.accept.checks import CheckError, SkipError
from kefu.client.address import Address
from kefu.client.http import Answer, fetch

WIDGET = "/chat/widget/widget.js"
WIDGET_ALIAS = "/chat/widget/widgetScript.js"
WIDGET_SHORT = ("/widget/widget.js", "/widget/widgetScript.js")
SOCKET_IO = "/chat/widget/socket.io.min.js"
CONSOLE = "/chat/console/console.js"
ADMIN_PAGE = "/admin/chat"
TOKEN_ROUTE = "/api/admin/chat/token"  # noqa: S105
_PANEL = re.compile(r"assets/panel-[\w-]+\.js")
_ASSET = re.compile(r"assets/[\w-]+\.(?:js|css)")
_HEADERS = {
    "content-type": re.compile(r"(text|application)/javascript", re.IGNORECASE),
    "access-control-allow-origin": re.compile(r"\*"),
    "cross-origin-resource-policy": re.compile(r"cross-origin"),
    "x-content-type-options": re.compile(r"nosniff"),
    "etag": re.compile(r".+"),
    "cache-control": re.compile(r"(?!.*immutable).*max-age=\d{1,4}\b"),
}
"""Of the loader: every site may load it, and a new version is found within hours."""
_EXPECTED = {"cache-control": "a short max-age"}


class Files:
    """Fetches one installation's files.

    Args:
        chat: chat-server.
        admin_url: The main site; empty if it was not named.
    """

    def __init__(self, chat: Address, admin_url: str) -> None:
        self._chat = chat
        self._admin_url = admin_url
        self._loader = b""

    @property
    def site_url(self) -> str:
        """The main site as named; else the origin of chat-server, which has it under the same name."""
        parts = urlsplit(self._chat.url)
        return self._admin_url or f"{parts.scheme}://{parts.netloc}"

    async def health(self) -> None:
        """chat-server is what answers."""
        answer = await self._get("/chat/health")
        if _json(answer).get("service") != "chat-server":
            raise CheckError("no_health", url=self._chat.http("/chat/health"))

    async def redirect(self) -> None:
        """Browsers that come by http are sent to https."""
        parts = urlsplit(self._chat.url)
        if parts.scheme != "https" or parts.port not in (None, 443):
            raise SkipError("not_https")
        url = f"http://{parts.hostname}{parts.path.rstrip('/')}{WIDGET}"
        answer = await fetch(url)
        if answer.status // 100 != 3 or not answer.headers.get("location", "").startswith("https://"):
            raise CheckError("no_redirect", url=url, got=answer.status)

    async def ready(self) -> None:
        """The database answers, and has the schema of this version."""
        url = self._chat.http("/chat/ready")
        answer = await self._fetch(url)
        if answer.status != HTTPStatus.OK:
            raise CheckError("not_ready", url=url, reason=_json(answer).get("reason") or answer.status)

    async def widget(self) -> None:
        """The loader is there, any page may load it, and browsers ask for a new one in time."""
        url, answer = self._chat.http(WIDGET), await self._get(WIDGET)
        for name, pattern in _HEADERS.items():
            got = answer.headers.get(name, "")
            if not pattern.search(got):
                raise CheckError("header", url=url, name=name, got=got, expected=_EXPECTED.get(name, pattern.pattern))
        again = await self._fetch(url, {"If-None-Match": answer.headers["etag"]})
        if again.status != HTTPStatus.NOT_MODIFIED:
            raise CheckError("not_revalidated", url=url, got=again.status)
        self._loader = answer.body

    async def widget_alias(self) -> None:
        """The older name of the loader."""
        if (await self._get(WIDGET_ALIAS)).body != self._loader:
            raise CheckError("different", url=self._chat.http(WIDGET_ALIAS), other=WIDGET)

    async def widget_short(self) -> None:
        """The paths without `/chat`, which a proxy need not forward."""
        for path in WIDGET_SHORT:
            answer = await self._fetch(self._chat.http(path))
            if answer.status != HTTPStatus.OK or answer.body != self._loader:
                raise SkipError("no_alias", url=self._chat.http(path), got=answer.status)

    async def widget_files(self) -> None:
        """The panel, by its hashed name, and the Socket.IO client."""
        await self._get(SOCKET_IO)
        await self._assets(WIDGET, self._loader, _PANEL)

    async def console_files(self) -> None:
        """The console's entry and what it loads first."""
        await self._assets(CONSOLE, (await self._get(CONSOLE)).body, _ASSET)

    async def admin_page(self) -> None:
        """The main site's page for agents is there, and its token route gives nothing to strangers."""
        base = self.site_url
        page = await self._fetch(base + ADMIN_PAGE)
        if page.status == HTTPStatus.NOT_FOUND and not self._admin_url:
            raise SkipError("no_admin_page", url=base + ADMIN_PAGE)
        if page.status not in _PAGE_OR_LOGIN:
            raise CheckError("status", url=base + ADMIN_PAGE, got=page.status, expected="200, or a way to the login")
        url = base + TOKEN_ROUTE
        token = await self._fetch(url)
        if token.status == HTTPStatus.OK:
            raise CheckError("token_for_all", url=url)
        if token.status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise CheckError("token_unset", url=url)
        if token.status not in _NOT_LOGGED_IN:
            raise CheckError("status", url=url, got=token.status, expected=401)

    async def _assets(self, path: str, body: bytes, pattern: re.Pattern[str]) -> None:
        names = sorted(set(pattern.findall(body.decode(errors="replace"))))
        if not names:
            raise CheckError("names_no_file", url=self._chat.http(path))
        for name in names:
            asset = f"{path.rpartition('/')[0]}/{name}"
            answer = await self._get(asset)
            got = answer.headers.get("cache-control", "")
            if "immutable" not in got:
                url = self._chat.http(asset)
                raise CheckError("header", url=url, name="cache-control", got=got, expected="immutable")

    async def _get(self, path: str) -> Answer:
        """A file that must be there."""
        url = self._chat.http(path)
        answer = await self._fetch(url)
        if answer.status != HTTPStatus.OK:
            raise CheckError("status", url=url, got=answer.status, expected=200)
        return answer

    async def _fetch(self, url: str, headers: dict[str, str] | None = None) -> Answer:
        return await fetch(url, headers=headers, context=self._chat.ssl)


_PAGE_OR_LOGIN = (200, 301, 302, 303, 307, 308, 401, 403)
_NOT_LOGGED_IN = (301, 302, 303, 307, 308, 401, 403)


def _json(answer: Answer) -> dict[str, object]:
    try:
        told = json.loads(answer.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
