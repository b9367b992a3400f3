"""The programs of npm with which deployments are tested, installed as their lock says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hatch_build import node_and_npm

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]

RunNode = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def node() -> RunNode:
    """Runs a script of an installed package: `node("pm2/bin/pm2", "start", …, env=…)`."""
    program, npm = node_and_npm()
    path = f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"
    installed = HERE / "node_modules" / ".package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime:
        command = [*npm, "ci", "--ignore-scripts", "--loglevel=error"]
        subprocess.run(command, cwd=HERE, env={**os.environ, "PATH": path}, check=True, stdin=subprocess.DEVNULL)
        os.utime(installed)

    def run(script: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [program, str(HERE / "node_modules" / script), *map(str, arguments)]
        env = {**os.environ, "PATH": path, **environment}
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )

    return run
