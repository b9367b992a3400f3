"""What a content security policy lets through, and which directive does not."""

from __future__ import annotations

import pytest

from kefu.doctor.page import judge, read

CHAT = "https://chat.shop.example"
SCRIPT = f'<script nonce="n1" src="{CHAT}/chat/widget/widget.js"></script>'
PAGE = "https://www.shop.example/cart"


def codes(policy: str, html: str = SCRIPT, url: str = PAGE, server: str = CHAT) -> list[str]:
    return [one.code for one in judge(read(url, (policy,) if policy else (), html), server)]


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "img-src 'none'",
        "default-src *",
        f"script-src {CHAT}; connect-src {CHAT} wss://chat.shop.example",
        "script-src https:; connect-src https: wss:",
        "script-src *.shop.example; connect-src *.shop.example wss://*.shop.example",
        "default-src 'none'; script-src 'nonce-n1' 'strict-dynamic'; connect-src https: wss:",
        f"script-src 'none'; script-src-elem {CHAT}",
        f"script-src {CHAT}:443; connect-src https://chat.shop.example:* wss:",
    ],
)
def test_policies_that_let_the_widget_work(policy: str) -> None:
    assert codes(policy) == []


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("script-src 'self'", ["csp_script"]),
        ("script-src http://other.example", ["csp_script"]),
        ("script-src 'strict-dynamic' https:", ["csp_script"]),
        ("script-src 'nonce-other'", ["csp_script"]),
        (f"connect-src {CHAT}:8443", ["csp_connect"]),
        ("default-src 'self'", ["csp_script", "csp_connect"]),
        (f"default-src 'self' {CHAT}", ["csp_connect"]),
        ("img-src *, script-src 'none'", ["csp_script"]),
    ],
)
def test_policies_that_block(policy: str, expected: list[str]) -> None:
    assert codes(policy) == expected


def test_the_line_keeps_what_was_allowed() -> None:
    (found,) = judge(read(PAGE, ("connect-src 'self' https://api.example",), SCRIPT), CHAT)
    assert found.line == (
        f"Content-Security-Policy: connect-src 'self' https://api.example {CHAT} wss://chat.shop.example;"
    )


def test_a_policy_in_the_page_counts() -> None:
    meta = "<meta http-equiv='Content-Security-Policy' content=\"script-src 'self'\">"
    assert codes("", meta + SCRIPT) == ["csp_script"]


def test_what_else_a_page_can_get_wrong() -> None:
    assert codes("", "<p>no widget</p>") == ["page_without_widget"]
    assert codes("", SCRIPT, server="https://other.example") == ["page_other_server"]
    insecure = SCRIPT.replace("https://", "http://")
    assert codes("", insecure, server=CHAT.replace("https", "http")) == ["page_mixed"]
    config = '<script>window.ChatWidgetConfig = { serverBaseUrl: "http://chat.shop.example" };</script>'
    assert codes("", config + SCRIPT) == ["page_mixed"]
