"""A main site on a real database, agents in it, and a browser that keeps cookies."""

from __future__ import annotations

import asyncio
import http.server
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest

from kefu.config import Settings, load_settings
from kefu.mainsite.passwords import hash_password
from kefu.mainsite.site import create_site
from kefu.store.database import Database
from kefu.store.queries import agents

SECRET = "7d1f0c9ab26e4458b3c2d6e8f90a1b2c3d4e5f60"
PASSWORD = "correct horse"
CHAT = "https://chat.example"


@pytest.fixture(scope="session")
def hashed() -> str:
    return asyncio.run(hash_password(PASSWORD))


@pytest.fixture
async def database(database_url: str, hashed: str) -> AsyncIterator[Database]:
    pool = Database(database_url, pool_max=4)
    async with pool.engine.begin() as connection:
        await agents.add(connection, "ann", hashed, "Ann 安", "admin")
    yield pool
    await pool.close()


@pytest.fixture
def settings(database_url: str) -> Settings:
    return load_settings(
        database_url=database_url,
        admin_jwt_secret=SECRET,
        server_public_url=CHAT,
        failures_per_min=3,  # each takes as long as a password is to hash
    )


@dataclass
class Browser:
    """One visitor of the site."""

    http: httpx.AsyncClient

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def csrf(self) -> str:
        page = await self.get("/admin/login")
        return re.search(r'name="csrf" value="([^"]+)"', page.text)[1]

    async def log_in(self, login: str = "ann", password: str = PASSWORD, **headers: str) -> httpx.Response:
        form = {"csrf": await self.csrf(), "login": login, "password": password}
        return await self.http.post("/admin/login", data=form, headers=headers)


BrowserOf = Callable[..., Browser]


@pytest.fixture
async def open_browser(database: Database, settings: Settings) -> AsyncIterator[BrowserOf]:
    """Opens browsers on a site; `settings` overrides by keyword."""
    sites = {}
    opened: list[httpx.AsyncClient] = []

    def open_one(base: str = "http://shop.example", address: str = "203.0.113.5", **changed: object) -> Browser:
        key = repr(changed)
        if key not in sites:
            sites[key] = create_site(settings.model_copy(update=changed), database)
        transport = httpx.ASGITransport(app=sites[key], client=(address, 1234))
        opened.append(httpx.AsyncClient(transport=transport, base_url=base))
        return Browser(opened[-1])

    yield open_one
    for client in opened:
        await client.aclose()


@pytest.fixture
def browser(open_browser: BrowserOf) -> Browser:
    return open_browser()


class _Health(http.server.BaseHTTPRequestHandler):
    """What answers in the place of chat-server."""

    answer = b'{"ok":true,"service":"chat-server","port":1}'

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/chat/health" else 404)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_: object) -> None:
        pass


class Standin:
    """A chat-server that can be switched on and off, always on the same port."""

    def __init__(self) -> None:
        self._server = http.server.HTTPServer(("127.0.0.1", 0), _Health)
        self._address = self._server.server_address
        self.url = f"http://127.0.0.1:{self._address[1]}"
        self._thread: threading.Thread | None = None
        self._server.server_close()

    def start(self, answer: bytes = _Health.answer) -> None:
        handler = type("Answering", (_Health,), {"answer": answer})
        self._server = http.server.HTTPServer(self._address, handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        if self._thread:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._thread = None


@pytest.fixture
def standin() -> Iterator[Standin]:
    server = Standin()
    yield server
    server.stop()
