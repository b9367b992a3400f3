"""Reads the settings of both programs as they would, and looks at the files in which they are written."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from kefu import config_rules
from kefu.config import ENV_FILE_VARIABLE, Settings
from kefu.doctor.findings import DEFAULT_FILE, Finding, finding

_OTHERS_BITS = 0o077


class FileSettings(Settings):
    """What a file says, whatever the environment of this shell holds."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leaves the environment out."""
        del settings_cls, env_settings, file_secret_settings
        return init_settings, dotenv_settings


@dataclass(frozen=True, slots=True)
class Read:
    """What came of reading a program's settings.

    Attributes:
        settings: None if they cannot be read.
        file: Where they are written, for hints.
        findings: What is wrong with the file or with single values.
    """

    settings: Settings | None
    file: str
    findings: list[Finding]


def read(path: Path | None) -> Read:
    """Settings from a file alone; from the environment and `.env` of this folder if `path` is None."""
    file = default_file() if path is None else path
    findings = check_file(file)
    if file != Path(DEFAULT_FILE) and not file.is_file():
        return Read(None, str(file), [finding("env_file_missing", file=file)])
    kind: type[Settings] = Settings if path is None else FileSettings
    options: dict[str, Any] = {"_env_file": file}
    try:
        return Read(kind(**options), str(file), findings)
    except ValidationError as error:
        problems = [_problem(dict(problem), str(file)) for problem in error.errors(include_url=False)]
        return Read(None, str(file), findings + problems)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return Read(None, str(file), [*findings, finding("env_file_unreadable", file=file, reason=reason)])


def default_file() -> Path:
    """Where a program that was told nothing else reads its settings."""
    return Path(os.environ.get(ENV_FILE_VARIABLE) or DEFAULT_FILE)


def check_file(file: Path) -> list[Finding]:
    """Whether others can read a file of secrets; nothing if there is no file."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError:
        return []
    return [finding("env_file_open", file=file, mode=f"{mode:03o}")] if mode & _OTHERS_BITS else []


def _problem(problem: dict[str, Any], file: str) -> Finding:
    line = config_rules.unreadable(Settings.model_fields, problem)
    return finding("setting_invalid", setting=line.partition(" ")[0], problem=line, file=file)
