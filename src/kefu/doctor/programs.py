"""Whether what chat-server and the main site lean on is there: ports, each other, the bus, the embedded PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from pathlib import Path
from urllib.parse import quote, urlsplit

import nats.errors
from nats.aio.client import Client

from kefu import config_rules
from kefu.config import Settings, reveal
from kefu.doctor.findings import Finding, finding
from kefu.doctor.request import Target, ask
from kefu.doctor.server_url import HEALTH, told
from kefu.store.embedded_cluster import CLUSTER, DATABASE, ROLE
from kefu.store.embedded_place import HOME, INSTALLATION, SOCKET_NAME, EmbeddedPostgresError, read_record

CONNECT_TIMEOUT_S = 3.0
CONNECT_TIMEOUT_WHOLE_S = 3
NATS_PORT = 4222
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
    servers = [server.strip() for server in url.split(",")]
    where = ", ".join(urlsplit(server).netloc.rpartition("@")[2] for server in servers)
    problem = await _connect(servers)
    if problem is None:
        return []
    code = "nats_refused" if "authorization" in problem.lower() else "nats_unreachable"
    return [finding(code, where=where, reason=problem)]


async def _connect(servers: list[str]) -> str | None:
    """Why none of the servers lets us in; None if one does."""
    problem = None
    for server in servers:  # the client itself would try again and again without a word
        parts = urlsplit(server)
        problem = await _unreachable(parts.hostname or "", parts.port or NATS_PORT)
        if problem is None:
            return await _join(server)
    return problem


async def _unreachable(host: str, port: int) -> str | None:
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return "timeout" if isinstance(error, TimeoutError) else error.strerror or str(error)
    writer.close()
    return None


async def _join(server: str) -> str | None:
    heard: list[str] = []

    async def failed(error: Exception) -> None:
        heard.append(str(error) or type(error).__name__)

    client = Client()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await client.connect(
                server,
                allow_reconnect=False,
                error_cb=failed,
                connect_timeout=CONNECT_TIMEOUT_WHOLE_S,
            )
            await client.flush()
    except TimeoutError:
        return heard[-1] if heard else "timeout"
    except (OSError, nats.errors.Error) as error:
        return next((text for text in heard if "authorization" in text.lower()), str(error) or type(error).__name__)
    finally:
        client._error_cb = _ignore  # noqa: SLF001 - what fails while it closes is of no interest
        with contextlib.suppress(Exception):  # a connection that never was may fail to close in any way
            await client.close()
    return None


async def _ignore(_: Exception) -> None:
    pass


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
