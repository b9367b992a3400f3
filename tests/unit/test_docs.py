"""The documentation: both languages, links that lead somewhere, parts as the code has them, a site that builds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<!`)!?\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
OTHER_WORDS = re.compile(r"挂件|小部件|(?<!浏览器)控制台")
"""For what is 聊天窗 (the widget) and 工作台 (the agents' console); a browser's developer console is 浏览器控制台."""
FROM_AN_INDEX = re.compile(r"\binstall (?:-\S+ )*['\"]?kefu(?:\[\w+\])?(?![\w.\[/-])")
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links."""
    headings = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    return {slug(heading) for heading in headings}


def slug(heading: str) -> str:
    kept = (char for char in heading.lower().replace("`", "") if char in " -_" or unicodedata.category(char)[0] in "LN")
    return "".join(kept).replace(" ", "-")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{DOCS}"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{link}: {target.name} has no such heading"


def test_every_page_is_there_in_both_languages() -> None:
    english, chinese = ({page.name for page in (DOCS / language).glob("*.md")} for language in ("en", "zh-CN"))
    assert english == chinese
    assert "quick-start.md" in english


def test_kefu_is_installed_from_its_wheel() -> None:
    """It is on no index: there the name may be anybody's."""
    assert all(
        map(FROM_AN_INDEX.search, ("pip install kefu", "pip install --upgrade kefu;", "install 'kefu[workers]'"))
    )
    sources = (*PAGES, *(ROOT / "src/kefu").rglob("*.py"), *(ROOT / "src/kefu").rglob("*.txt"))
    assert [str(file) for file in sources if FROM_AN_INDEX.search(file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("root", ["README.zh-CN.md", "docs", "src/kefu", "deploy", "web/console/src", "web/widget/src"])
def test_a_thing_has_one_chinese_name(root: str) -> None:
    found = [
        f"{file}: {line}"
        for file in ([ROOT / root] if (ROOT / root).is_file() else sorted((ROOT / root).rglob("*")))
        if file.suffix in {".md", ".py", ".json", ".ts", ".tsx", ".env", ".txt"} and "static" not in file.parts
        for line in file.read_text(encoding="utf-8").splitlines()
        if OTHER_WORDS.search(line)
    ]
    assert found == []


def test_the_generated_parts_are_as_the_code_has_them() -> None:
    done = run("docs/generate.py", "--check")
    assert done.returncode == 0, done.stderr


def test_the_site_builds_without_a_warning() -> None:
    done = run("docs/build.py")
    assert done.returncode == 0, done.stderr
    for language in ("en", "zh-CN"):
        assert (ROOT / "dist" / "docs" / language / "index.html").is_file()
    assert (ROOT / "dist" / "docs" / "asyncapi.json").is_file()
