"""What `kefu init` writes: the settings of both programs with fresh secrets, and what starts them.

Knows templates and folders, and that nothing which is there is ever written over; asks nothing and prints nothing.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Literal, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values

import kefu
from kefu.cli.language import Language
from kefu.config import ConfigError
from kefu.config_rules import origin_as_sent
from kefu.proxy.site import SiteError, checked_domain, www_name

Way = Literal["pm2", "systemd", "containers"]
WAYS: tuple[Way, ...] = get_args(Way)

CHAT_SERVER_FILE = "chat-server.env"
MAIN_SITE_FILE = "main-site.env"
DATABASE_FILE = "database.env"
SECRET_BYTES = 32
NEEDS_QUOTES = frozenset(" \t\"'`$#\\")
"""Characters that the readers of such files (dotenv, systemd, compose) do not all take in the same way."""

_TEMPLATES = Path(__file__).parent / "init_files"
_DEPLOY: dict[Way, str] = {"pm2": "pm2", "systemd": "systemd", "containers": "container"}
_NOT_FOR_THE_FOLDER = {"Containerfile"}
_HIDDEN_FROM_UNITS = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - names, nothing is written there
_PROGRAM_IN_FILES, _FOLDER_IN_FILES = "/opt/kefu/bin/kefu", "/etc/kefu"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an installation shall be.

    Attributes:
        origins: Of the site's pages, the first one is the console's too.
        database_url: Empty if it is not known yet.
        way: What starts the programs; None if nothing in particular.
        language: Of comments.
    """

    origins: tuple[str, ...]
    database_url: str
    way: Way | None
    language: Language


def origins_of(domain: str) -> tuple[str, ...]:
    """The origins of a site named by its domain or by a URL; with and without `www.` where it is a plain domain.

    Raises:
        ValueError: It is neither.
    """
    origin = origin_as_sent(domain)
    path = urlsplit(domain).path if "://" in domain else domain.partition("/")[2]
    if origin is None or path.strip("/") or not origin.startswith(("http://", "https://")):
        raise ValueError(f"expected a domain such as shop.example, or its origin, got {domain!r}")
    host = urlsplit(origin).hostname or ""
    if "://" in domain or "." not in host or _is_address(host):
        return (origin,)
    other = www_name(host)
    return (origin, origin.replace(host, other, 1)) if other else (origin,)


def nginx_options(origins: tuple[str, ...]) -> str:
    """What to tell `kefu nginx` of the names that these origins have; three dots where it cannot serve them."""
    try:
        domain = checked_domain(urlsplit(origins[0]).hostname or "")
    except SiteError:
        return "--domain …"
    return f"--domain {domain}" + ("" if len(origins) > 1 or not www_name(domain) else " --no-www")


def _is_address(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


def write(folder: Path, wanted: Wanted) -> dict[Path, bool]:
    """Writes every file that is missing.

    Values that two files share are taken from the one that is there.

    Returns:
        Each file, and whether it was written now.

    Raises:
        ConfigError: The folder cannot be written, or a file that is there cannot be read.
    """
    files = {folder / name: text for name, text in _texts(folder, wanted).items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {file: _create(file, text) for file, text in files.items()}
    except OSError as error:
        raise ConfigError([f"{folder} cannot be written: {error.strerror}"]) from None


def told(template: str, language: Language, values: Mapping[str, str]) -> str:
    """A template's text with its values."""
    return Template((_TEMPLATES / language / template).read_text(encoding="utf-8")).substitute(values)


def hidden_from_units(program: Path) -> str:
    """The folder around the program that the units of systemd do not see; empty if they see it."""
    return next((folder for folder in _HIDDEN_FROM_UNITS if program.is_relative_to(folder)), "")


def has_database(file: Path) -> bool:
    """Whether a file of settings names a database."""
    return "CHAT_DATABASE_URL" in dict(_kept(file))


def own_program() -> Path:
    """The `kefu` of this installation, to be named where no PATH finds it."""
    return Path(sys.executable).with_name("kefu")


def _texts(folder: Path, wanted: Wanted) -> dict[str, str]:
    """Every file's text by its name."""
    values = _values(folder, wanted)
    names = [CHAT_SERVER_FILE, MAIN_SITE_FILE] + ([DATABASE_FILE] if wanted.way == "containers" else [])
    texts = {name: told(name, wanted.language, values) for name in names}
    if wanted.way is not None:
        for file in sorted((_deploy_folder() / _DEPLOY[wanted.way]).iterdir()):
            if file.name not in _NOT_FOR_THE_FOLDER:
                text = file.read_text(encoding="utf-8").replace(_PROGRAM_IN_FILES, str(own_program()))
                texts[file.name] = text.replace(_FOLDER_IN_FILES, str(folder))
    return texts


def _values(folder: Path, wanted: Wanted) -> dict[str, str]:
    """What stands in the files: kept if it is there, else new."""
    kept = {
        name: value
        for file in (MAIN_SITE_FILE, CHAT_SERVER_FILE, DATABASE_FILE)
        for name, value in _kept(folder / file)
    }
    role_password = kept.get("CHATAPP_PASSWORD") or secrets.token_hex(SECRET_BYTES // 2)
    url = wanted.database_url or kept.get("CHAT_DATABASE_URL", "")
    if wanted.way == "containers" and not url:
        url = f"postgresql://chatapp:{role_password}@database:5432/kefu"
    return {
        "database_line": f"CHAT_DATABASE_URL={url}" if url else "# CHAT_DATABASE_URL=",
        "agents_secret": kept.get("CHAT_ADMIN_JWT_SECRET") or secrets.token_hex(SECRET_BYTES),
        "visitors_secret": secrets.token_hex(SECRET_BYTES),
        "widget_origins": ",".join(wanted.origins),
        "console_origins": wanted.origins[0],
        "administrator_password": secrets.token_hex(SECRET_BYTES // 2),
        "role_password": role_password,
    }


def _kept(file: Path) -> list[tuple[str, str]]:
    """The values of a file that is there."""
    try:
        lines = dotenv_values(stream=file.open(encoding="utf-8"), interpolate=False)
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file} cannot be read: {getattr(error, 'strerror', None) or error}"]) from None
    return [(name, value) for name, value in lines.items() if value]


def _create(file: Path, text: str) -> bool:
    """Writes a new file whole, secrets for its owner's eyes only; False if there is one."""
    mode = 0o600 if file.suffix == ".env" else 0o755 if file.suffix == ".sh" else 0o644
    staging = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        os.link(staging, file)
    except FileExistsError:
        return False
    finally:
        staging.unlink(missing_ok=True)
    return True


def _deploy_folder() -> Path:
    """`deploy/` as it comes in a wheel, else that of the source tree."""
    package = Path(kefu.__file__).parent
    return package / "deploy" if (package / "deploy").is_dir() else package.parents[1] / "deploy"
