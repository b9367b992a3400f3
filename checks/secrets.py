"""Fails if a tracked file holds what looks like a secret.

    python checks/secrets.py

Everywhere: keys and tokens whose form gives them away. Outside tests also anything random or named like a password, but
what `KNOWN` explains. Prints file, line and kind, never the value.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

ROOT = Path(__file__).parent.parent
GENERATED = ("package-lock.json", "requirements/", "web/protocol/src/generated.ts")
GUESSED = {"Hex High Entropy String", "Base64 High Entropy String", "Secret Keyword", "Basic Auth Credentials"}
INVENTED = ("tests/", "bench/", "docs/", "README", "web/")
"""Where secrets are examples: only what its form gives away counts."""

KNOWN = {
    (".env.example", "Basic Auth Credentials"): "addresses with PASSWORD in them",
    ("src/kefu/bus/nats.py", "Basic Auth Credentials"): "a description with user:password in it",
    ("src/kefu/bus/nats_connection.py", "Basic Auth Credentials"): "a description with user:password in it",
    ("src/kefu/cli/import_.py", "Basic Auth Credentials"): "an example with user:password in it",
    ("src/kefu/cli/welcome.py", "Secret Keyword"): "the label of the password",
    ("src/kefu/config.py", "Basic Auth Credentials"): "a description with user:password in it",
    ("src/kefu/config_rules.py", "Basic Auth Credentials"): "errors' texts with user:password in them",
    ("src/kefu/doctor/table.py", "Secret Keyword"): "the heading over findings about secrets",
    ("src/kefu/store/database.py", "Basic Auth Credentials"): "a pattern that hides passwords",
    ("src/kefu/mainsite/passwords.py", "Base64 High Entropy String"): "the alphabet of generated passwords",
    ("src/kefu/store/ids.py", "Base64 High Entropy String"): "the alphabet of ids",
    ("src/kefu/mainsite/host.py", "Secret Keyword"): "a docstring that names the setting",
    ("src/kefu/tokens.py", "Secret Keyword"): "docstrings that name the settings",
    ("src/kefu/mainsite/texts/en.json", "Secret Keyword"): "the label of the password's field",
}


def tracked() -> list[str]:
    """Files of the repository; none where there is no repository, as in a source archive."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    return [name for name in done.stdout.splitlines() if not any(part in name for part in GENERATED)]


def found(names: list[str]) -> list[str]:
    """One line a finding."""
    secrets = SecretsCollection(root=str(ROOT))
    with default_settings():
        for name in names:
            secrets.scan_file(name)
    return [
        f"{name}:{secret.line_number}: {secret.type}"
        for name, secret in secrets
        if (name, secret.type) not in KNOWN and not (secret.type in GUESSED and name.startswith(INVENTED))
    ]


def main() -> int:
    """Prints what was found.

    Returns:
        The exit code.
    """
    names = tracked()
    problems = found(names)
    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"{len(names)} files, {len(problems)} with what looks like a secret")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
