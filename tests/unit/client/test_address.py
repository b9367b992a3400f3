"""Addresses with and without a path, for both transports."""

from __future__ import annotations

import pytest

from kefu.client.address import Address


@pytest.mark.parametrize(
    ("url", "socket", "polling"),
    [
        ("http://localhost:4000", "ws://localhost:4000/ws-admin/", "http://localhost:4000/ws-admin/"),
        ("https://shop.example/", "wss://shop.example/ws-admin/", "https://shop.example/ws-admin/"),
        ("https://shop.example/chat/", "wss://shop.example/chat/ws-admin/", "https://shop.example/chat/ws-admin/"),
    ],
)
def test_urls(url: str, socket: str, polling: str) -> None:
    address = Address(url)
    assert address.websocket("/ws-admin") == f"{socket}?EIO=4&transport=websocket"
    assert address.polling("/ws-admin") == f"{polling}?EIO=4&transport=polling"
    assert address.polling("/ws-admin", "s1") == f"{polling}?EIO=4&transport=polling&sid=s1"
    assert address.http("/chat/health") == polling.removesuffix("/ws-admin/") + "/chat/health"


def test_an_origin_is_sent_only_if_there_is_one() -> None:
    assert Address("http://a").headers == {}
    assert Address("http://a", "https://b").headers == {"Origin": "https://b"}
