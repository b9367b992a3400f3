"""Every page of the main site: a policy that lets nothing else run, never framed, never kept by a cache."""

from __future__ import annotations

import pytest

from .conftest import Standin

PAGES = ["/", "/admin/logout", "/admin/chat", "/admin/nothing", "/nothing"]


@pytest.mark.parametrize("is_connected", [True, False])
async def test_every_page(open_browser, standin: Standin, is_connected: bool) -> None:
    if is_connected:
        standin.start()
    browser = open_browser(server_internal_url=standin.url)
    answers = {"/admin/login": await browser.get("/admin/login")}
    await browser.log_in()
    answers |= {path: await browser.get(path) for path in PAGES}
    for path, answer in answers.items():
        assert answer.headers["content-type"].startswith("text/html"), path
        policy = answer.headers["content-security-policy"]
        for directive in ("default-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"):
            assert directive in policy, f"{path}: {policy}"
        assert "unsafe" not in policy, path
        assert "*" not in policy, path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"


async def test_what_is_no_page(open_browser) -> None:
    browser = open_browser()
    await browser.log_in()
    for path in ("/api/admin/chat/token", "/api/admin/chat/status"):
        answer = await browser.get(path)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store", path
        assert "access-control-allow-origin" not in answer.headers, path
        assert answer.headers["x-content-type-options"] == "nosniff", path


async def test_the_sessions_cookie(open_browser) -> None:
    answer = await open_browser().log_in()
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith("kefu_session="))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Secure" not in cookie
    secure = await open_browser("https://shop.example").log_in()
    assert all("Secure" in value for value in secure.headers.get_list("set-cookie") if "kefu_session=" in value)
