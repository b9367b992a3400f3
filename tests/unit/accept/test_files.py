"""What a fetched file must be like; answers are given here instead of fetched."""

from __future__ import annotations

import pytest

from kefu.accept import files
from kefu.accept.checks import CheckError, SkipError
from kefu.accept.files import Files
from kefu.client.address import Address
from kefu.client.http import Answer

LOADER = {
    "content-type": "text/javascript; charset=utf-8",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
    "etag": '"a"',
    "cache-control": "public, max-age=300",
}
URL = "https://shop.example"


class Web:
    """URLs and what they answer; 404 for the others."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.not_modified = True

    def put(self, url: str, status: int = 200, body: bytes = b"", **headers: str) -> None:
        self.answers[url] = Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)

    async def fetch(self, url: str, *, headers: dict[str, str] | None = None, context: object = None) -> Answer:
        if headers and "If-None-Match" in headers and self.not_modified:
            return Answer(304)
        return self.answers.get(url, Answer(404))


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Web:
    made = Web()
    monkeypatch.setattr(files, "fetch", made.fetch)
    made.answers[f"{URL}/chat/widget/widget.js"] = Answer(200, LOADER, b"import('./assets/panel-Ab_1.js')")
    return made


def of(url: str = URL, admin_url: str = "") -> Files:
    return Files(Address(url), admin_url)


async def why(check) -> str:
    with pytest.raises(CheckError) as raised:
        await check()
    return raised.value.key


async def test_browsers_are_sent_to_https(web: Web) -> None:
    plain = "http://shop.example/chat/widget/widget.js"
    assert await why(of().redirect) == "no_redirect"
    web.put(plain, 301, location="http://www.shop.example/")
    assert await why(of().redirect) == "no_redirect"
    web.put(plain, 200, body=b"served by http too")
    assert await why(of().redirect) == "no_redirect"
    web.put(plain, 308, location="https://shop.example/chat/widget/widget.js")
    await of().redirect()
    with pytest.raises(SkipError):
        await of("http://localhost:4000").redirect()


async def test_something_else_that_answers_health(web: Web) -> None:
    for body in (b"<html>", b"[]", b'{"ok":true,"service":"main-site"}'):
        web.put(f"{URL}/chat/health", body=body)
        assert await why(of().health) == "no_health"
    web.put(f"{URL}/chat/health", body=b'{"ok":true,"service":"chat-server"}')
    await of().health()


async def test_a_server_that_is_not_ready_says_why(web: Web) -> None:
    web.put(f"{URL}/chat/ready", 503, b'{"ok":false,"reason":"database"}')
    with pytest.raises(CheckError) as raised:
        await of().ready()
    assert raised.value.values["reason"] == "database"


@pytest.mark.parametrize("name", LOADER)
async def test_each_header_of_the_loader_counts(web: Web, name: str) -> None:
    await of().widget()
    answer = web.answers[f"{URL}/chat/widget/widget.js"]
    answer.headers = {**LOADER, name: ""}
    assert await why(of().widget) == "header"


@pytest.mark.parametrize("value", ["public, max-age=31536000", "public, max-age=300, immutable", "no-store"])
async def test_a_loader_that_browsers_keep_too_long(web: Web, value: str) -> None:
    web.answers[f"{URL}/chat/widget/widget.js"].headers = {**LOADER, "cache-control": value}
    assert await why(of().widget) == "header"


async def test_a_proxy_that_forgets_etags(web: Web) -> None:
    web.not_modified = False
    assert await why(of().widget) == "not_revalidated"


async def test_files_of_the_widget(web: Web) -> None:
    found = of()
    await found.widget()
    assert await why(found.widget_alias) == "status"
    web.put(f"{URL}/chat/widget/widgetScript.js", body=b"another")
    assert await why(found.widget_alias) == "different"
    assert await why(found.widget_files) == "status"
    web.put(f"{URL}/chat/widget/socket.io.min.js")
    assert await why(found.widget_files) == "status"
    web.put(f"{URL}/chat/widget/assets/panel-Ab_1.js", cache_control="public, max-age=300")
    assert await why(found.widget_files) == "header"
    web.put(f"{URL}/chat/widget/assets/panel-Ab_1.js", cache_control="public, max-age=31536000, immutable")
    await found.widget_files()


async def test_a_console_that_loads_nothing(web: Web) -> None:
    web.put(f"{URL}/chat/console/console.js", body=b"<html>")
    assert await why(of().console_files) == "names_no_file"


async def test_the_main_site(web: Web) -> None:
    with pytest.raises(SkipError):
        await of().admin_page()
    assert await why(of(admin_url="https://desk.example").admin_page) == "status"
    web.put(f"{URL}/admin/chat", 303)
    for status, reason in ((200, "token_for_all"), (503, "token_unset"), (404, "status")):
        web.put(f"{URL}/api/admin/chat/token", status)
        assert await why(of().admin_page) == reason
    web.put(f"{URL}/api/admin/chat/token", 401)
    await of().admin_page()
