"""The secret that `kefu up` makes when none is set, kept in the data folder for this user's eyes only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from kefu.config import ConfigError, Settings
from kefu.store.embedded_place import make_data_dir

FILE = "secrets.env"
NAME = "CHAT_ADMIN_JWT_SECRET"
SECRET_BYTES = 32


def with_kept_secret(settings: Settings, *, make: bool = False) -> Settings:
    """The settings with the agents' secret: their own, else the kept one, else (if `make`) a new one that is kept.

    Raises:
        ConfigError: The kept one cannot be read.
        EmbeddedPostgresError: The data folder cannot be made.
    """
    if settings.admin_jwt_secret is not None:
        return settings
    secret = _read(settings.data_dir / FILE)
    if secret is None and make:
        make_data_dir(settings.data_dir)
        secret = _make(settings.data_dir / FILE)
    return settings if secret is None else settings.model_copy(update={"admin_jwt_secret": SecretStr(secret)})


def _read(file: Path) -> str | None:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file} cannot be read ({error}): start Kefu as the user who made it"]) from None
    kept = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    if not kept.get(NAME):
        raise ConfigError([f"{file} has no line {NAME}=…; remove the file to have a new secret made"])
    return kept[NAME]


def _make(file: Path) -> str:
    """Writes a new secret whole or not at all; if another start was first, its secret counts."""
    secret = secrets.token_hex(SECRET_BYTES)
    staging = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(f"# Made by `kefu up`. Give it to another main site that signs agents' tokens.\n{NAME}={secret}\n")
        opened.flush()
        os.fsync(opened.fileno())
    try:
        os.link(staging, file)
    except FileExistsError:
        secret = _read(file) or secret
    finally:
        staging.unlink()
    return secret
