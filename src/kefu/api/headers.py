"""Headers that every answer of chat-server has, errors too, unless its route says otherwise.

Nothing that chat-server answers is a page: it runs nothing, frames nothing and is what its media type says.
"""

from __future__ import annotations

from litestar.types import Message, Scope

SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


async def add_safe_headers(message: Message, _: Scope) -> None:
    """Adds what an answer lacks; Litestar calls it before anything is sent."""
    if message["type"] == "http.response.start":
        headers = list(message.get("headers", ()))
        named = {name.lower() for name, _ in headers}
        message["headers"] = [*headers, *(header for header in SAFE if header[0] not in named)]
