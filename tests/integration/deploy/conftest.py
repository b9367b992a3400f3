"""What deployments are tested with: the wheel as people get it, and npm's programs, installed as their lock says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hatch_build import node_and_npm

from alone import alone_with
from integration.cli.conftest import NAMES

from .leash import leash

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
UV = str(Path(sys.executable).with_name("uv"))
NODE = ("node", "nodejs", "npm", "npx", "corepack")

RunNode = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def leashed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What to add to the environment of programs that detach themselves: they end with the tests, however those end.

    A PM2 that is told no other home gets one here: almost each of its commands starts a daemon, `--version` too.
    """
    with leash() as mark:
        yield mark | {"PM2_HOME": str(tmp_path_factory.mktemp("pm2"))}


@pytest.fixture(scope="session")
def node(leashed: dict[str, str]) -> RunNode:
    """Runs a script of an installed package: `node("pm2/bin/pm2", "start", …, PM2_HOME=…)`."""
    program, npm = node_and_npm()
    path = f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"
    installed = HERE / "node_modules" / ".package-lock.json"
    lock = HERE / "package-lock.json"
    with alone_with(lock):
        if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
            command = [*npm, "ci", "--ignore-scripts", "--loglevel=error"]
            subprocess.run(command, cwd=HERE, env={**os.environ, "PATH": path}, check=True, stdin=subprocess.DEVNULL)
            os.utime(installed)

    def run(script: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [program, str(HERE / "node_modules" / script), *map(str, arguments)]
        env = {**os.environ, "PATH": path, **leashed, **environment}
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )

    return run


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A folder that the embedded PostgreSQL's unprivileged user can look into."""
    folder = Path(tempfile.mkdtemp(prefix="kefu-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def bare(place: Path) -> dict[str, str]:
    """An environment with the system's programs but Node's, and without a setting."""
    (place / "bin").mkdir()
    for folder in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for program in Path(folder).iterdir():
            link = place / "bin" / program.name
            if program.name not in NODE and not link.is_symlink():
                link.symlink_to(program)
    kept = {name: value for name, value in os.environ.items() if name not in NAMES and name != "PYTHONPATH"}
    return kept | {"PATH": str(place / "bin"), "COLUMNS": "120"}


@pytest.fixture(scope="session")
def built(place: Path, bare: dict[str, str]) -> tuple[Path, Path]:
    """The sdist, and the wheel that was built from it."""
    run(
        UV,
        "build",
        "--quiet",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--out-dir",
        place / "dist",
        env=bare,
    )
    (sdist,) = (place / "dist").glob("*.tar.gz")
    (wheel,) = (place / "dist").glob("*.whl")
    return sdist, wheel


def run(*command: object, env: dict[str, str], cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [str(part) for part in command], env=env, cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
