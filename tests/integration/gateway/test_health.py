"""Contract section 2: health and ready, as load balancers and proxies ask for them."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("path", ["/chat/health", "/health", "/chat/ready", "/ready"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_health_and_ready_with_and_without_the_prefix(server, method: str, path: str) -> None:
    """A proxy may strip `/chat`, and may ask with HEAD."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        answer = await client.request(method, path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    if method == "GET":
        assert answer.json()["ok"] is True


@pytest.mark.parametrize("path", ["/chat/widget/widget.js", "/chat/widget/nothing.js", "/nowhere"])
async def test_head_says_what_get_would(server, path: str) -> None:
    """HEAD has the status and headers of GET and no body, for files and for errors."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        head, whole = await client.head(path), await client.get(path)
    assert head.status_code == whole.status_code
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert head.content == b""
