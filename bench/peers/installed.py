"""The packages of the Node peers, installed when a run first wants them. Which Node it is, `hatch_build.py` knows."""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from pathlib import Path

HOME = Path(__file__).resolve().parent / "node"
ROOT = HOME.parents[2]

sys.path.insert(0, str(ROOT))

import hatch_build  # noqa: E402 - it lies beside the folders, not in a package


@cache
def node() -> str:
    """Node, with the peers' packages as their lock says and Prisma's client generated.

    Raises:
        hatch_build.BuildError: If a step fails.
    """
    program, npm = hatch_build.node_and_npm()
    lock, done = HOME / "package-lock.json", HOME / "node_modules" / ".bench-installed"
    sources = max(lock.stat().st_mtime, (HOME / "schema.prisma").stat().st_mtime)
    if not done.is_file() or done.stat().st_mtime < sources:
        print("installing the Node peers", file=sys.stderr, flush=True)
        # Generating asks for the schema engine, a program from elsewhere, and never starts it: any program will do.
        stub = shutil.which("true") or sys.executable
        path = os.pathsep.join([str(Path(program).parent), os.environ.get("PATH", "")])
        env = {**os.environ, "PATH": path, "PRISMA_SCHEMA_ENGINE_BINARY": stub, "CHECKPOINT_DISABLE": "1"}
        hatch_build.run([*npm, "ci", "--ignore-scripts", "--loglevel=error"], cwd=HOME, env=env)
        prisma = str(HOME / "node_modules" / "prisma" / "build" / "index.js")
        hatch_build.run([program, prisma, "generate", "--schema", "schema.prisma"], cwd=HOME, env=env)
        done.touch()
    return program
