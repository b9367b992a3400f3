"""Everything that can be checked where Kefu is installed, without a URL. Joins the checks; judges nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kefu.config import Settings, reveal
from kefu.config_rules import EMBEDDED
from kefu.doctor import database, environment, machine, origins, programs, secrets
from kefu.doctor.environment import Read
from kefu.doctor.findings import Finding, finding
from kefu.doctor.guard import Check, together

APPEND_CONNECTIONS = 1
"""A process of chat-server holds one for the append beside its pool."""


@dataclass(frozen=True)
class Installation:
    """What is looked at.

    Attributes:
        env: chat-server's settings file; None: the environment and `.env` of this folder.
        site_env: The main site's; None if it has none of its own.
        workers: Processes of chat-server.
        complete: Adds what `kefu up` keeps elsewhere than in a settings file.
        missing_files: Which built files of widget and console are not there.
    """

    env: Path | None = None
    site_env: Path | None = None
    workers: int = 1
    complete: Callable[[Settings], Settings] = lambda settings: settings
    missing_files: Callable[[], list[str]] = list


@dataclass(frozen=True)
class Programs:
    """Both programs' settings, as far as they could be read.

    Attributes:
        is_up: They run as `kefu up`, which chooses what is not set.
    """

    server: Settings | None
    site: Settings | None
    is_up: bool
    findings: list[Finding]


def read(installation: Installation) -> Programs:
    """Reads what both programs would."""
    server = environment.read(installation.env)
    site = None if installation.site_env is None else environment.read(installation.site_env)
    findings = server.findings + (site.findings if site else [])
    settings, is_up = server.settings, False
    if settings is not None and installation.env is None:
        kept = installation.complete(settings)
        is_up = reveal(settings.database_url) in (None, EMBEDDED) and kept.admin_jwt_secret is not None
        settings = kept
    if settings is not None:
        findings += secrets.check_program(settings, server.file) + _check_origins(settings, is_up=is_up)
    findings += _check_site(settings, server, site)
    return Programs(settings, site.settings if site else None, is_up, findings)


def _check_origins(settings: Settings, *, is_up: bool) -> list[Finding]:
    lists = {
        origins.WIDGET_LIST: settings.allowed_origins,
        origins.CONSOLE_LIST: settings.admin_allowed_origins,
    }
    return [one for name, listed in lists.items() if listed or not is_up for one in origins.check_list(name, listed)]


def _check_site(settings: Settings | None, server: Read, site: Read | None) -> list[Finding]:
    if site is None or site.settings is None:
        return []
    findings = secrets.check_secret(secrets.AGENTS, reveal(site.settings.admin_jwt_secret), site.file)
    if settings is not None:
        findings += secrets.check_pair(settings, site.settings, server.file, site.file)
    return findings


async def check(installation: Installation, found: Programs) -> list[Finding]:
    """Asks database, ports, bus and machine.

    Args:
        installation: What is looked at.
        found: Its settings, from `read`.
    """

    async def files() -> list[Finding]:
        missing = installation.missing_files()
        return [finding("static_missing", files=", ".join(missing))] if missing else []

    checks: dict[str, Check] = {"files": files}
    settings = found.server
    if settings is not None:
        checks |= _checks(settings, installation, is_up=found.is_up)
    site = found.site or settings
    if site is not None and (found.site is not None or site.server_internal_url):
        file = str(installation.site_env or installation.env or ".env")
        checks["chat-server"] = lambda: programs.check_internal_url(site.server_internal_url, file)
    return await together(checks)


def _checks(settings: Settings, installation: Installation, *, is_up: bool) -> dict[str, Check]:
    async def here() -> list[Finding]:
        return machine.judge(machine.look(settings.data_dir)) + programs.check_embedded(settings.data_dir)

    async def ask_database() -> list[Finding]:
        url = reveal(settings.database_url)
        if url in (None, EMBEDDED):
            url = programs.embedded_url(settings.data_dir)
            if url is None:
                return [] if is_up or reveal(settings.database_url) == EMBEDDED else [finding("database_unset")]
        return await database.check(url, connections_needed=connections_needed(settings, installation.workers))

    return {
        "machine": here,
        "database": ask_database,
        "port": lambda: programs.check_port(settings.host, settings.port, "CHAT_SERVER_PORT", "chat-server"),
        "NATS": lambda: programs.check_bus(settings, installation.workers),
    }


def connections_needed(settings: Settings, workers: int) -> int:
    """How many connections chat-server and the main site open at most."""
    return (settings.db_pool_max + APPEND_CONNECTIONS) * workers + settings.db_pool_max
