"""A running installation and what browser tests do with it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import asyncpg
import httpx
from playwright.sync_api import Page, expect

from kefu.store.embedded import EmbeddedPostgres

PASSWORD = "correct horse battery staple 客服"
START_TIMEOUT_S = 60
PICTURES = Path(__file__).parents[2] / "test-results"


@dataclass(frozen=True)
class Installation:
    """A running `kefu up`. Visitors and agents open it under two origins, as they would in life."""

    site_port: int
    chat_port: int
    host_port: int
    data_dir: Path

    @property
    def shop(self) -> str:
        return f"http://localhost:{self.site_port}/"

    @property
    def console(self) -> str:
        return f"http://127.0.0.1:{self.site_port}/admin/chat"

    @contextlib.contextmanager
    def host_page(self, html: str, headers: dict[str, str]) -> Iterator[str]:
        """Serves one page of a website that embeds the widget, on an origin that is admitted; yields its URL."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(html.encode())

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self.host_port), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{self.host_port}/"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def rows(self, query: str, *args: object) -> list[tuple[object, ...]]:
        """Asks the installation's own PostgreSQL."""

        async def run(url: str) -> list[tuple[object, ...]]:
            connection = await asyncpg.connect(url)
            try:
                return [tuple(row) for row in await connection.fetch(query, *args)]
            finally:
                await connection.close()

        # In a thread of its own: Playwright keeps an event loop in this one.
        with EmbeddedPostgres(self.data_dir) as server, ThreadPoolExecutor(1) as executor:
            return executor.submit(asyncio.run, run(server.url)).result()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until_ready(running: Installation, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            ready = httpx.get(f"http://127.0.0.1:{running.chat_port}/chat/ready")
            if ready.status_code == 200 and httpx.get(running.shop).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"kefu up does not serve:\n{log.read_text()}")


def picture(page: Page, name: str) -> None:
    """Keeps what a person would see, for the README and for whoever looks at a failure."""
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")


def open_widget(page: Page) -> None:
    page.locator("kefu-chat button.launcher").click()
    expect(page.locator("kefu-chat dialog")).to_be_visible()


def write(page: Page, text: str) -> None:
    page.locator("kefu-chat textarea").fill(text)
    page.keyboard.press("Enter")


def log_in(page: Page, installation: Installation) -> None:
    page.goto(installation.console)
    page.locator("input[type=password]").wait_for()
    page.locator("input:not([type=password]):not([type=hidden])").first.fill("admin")
    page.locator("input[type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("inbox")).to_be_visible()
