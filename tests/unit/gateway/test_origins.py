"""Who may open a socket from which page (contract section 3, Origin)."""

from __future__ import annotations

import logging

import pytest

from kefu.gateway.origins import LOG_INTERVAL_S, ORIGINS_REMEMBERED_MAX, OriginRule
from kefu.transport.endpoint import Handshake

SHOP = "https://shop.example"


def handshake(**headers: str) -> Handshake:
    return Handshake("/ws-visitor", "192.0.2.1", {k.replace("_", "-"): v for k, v in headers.items()}, "websocket")


def rule(*allowed: str) -> OriginRule:
    return OriginRule(allowed, "CHAT_ALLOWED_ORIGINS")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://shop.example", f"{SHOP}:8443", f"{SHOP}.evil.example", "null", "", "*"]
)
def test_only_listed_origins(origin: str) -> None:
    """An Origin that is present must be in the path's list, exactly."""
    assert rule(SHOP).admits(handshake(origin=SHOP))
    assert not rule(SHOP).admits(handshake(origin=origin))


def test_an_empty_list_admits_no_origin() -> None:
    """An empty list admits no Origin, and still whoever sends none."""
    assert not rule().admits(handshake(origin=SHOP))
    assert rule().admits(handshake())


@pytest.mark.parametrize(
    ("site", "admitted"), [("same-origin", True), ("same-site", True), ("none", True), ("cross-site", False)]
)
def test_an_absent_origin_is_allowed_unless_cross_site(site: str, *, admitted: bool) -> None:
    """Same-origin GETs and programs send none; a browser that says cross-site is refused."""
    assert rule(SHOP).admits(handshake(sec_fetch_site=site)) is admitted


def test_a_refusal_is_logged_once_an_hour_with_the_line_to_change(caplog: pytest.LogCaptureFixture) -> None:
    """A refused origin is logged once an hour, with the line to change."""
    now = [50.0]
    guarded = OriginRule((SHOP,), "CHAT_ALLOWED_ORIGINS", clock=lambda: now[0])
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        guarded.admits(handshake(origin="https://b.example"))
    assert len(caplog.records) == 1
    assert f"CHAT_ALLOWED_ORIGINS={SHOP},https://b.example" in caplog.text
    now[0] += LOG_INTERVAL_S
    guarded.admits(handshake(origin="https://b.example"))
    assert len(caplog.records) == 2


def test_hostile_origins_fill_neither_memory_nor_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    """What is remembered is bounded, and what is logged is cut and holds no line end."""
    guarded = rule(SHOP)
    for number in range(ORIGINS_REMEMBERED_MAX + 5):
        guarded.admits(handshake(origin=f"https://{number}.example"))
    assert len(guarded._logged) <= ORIGINS_REMEMBERED_MAX
    caplog.clear()
    guarded.admits(handshake(origin="https://x\nFAKE " + "y" * 5000))
    assert "\n" not in caplog.records[-1].getMessage()
    assert len(caplog.records[-1].getMessage()) < 700
