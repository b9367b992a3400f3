"""Pictures of two pages by an installed Chromium, as evidence for people. A browser without any login."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from kefu.accept.checks import SkipError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZE = "1280,800"
PAGE_TIME_MS = 5000
"""How long a page's scripts run, in the browser's own time, before the picture."""
PICTURE_S_MAX = 45.0
ARGUMENTS = (
    "--headless",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--window-size={SIZE}",
    f"--virtual-time-budget={PAGE_TIME_MS}",
)


def find_browser() -> str | None:
    """The path of a Chromium or Chrome; None if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def take(pages: dict[str, str], folder: Path, *, any_certificate: bool) -> list[str]:
    """A picture of each page.

    Args:
        pages: File names without suffix, and URLs.
        folder: Where they go; made if it is missing.
        any_certificate: The browser does not know the CA that was given to us.

    Returns:
        The files.

    Raises:
        SkipError: There is no browser, or it makes no picture.
    """
    browser = find_browser()
    if browser is None:
        raise SkipError("no_browser")
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for name, url in pages.items():
        file = folder / f"{name}.png"
        file.unlink(missing_ok=True)
        _picture(browser, url, file, any_certificate=any_certificate)
        if not file.is_file():
            raise SkipError("no_picture", url=url)
        found.append(str(file))
    return found


def _picture(browser: str, url: str, file: Path, *, any_certificate: bool) -> None:
    arguments = [*ARGUMENTS, f"--screenshot={file.resolve()}"]
    arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
    arguments += ["--ignore-certificate-errors"] if any_certificate else []
    with tempfile.TemporaryDirectory(prefix="kefu-accept-", ignore_cleanup_errors=True) as profile:
        command = [browser, *arguments, f"--user-data-dir={profile}", url]
        with contextlib.suppress(subprocess.TimeoutExpired, OSError):
            subprocess.run(command, capture_output=True, timeout=PICTURE_S_MAX, check=False)  # noqa: S603
