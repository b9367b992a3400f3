"""Security headers on everything that chat-server answers, whatever the route and the outcome."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest

from kefu.api.files import Files
from kefu.api.http import create_http, create_internal

TOKEN = "8f1d0b7a2c9e4f6d8b3a5c7e9f1d2b4a"


class Database:
    async def answers(self) -> bool:
        raise RuntimeError("what nobody expected")


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("static")
    for name in ("widget/widget.js", "console/console.js"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("0")
    return create_http(Database(), SimpleNamespace(state="alone"), Files(folder), 4000, TOKEN)


async def get(application, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://chat.example") as client:
        return await client.request(method, path, headers=headers)


def paths(application) -> list[str]:
    """Every route of the application, with a file where it takes one."""
    return sorted(route.path.replace("/{path:path}", "/none.js") for route in application.routes)


async def test_every_route(application) -> None:
    found = paths(application)
    assert {"/chat/health", "/chat/ready", "/chat/metrics", "/chat/api/schema", "/chat/widget/none.js"} <= set(found)
    for path in [*found, "/chat/widget/widget.js", "/chat/console/console.js", "/nothing", "/chat/"]:
        for method in ("GET", "POST", "OPTIONS"):
            answer = await get(application, path, method)
            told = f"{method} {path} {answer.status_code}"
            assert answer.headers["x-content-type-options"] == "nosniff", told
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], told
            assert "default-src 'none'" in answer.headers["content-security-policy"], told
            assert answer.headers["referrer-policy"] == "no-referrer", told
            assert "text/html" not in answer.headers.get("content-type", ""), told
            assert "set-cookie" not in answer.headers, told


async def test_an_error_tells_nothing_of_the_inside(application) -> None:
    answer = await get(application, "/chat/ready")
    assert answer.status_code == 500
    assert answer.json() == {"error": "UNAVAILABLE", "message": "the server could not do this"}


async def test_the_internal_port_too(application) -> None:
    answer = await get(create_internal(application), "/metrics")
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_no_header_twice(application) -> None:
    answer = await get(application, "/chat/widget/widget.js")
    names = [name.lower() for name, _ in answer.headers.raw]
    assert len(names) == len(set(names))
