"""The deployment document's acceptance list in a browser: a visitor and an agent on two origins, in two languages.

Open page → button → message → appears in /admin/chat → Assign → reply → the visitor sees it → both reload → history is
there → the rows are in PostgreSQL. On the way it takes the README's screenshots.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from e2e.installation import Installation, log_in, open_widget, picture, write


@dataclass(frozen=True)
class Words:
    """What a person reads and writes in one language."""

    locale: str
    short: str
    question: str
    answer: str
    note: str
    thanks: str
    note_tab: str


ENGLISH = Words(
    locale="en-US",
    short="en",
    question="Hello! Which of the green teas is good for the evening?",
    answer="Good evening! The roasted one: it has the least caffeine.",
    note="Sleeps badly, so nothing strong. Sent a sample last month.",
    thanks="Perfect, thank you!",
    note_tab="Private note",
)
CHINESE = Words(
    locale="zh-CN",
    short="zh",
    question="你好！请问哪一款绿茶适合晚上喝？",
    answer="晚上好！推荐焙火的那一款，咖啡因最少。",
    note="睡眠不好，不要推荐浓茶。上个月寄过试喝装。",
    thanks="太好了，谢谢！",
    note_tab="内部备注",
)


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=lambda words: words.short)
def test_visitor_and_agent_talk(installation: Installation, open_context, words: Words) -> None:
    """The whole list, once a language."""
    visitor = open_context(words.locale).new_page()
    agent = open_context(words.locale).new_page()

    visitor.goto(installation.shop)
    assert visitor.evaluate("localStorage.length") == 0
    open_widget(visitor)
    write(visitor, words.question)
    expect(visitor.locator("kefu-chat .row.own .bubble")).to_have_text(words.question)

    log_in(agent, installation)
    row = agent.get_by_test_id("inbox-row").filter(has_text=words.question)
    expect(row).to_be_visible()
    row.click()
    expect(agent.get_by_test_id("message").filter(has_text=words.question)).to_be_visible()
    agent.get_by_test_id("assign").first.click()
    agent.get_by_test_id("composer").fill(words.answer)
    agent.get_by_test_id("send").click()

    expect(visitor.locator("kefu-chat .row.other .bubble")).to_have_text(words.answer)
    write(visitor, words.thanks)
    expect(agent.get_by_test_id("message").filter(has_text=words.thanks)).to_be_visible()
    agent.get_by_text(words.note_tab, exact=True).first.click()
    agent.get_by_test_id("composer").fill(words.note)
    agent.get_by_test_id("send").click()
    expect(agent.get_by_test_id("note").filter(has_text=words.note)).to_be_visible()

    visitor.reload()
    open_widget(visitor)
    for text in (words.question, words.answer, words.thanks):
        expect(visitor.locator("kefu-chat .bubble", has_text=text)).to_be_visible()
    expect(visitor.locator("kefu-chat")).not_to_contain_text(words.note)

    agent.reload()
    agent.get_by_test_id("inbox-row").filter(has_text=words.thanks).click()
    for text in (words.question, words.answer, words.thanks):
        expect(agent.get_by_test_id("message").filter(has_text=text)).to_be_visible()
    expect(agent.get_by_test_id("note").filter(has_text=words.note)).to_be_visible()

    picture(visitor, f"widget-{words.short}-desktop")
    picture(agent, f"console-{words.short}-desktop")
    stored = installation.rows(
        "select m.seq, m.sender_type, m.body_text from message m join conversation c on c.id = m.conversation_id"
        " where c.id = (select conversation_id from message where body_text = $1) order by m.seq",
        words.question,
    )
    assert stored == [(1, "visitor", words.question), (2, "admin", words.answer), (3, "visitor", words.thanks)]


@pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=lambda words: words.short)
def test_on_a_phone(installation: Installation, open_context, words: Words) -> None:
    """The same talk on 390 pixels: the panel fills the screen, the console shows one pane at a time."""
    visitor = open_context(words.locale, phone=True).new_page()
    agent = open_context(words.locale, phone=True).new_page()
    question = f"{words.question} (390 px)"

    visitor.goto(installation.shop)
    picture(visitor, f"shop-{words.short}-phone")
    open_widget(visitor)
    visitor.wait_for_function(
        "document.querySelector('kefu-chat').shadowRoot.querySelector('dialog').offsetWidth === 390"
    )
    write(visitor, question)

    log_in(agent, installation)
    picture(agent, f"inbox-{words.short}-phone")
    agent.get_by_test_id("inbox-row").filter(has_text=question).click()
    expect(agent.get_by_test_id("message").filter(has_text=question)).to_be_visible()
    agent.get_by_test_id("composer").fill(words.answer)
    agent.get_by_test_id("send").click()
    expect(visitor.locator("kefu-chat .row.other .bubble")).to_have_text(words.answer)
    picture(visitor, f"widget-{words.short}-phone")
    picture(agent, f"console-{words.short}-phone")
    for page in (visitor, agent):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


def test_what_is_written_offline_arrives(installation: Installation, open_context) -> None:
    """Text written without a network survives a reload and is stored once."""
    context = open_context()
    visitor = context.new_page()
    visitor.goto(installation.shop)
    open_widget(visitor)
    write(visitor, "before the tunnel")
    expect(visitor.locator("kefu-chat .row.own.sent, kefu-chat .row.own.read").first).to_be_visible()

    context.set_offline(True)
    write(visitor, "in the tunnel")
    expect(visitor.locator("kefu-chat .bubble", has_text="in the tunnel")).to_be_visible()
    context.set_offline(False)
    visitor.reload()
    open_widget(visitor)
    expect(visitor.locator("kefu-chat .row.own .bubble")).to_have_text(["before the tunnel", "in the tunnel"])
    expect(visitor.locator("kefu-chat .row.own").last).to_contain_text("Sent")
    stored = installation.rows("select count(*) from message where body_text = 'in the tunnel'")
    assert stored == [(1,)]


STRICT = (
    "default-src 'none'; script-src {chat} 'sha256-{config}'; connect-src {chat} {socket};"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)


def test_the_button_stays_what_it_was(installation: Installation, open_context) -> None:
    """The panel's styles come into the button's shadow root; none of them may reach the button."""
    page = open_context().new_page()
    page.goto(installation.shop)
    button = page.locator("kefu-chat button.launcher")
    before = button.bounding_box(), button.locator("svg").first.bounding_box()
    open_widget(page)
    page.keyboard.press("Escape")
    expect(page.locator("kefu-chat dialog")).to_be_hidden()
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)  # the button sinks back
    assert (button.bounding_box(), button.locator("svg").first.bounding_box()) == before


def test_a_strict_host_page(installation: Installation, open_context) -> None:
    """The widget works under a CSP that admits only the chat's scripts and connections, and Trusted Types 'none'."""
    chat = f"http://localhost:{installation.chat_port}"
    config = f'window.ChatWidgetConfig = {{ serverBaseUrl: "{chat}" }};'
    digest = base64.b64encode(hashlib.sha256(config.encode()).digest()).decode()
    policy = STRICT.format(chat=chat, socket=chat.replace("http", "ws"), config=digest)
    html = (
        f"<!doctype html><title>strict</title><script>{config}</script>"
        f'<script src="{chat}/chat/widget/widget.js"></script>'
    )
    page = open_context().new_page()
    violations: list[str] = []
    page.on("console", lambda entry: violations.append(entry.text) if "Content Security" in entry.text else None)
    with installation.host_page(html, {"Content-Security-Policy": policy}) as url:
        page.goto(url)
        open_widget(page)
        write(page, "from a strict page")
        expect(page.locator("kefu-chat .row.own")).to_contain_text("Sent")
    assert violations == []


def test_a_chat_server_that_is_away_does_not_touch_the_page(installation: Installation, open_context) -> None:
    """The host page always wins: no error, everything clickable."""
    page = open_context().new_page()
    page.route(f"**://*:{installation.chat_port}/**", lambda route: route.abort())
    page.goto(installation.shop)
    page.evaluate("document.body.addEventListener('click', () => { window.clicked = true })")
    page.mouse.click(200, 300)
    assert page.evaluate("window.clicked") is True
