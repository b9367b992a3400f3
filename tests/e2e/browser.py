"""Finds, or gets, and starts the Chromium that browser tests drive; `python tests/e2e/browser.py` before they run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

WAIT_MS = 15_000
"""How long a page may take for what is asked of it: tests share two cores with servers, databases and each other."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str | None:
    """The path of a Chromium: `KEFU_TEST_BROWSER`, one on the PATH, or the one that Playwright installed."""
    named = os.environ.get("KEFU_TEST_BROWSER")
    if named:
        return named
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return path
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


@contextmanager
def launched(*args: str, env: dict[str, str] | None = None) -> Iterator[Browser]:
    """A quiet browser, with these flags besides; expectations wait as long as everything else."""
    expect.set_options(timeout=WAIT_MS)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # root has none
    path = find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGS, *sandbox, *args], env=env)
        yield browser
        browser.close()


def install() -> None:
    """Gets a Chromium: Debian's as root, else Playwright's own."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-noto-cjk"],
            check=True,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


if __name__ == "__main__":
    if find() is None:
        install()
    if find() is None:
        sys.exit("browser tests need Chromium; install it (Debian: apt install chromium) or set KEFU_TEST_BROWSER")
