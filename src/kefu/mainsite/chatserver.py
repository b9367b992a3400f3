"""Whether chat-server answers, asked from the main site's own machine.

Knows one URL and its answer. Asking costs at most one request at a time and one a second, however many pages ask.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
import urllib.request

TIMEOUT_S = 1.5
REMEMBERED_S = 1.0
ANSWER_BYTES_MAX = 4096

# Our own machine: no proxy of the environment stands between.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ChatServer:
    """The chat-server of this main site.

    Args:
        internal_url: `CHAT_SERVER_INTERNAL_URL`; empty counts as away.
    """

    def __init__(self, internal_url: str) -> None:
        self._url = internal_url
        self._asking = threading.Lock()
        self._asking_from_loop = asyncio.Lock()
        self._asked_at = float("-inf")
        self._answered = False

    @property
    def is_configured(self) -> bool:
        """Whether the main site was told where chat-server is."""
        return bool(self._url)

    def answers(self) -> bool:
        """Whether chat-server is there, at most a second ago. Blocks for up to `TIMEOUT_S`; any thread may ask."""
        if not self._url:
            return False
        with self._asking:
            if time.monotonic() - self._asked_at >= REMEMBERED_S:
                self._answered = _is_healthy(f"{self._url}/chat/health")
                self._asked_at = time.monotonic()
            return self._answered

    async def answers_soon(self) -> bool:
        """The same for an event loop: one thread waits, however many requests ask."""
        if not self._url:
            return False
        async with self._asking_from_loop:
            return await asyncio.to_thread(self.answers)


def _is_healthy(url: str) -> bool:
    try:
        with _opener.open(url, timeout=TIMEOUT_S) as answer:
            told = json.loads(answer.read(ANSWER_BYTES_MAX))
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return isinstance(told, dict) and told.get("service") == "chat-server"
