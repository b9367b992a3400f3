"""One line of a `.env` file: read, and set without touching the others."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from kefu.config import ConfigError


def read_line(file: Path, name: str) -> str | None:
    """The value of a variable, without quotes; None if the file or the line is missing.

    Raises:
        ConfigError: The file cannot be read.
    """
    found = None
    for line in _lines(file):
        key, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and key.strip() == name:
            found = value.strip().strip("\"'")
    return found or None


def set_line(file: Path, name: str, value: str) -> None:
    """Gives a variable a value: in its line, in the place of its commented line, else at the end.

    The file is replaced whole, keeps its mode and owner, and is made with mode 600 if it is missing. The value must
    need no quotes.

    Raises:
        ConfigError: The file cannot be read or written.
    """
    lines = _lines(file)
    own = re.compile(rf"\s*(export\s+)?{re.escape(name)}\s*=")
    commented = re.compile(rf"\s*#\s*{re.escape(name)}\s*=")
    places = [at for at, line in enumerate(lines) if own.match(line)]
    places = places or [at for at, line in enumerate(lines) if commented.match(line)][:1]
    if places:
        lines[places[-1]] = f"{name}={value}"
        lines = [line for at, line in enumerate(lines) if at not in places[:-1]]
    else:
        lines.append(f"{name}={value}")
    _write(file, "\n".join(lines) + "\n")


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file} cannot be read: {getattr(error, 'strerror', None) or error}"]) from None


def _write(file: Path, text: str) -> None:
    try:
        file = file.resolve()
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 600
        staging = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                opened.write(text)
                opened.flush()
                os.fsync(opened.fileno())
            if file.exists():
                before = file.stat()
                staging.chmod(before.st_mode & 0o777)
                if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                    os.chown(staging, before.st_uid, before.st_gid)
            staging.replace(file)
        finally:
            staging.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError([f"{file} cannot be written: {error.strerror}"]) from None
