"""What is wrong with the installation, as its owner sees it in the console: from another origin, in a real browser."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import expect

from e2e.installation import PASSWORD, Installation, picture

REFUSED = "https://www.shop.example"


def test_owners_see_refused_origins_with_the_line_to_change(installation: Installation, open_context) -> None:
    """On a phone's width nothing is cut off: the line wraps, and the page does not scroll sideways."""
    socket = f"http://127.0.0.1:{installation.chat_port}/ws-visitor/?EIO=4&transport=polling"
    assert httpx.get(socket, headers={"Origin": REFUSED}).status_code == 403
    page = open_context("zh-CN", phone=True).new_page()
    page.goto(installation.console)
    page.locator("input:not([type=password]):not([type=hidden])").first.fill("admin")
    page.locator("input[type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="客服工作台").click()
    page.get_by_role("menuitem", name="设置").click()
    page.get_by_role("button", name="查看").click()
    health = page.get_by_test_id("health")
    expect(health).to_contain_text(f"{REFUSED} 被拒绝")
    expect(health.locator("code").last).to_have_text(re.compile(rf"^CHAT_ALLOWED_ORIGINS=.*{re.escape(REFUSED)}$"))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, "health-zh-phone")
    page.get_by_role("button", name="重新检查").click()
    expect(health).to_contain_text(REFUSED)
