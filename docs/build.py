"""Builds the documentation's site: `dist/docs`, a folder a language, with the contracts for programs beside them.

    python docs/build.py

Any warning is an error: a page in no table of contents, a link that leads nowhere.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from generate import DOCS, LANGUAGES
from kefu.api.http import openapi
from kefu.wire.asyncapi import asyncapi_document

SITE = DOCS.parent / "dist" / "docs"
ENTRANCE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Kefu</title>
<script>location.replace(navigator.language.startsWith("zh") ? "zh-CN/" : "en/")</script>
<p><a href="en/">English</a> · <a href="zh-CN/" lang="zh-CN">中文</a></p></html>
"""


def build(language: str) -> None:
    """Builds one language.

    Raises:
        CalledProcessError: A warning or an error, as printed.
    """
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-E"]
    folders = ["-c", str(DOCS), "-d", str(SITE / ".cache" / language), str(DOCS / language), str(SITE / language)]
    subprocess.run([*command, *folders], check=True, env={**os.environ, "KEFU_DOCS_LANGUAGE": language})  # noqa: S603


def main() -> int:
    """Builds everything.

    Returns:
        The exit code.
    """
    shutil.rmtree(SITE, ignore_errors=True)
    try:
        for language in LANGUAGES:
            build(language)
    except subprocess.CalledProcessError:
        return 1
    shutil.rmtree(SITE / ".cache")
    version = importlib.metadata.version("kefu")
    contracts = {"openapi.json": openapi(), "asyncapi.json": asyncapi_document(version)}
    for name, document in contracts.items():
        (SITE / name).write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    (SITE / "index.html").write_text(ENTRANCE, encoding="utf-8")
    print(f"{SITE.relative_to(Path.cwd()) if SITE.is_relative_to(Path.cwd()) else SITE}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
