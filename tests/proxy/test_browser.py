"""The document's acceptance list in Chromium, by HTTPS through each proxy: widget, message, Assign, reply, rollback."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e import browser as chromium
from e2e.installation import open_widget, write
from proxy import certificates
from proxy.conftest import LOGIN, PASSWORD, Front, Installation


@pytest.fixture(scope="module")
def browser(installation: Installation) -> Iterator[Browser]:
    """A Chromium that trusts the CA and finds our names on this machine."""
    home = certificates.trusting_home(installation.folder / "home", installation.ca)
    environment = {**os.environ, "HOME": str(home)}
    with chromium.launched("--host-resolver-rules=MAP *.kefu.test 127.0.0.1", env=environment) as browser:
        yield browser


class Tab:
    """A person's page, what it complained of, and how its sockets went."""

    def __init__(self, browser: Browser) -> None:
        self._context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800})
        self._context.set_default_timeout(chromium.WAIT_MS)
        self.page: Page = self._context.new_page()
        self.errors: list[str] = []
        self.sockets: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda told: self.errors.append(told.text) if told.type == "error" else None)
        self.page.on("websocket", lambda socket: self.sockets.append(socket.url))

    def close(self) -> None:
        self._context.close()


@pytest.fixture
def tabs(browser: Browser) -> Iterator[tuple[Tab, Tab]]:
    visitor, agent = Tab(browser), Tab(browser)
    yield visitor, agent
    visitor.close()
    agent.close()


@pytest.mark.parametrize("name", ["path", "subdomain", "document", "strip"])
def test_visitor_and_agent_talk_through(installation: Installation, tabs: tuple[Tab, Tab], name: str) -> None:
    front = installation.fronts[name]
    visitor, agent = tabs
    question, answer = f"Do you read this through {name}?", f"I do, through {name}."
    visitor.page.goto(f"{front.page}/")
    open_widget(visitor.page)
    write(visitor.page, question)

    log_in(agent.page, front)
    agent.page.get_by_test_id("inbox-row").filter(has_text=question).click()
    expect(agent.page.get_by_test_id("message").filter(has_text=question)).to_be_visible()
    agent.page.get_by_test_id("assign").first.click()
    agent.page.get_by_test_id("composer").fill(answer)
    agent.page.get_by_test_id("send").click()
    expect(visitor.page.locator("kefu-chat .row.other .bubble")).to_have_text(answer)

    visitor.page.reload()
    open_widget(visitor.page)
    for text in (question, answer):
        expect(visitor.page.locator("kefu-chat .bubble", has_text=text)).to_be_visible()
    for tab, path in ((visitor, "/ws-visitor/"), (agent, "/ws-admin/")):
        assert tab.errors == []
        base = front.chat.replace("https:", "wss:")
        assert tab.sockets, "the browser fell back to polling"
        assert all(url.startswith(base + path) for url in tab.sockets)


def log_in(page: Page, front: Front) -> None:
    page.goto(f"{front.page}/admin/chat")
    page.locator("#login").fill(LOGIN)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("inbox")).to_be_visible()
    cookie = next(cookie for cookie in page.context.cookies() if cookie["name"] == "kefu_session")
    assert cookie["secure"]
