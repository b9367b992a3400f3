"""One installation for all browser tests, started as its owner starts it: `kefu up`. And the browser that looks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from e2e import browser as chromium
from e2e.installation import PASSWORD, Installation, free_port, wait_until_ready


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    data_dir = Path(tempfile.mkdtemp(prefix="kefu-e2e-", dir="/tmp"))
    data_dir.chmod(0o755)
    running = Installation(free_port(), free_port(), free_port(), data_dir)
    environment = {
        **os.environ,
        "KEFU_DATA_DIR": str(data_dir),
        "KEFU_SITE_PORT": str(running.site_port),
        "CHAT_SERVER_PORT": str(running.chat_port),
        "KEFU_ADMIN_PASSWORD": PASSWORD,
        "CHAT_ALLOWED_ORIGINS": f"http://localhost:{running.host_port}",
    }
    log = (data_dir / "up.log").open("wb")
    kefu = Path(sys.executable).with_name("kefu")
    process = subprocess.Popen([kefu, "up"], env=environment, stdout=log, stderr=log, cwd=data_dir)
    try:
        wait_until_ready(running, process, data_dir / "up.log")
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A module's browser. Not a session's: while Playwright lives, nobody else can run an event loop in this thread."""
    with chromium.launched() as browser:
        yield browser


@pytest.fixture
def open_context(browser: Browser) -> Iterator[object]:
    """Makes browser contexts, each with a storage of its own; a script error in any of them fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def make(locale: str = "en-US", *, phone: bool = False, dark: bool = False) -> BrowserContext:
        size = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
        context = browser.new_context(
            locale=locale,
            viewport=size,
            is_mobile=phone,
            has_touch=phone,
            device_scale_factor=2 if phone else 1,
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(chromium.WAIT_MS)
        context.on("page", lambda page: page.on("pageerror", lambda error: errors.append(str(error))))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert errors == []
