"""Fails if a pinned package has a known vulnerability, where the advisories can be reached.

    python checks/dependencies.py

Asks for the packages that users install (`requirements/runtime.txt`) and for what the browser files are built from.
Without the advisory databases it says so and passes: an audit that could not be made is no finding.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from hatch_build import node_and_npm  # noqa: E402 - it is a script beside the packages

PYTHON_PINS = "requirements/runtime.txt"
TIMEOUT_S = 60


def python_problems() -> list[str] | None:
    """A line a vulnerable Python package; None if nobody could be asked."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "-r", PYTHON_PINS, "-f", "json"]
    told = answer(command, ROOT)
    packages = told.get("dependencies", []) if told else []
    if not packages or all("skip_reason" in package for package in packages):
        return None
    return [
        f"{package['name']} {package['version']}: {', '.join(one['id'] for one in package['vulns'])}"
        for package in packages
        if package.get("vulns")
    ]


def browser_problems() -> list[str] | None:
    """A line a vulnerable npm package; None if nobody could be asked."""
    _, npm = node_and_npm()
    told = answer([*npm, "audit", "--omit=dev", "--json"], ROOT / "web")
    if not told or "vulnerabilities" not in told:
        return None
    return [f"{name}: {one['severity']}" for name, one in told["vulnerabilities"].items()]


def answer(command: list[str], folder: Path) -> dict[str, Any] | None:
    """The JSON that a program prints, whatever its exit code; None if it prints none in time."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
        told = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return told if isinstance(told, dict) else None


def main() -> int:
    """Prints what was found.

    Returns:
        The exit code.
    """
    problems: list[str] = []
    for what, found in (("Python packages", python_problems()), ("npm packages", browser_problems())):
        result = "not audited, the advisories cannot be reached" if found is None else f"{len(found)} vulnerable"
        print(f"{what}: {result}")
        problems += found or []
    print(*problems, sep="\n", end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
