"""Finds the Chromium that browser tests drive, or gets one: `python tests/e2e/browser.py` before the tests run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

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
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - starts a driver; only if nothing else was found

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def launch_args() -> list[str]:
    """Flags for a quiet browser; root has no sandbox."""
    return [*ARGS, "--no-sandbox"] if os.geteuid() == 0 else list(ARGS)


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
