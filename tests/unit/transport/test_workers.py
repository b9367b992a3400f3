"""Whose session a request means, by the number before its sid, and how answers are passed back."""

from __future__ import annotations

from pathlib import Path

import pytest

from kefu.transport.server.workers import Worker, _head, _parse_answer

WORKER = Worker(2, Path("/run"))


@pytest.mark.parametrize(
    ("query", "owner"),
    [
        ("EIO=4&transport=polling&sid=0.abc", 0),
        ("sid=31.abc&EIO=4", 31),
        ("sid=2.abc", None),  # its own
        ("EIO=4&transport=polling", None),
        ("sid=abc", None),
        ("sid=.abc", None),
        ("sid=1234.abc", None),
        ("sid=-1.abc", None),
        ("sid=1/../0.abc", None),
        ("sid=%31.abc", None),
        ("sid=\u0661.abc", None),  # a digit, but not one that we write
        ("sid=", None),
    ],
)
def test_owners(query: str, owner: int | None) -> None:
    assert WORKER.other_owner(query) == owner


def test_a_head_is_passed_on_without_what_concerns_one_connection() -> None:
    scope = {
        "method": "POST",
        "path": "/ws-visitor/",
        "query_string": b"sid=1.a",
        "headers": [
            (b"host", b"chat.example"),
            (b"origin", b"https://shop.example"),
            (b"connection", b"keep-alive"),
            (b"transfer-encoding", b"chunked"),
            (b"content-length", b"99"),
        ],
    }
    assert _head(scope, 3) == (
        b"POST /ws-visitor/?sid=1.a HTTP/1.1\r\nhost: chat.example\r\norigin: https://shop.example\r\n"
        b"connection: close\r\ncontent-length: 3\r\n\r\n"
    )


def test_an_answer_is_passed_back() -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nDate: now\r\nContent-Length: 2\r\nVary: Origin\r\n\r\n{}"
    assert _parse_answer(answer) == (400, [(b"vary", b"Origin")], b"{}")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nVary"])
def test_an_owner_that_died_over_it(answer: bytes) -> None:
    assert _parse_answer(answer) == (502, [], b"")
