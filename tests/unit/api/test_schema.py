"""The OpenAPI document: valid, one entry a route, and true of what the routes answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import jsonschema
import openapi_spec_validator
import pytest

from kefu.api.files import Files
from kefu.api.http import create_http

TOKEN = "8f1d0b7a2c9e4f6d8b3a5c7e9f1d2b4a"


class Database:
    def __init__(self, *, there: bool) -> None:
        self.there = there

    async def answers(self) -> bool:
        return self.there


async def get(path: str, *, there: bool = True, bus: str = "alone", **headers: str) -> httpx.Response:
    app = create_http(Database(there=there), SimpleNamespace(state=bus), Files(Path("/nowhere")), 4000, TOKEN)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://chat.example") as client:
        return await client.get(path, headers=headers)


async def document() -> dict[str, Any]:
    answer = await get("/chat/api/schema")
    assert answer.headers["content-type"].startswith("application/vnd.oai.openapi+json")
    return answer.json()


async def test_it_is_valid_and_names_each_route_once() -> None:
    told = await document()
    openapi_spec_validator.validate(told)
    assert {"/chat/health", "/chat/ready", "/chat/metrics", "/chat/api/schema"} <= told["paths"].keys()
    assert all(path.startswith("/chat/") for path in told["paths"])
    assert (await get("/api/schema")).json() == told


@pytest.mark.parametrize(
    ("path", "world", "status"),
    [
        ("/chat/health", {}, 200),
        ("/chat/ready", {}, 200),
        ("/chat/ready", {"bus": "away"}, 200),
        ("/chat/ready", {"there": False}, 503),
    ],
)
async def test_answers_are_what_it_says(path: str, world: dict[str, Any], status: int) -> None:
    told = await document()
    answer = await get(path, **world)
    assert answer.status_code == status
    schema = told["paths"][path]["get"]["responses"][str(status)]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator({**schema, "components": told["components"]}).validate(answer.json())


async def test_ready_says_what_is_missing() -> None:
    assert (await get("/chat/ready")).json() == {"ok": True}
    assert (await get("/chat/ready", bus="away")).json() == {"ok": True, "degraded": "bus"}
    assert (await get("/chat/ready", there=False)).json() == {"ok": False, "reason": "database"}


async def test_a_refusal_is_what_it_says() -> None:
    told = await document()
    answer = await get("/chat/widget/nothing.js")
    content = told["paths"]["/chat/widget/{path}"]["get"]["responses"]["404"]["content"]["application/json"]
    jsonschema.Draft202012Validator({**content["schema"], "components": told["components"]}).validate(answer.json())
    assert answer.json()["error"] == "NOT_FOUND"
