"""Whether what chat-server and the main site lean on is there: ports, each other, the bus, the embedded PostgreSQL."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from urllib.parse import quote

from kefu import config_rules
from kefu.bus.nats_connection import Server, connect, servers
from kefu.config import Settings, reveal
from kefu.doctor.findings import Finding, finding
from kefu.doctor.request import Target, ask
from kefu.doctor.server_url import HEALTH, told
from kefu.store.embedded_cluster import CLUSTER, DATABASE, ROLE
from kefu.store.embedded_place import HOME, INSTALLATION, SOCKET_NAME, EmbeddedPostgresError, read_record

CONNECT_TIMEOUT_S = 3.0
EMBEDDED_MAJOR = INSTALLATION.removeprefix("pginstall")
_ALL_INTERFACES = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


async def check_port(host: str, port: int, setting: str, service: str) -> list[Finding]:
    """Whether a port is free, or held by the program that should have it.

    Args:
        host: Address that the program listens on.
        port: The port.
        setting: Its variable.
        service: What that program calls itself at `/health`.
    """
    if not _is_taken(host, port):
        return []
    target = Target.of(f"http://{_for_url(_ALL_INTERFACES.get(host, host))}:{port}")
    try:
        found = told(await ask(target, "/health", timeout_s=CONNECT_TIMEOUT_S)).get("service")
    except OSError:
        found = None
    return [] if found == service else [finding("port_taken", port=port, setting=setting)]


def _is_taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


async def check_internal_url(url: str, file: str) -> list[Finding]:
    """Whether the main site's server reaches chat-server.

    Args:
        url: `CHAT_SERVER_INTERNAL_URL`.
        file: Where it is written, for the hint.
    """
    if not url:
        return [finding("internal_url_unset", file=file)]
    try:
        answer = await ask(Target.of(url), HEALTH, timeout_s=CONNECT_TIMEOUT_S)
    except OSError as error:
        reason = "timeout" if isinstance(error, TimeoutError) else error.strerror or str(error)
        return [finding("internal_url_silent", url=url, reason=reason, file=file)]
    if answer.status == 200 and told(answer).get("service") == "chat-server":
        return []
    return [finding("internal_url_other", url=url, status=answer.status, file=file)]


async def check_bus(settings: Settings, workers: int) -> list[Finding]:
    """Whether NATS is there, if it is wanted."""
    url = reveal(settings.nats_url)
    if url is None:
        return [finding("nats_unset", workers=workers)] if workers > 1 else []
    if problems := config_rules.bus(url):
        return [finding("nats_address", problem=problems[0])]
    found = servers(url)
    where = ", ".join(f"{server.host}:{server.port}" for server in found)
    problem = await _connect(found)
    if problem is None:
        return []
    code = "nats_refused" if "authorization" in problem.lower() else "nats_unreachable"
    return [finding(code, where=where, reason=problem)]


async def _connect(found: list[Server]) -> str | None:
    """Why none of the servers lets us in, in the last one's words; None if one does."""
    problem = None
    for server in found:
        try:
            (await connect(server, lambda _data: None)).abort()
        except TimeoutError:
            problem = "timeout"
        except OSError as error:
            problem = error.strerror or str(error)
        else:
            return None
    return problem


def check_embedded(data_dir: Path) -> list[Finding]:
    """Whether the folder of the embedded PostgreSQL is one that this version can start."""
    home = data_dir / HOME
    try:
        entries = {entry.name for entry in home.iterdir()}
        cluster = home / CLUSTER
        found = (cluster / "PG_VERSION").read_text().strip() if CLUSTER in entries else None
    except OSError:
        return []  # there is none, or it belongs to PostgreSQL's user, as it should
    if found is None:
        return [finding("embedded_foreign", folder=home)] if entries else []
    if found == EMBEDDED_MAJOR:
        return []
    return [finding("embedded_version", folder=cluster, found=found, needed=EMBEDDED_MAJOR)]


def embedded_url(data_dir: Path) -> str | None:
    """The address of an embedded PostgreSQL that runs; None if none does, or it is not ours to enter."""
    try:
        record = read_record(data_dir)
    except EmbeddedPostgresError:
        return None
    if record is None or not Path(record.socket_dir, SOCKET_NAME).exists():
        return None
    return f"postgresql://{ROLE}:{record.role_password}@/{DATABASE}?host={quote(record.socket_dir, safe='/')}"


def _for_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
