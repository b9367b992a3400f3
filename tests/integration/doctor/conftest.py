"""A healthy installation behind a proxy: both settings files, a running chat-server, a page that embeds the widget."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from integration.doctor.proxy import Faults, Proxy
from kefu.app import run_chat_server
from kefu.cli.doctor import examine
from kefu.config import Settings
from kefu.config_rules import variables
from kefu.doctor import inside, programs
from kefu.doctor.environment import FileSettings
from kefu.doctor.findings import Finding
from kefu.doctor.live import Wanted
from kefu.doctor.local import Installation
from kefu.doctor.sockets import Patience
from kefu.transport.server.serve import bind

SECRET = "7d1f0c9ab26e4458b3c2d6e8f90a1b2c3d4e5f60"
OTHER_SECRET = "0f5e4d3c2b1a09f8e6d2c3b8544e62ba9c0f1d7e"
HASTY = Patience(answer_s=3, late_s=0.8, ping_s_max=0, ping_spare_s=1)


CONFIGURATION = """
[ca]
default_ca = here
[here]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
x509_extensions = leaf
[any]
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
subjectAltName = {host}
"""


class Running:
    """A chat-server in this process."""

    def __init__(self, settings: Settings) -> None:
        self._listeners = bind("127.0.0.1", settings.port if settings.port != 4000 else 0)
        self.port = self._listeners[0].getsockname()[1]
        self._settings = settings
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        started = asyncio.Event()
        self._task = asyncio.create_task(
            run_chat_server(
                self._settings,
                sockets=self._listeners,
                install_signals=False,
                started=started.set,
                stop=self._stop,
            )
        )
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not started.is_set():
            await self._task

    async def stop(self) -> None:
        self._stop.set()
        await self._task
        for listener in self._listeners:
            listener.close()


@dataclass
class World:
    """A test breaks one thing of this and asks doctor.

    Attributes:
        chat: Lines of chat-server's settings file.
        site: Lines of the main site's.
        url: Where browsers reach it.
    """

    folder: Path
    proxy: Proxy
    chat: dict[str, str]
    site: dict[str, str]
    url: str
    page: str = ""
    workers: int = 1
    patience: Patience = HASTY
    missing: list[str] = field(default_factory=list)
    mode: int = 0o600

    def write(self) -> tuple[Path, Path]:
        files = self.folder / "chat.env", self.folder / "site.env"
        for file, lines in zip(files, (self.chat, self.site), strict=True):
            file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()), encoding="utf-8")
            file.chmod(self.mode)
        return files

    async def doctor(self, *, live: bool = True) -> list[Finding]:
        chat, site = self.write()
        installation = Installation(chat, site, self.workers, missing_files=lambda: self.missing)
        wanted = Wanted(self.url, self.page, self.patience) if live else None
        return await examine(installation, wanted)

    async def codes(self, *, live: bool = True) -> list[str]:
        return [one.code for one in await self.doctor(live=live)]


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = {name for setting in Settings.model_fields.values() for name in variables(setting)}
    for name in names & os.environ.keys():
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(inside, "REMEMBERED_S", 0.0)
    monkeypatch.setattr(programs, "CONNECT_TIMEOUT_S", 0.5)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., ssl.SSLContext]]:
    """Makes certificates for 127.0.0.1 under an authority that this process trusts."""
    folder = tmp_path_factory.mktemp("authority")

    def run(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    usage = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
    run("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "99", *usage)

    def make(name: str, *, host: str = "IP:127.0.0.1", ends: str = "20991231", by: str = "ca") -> ssl.SSLContext:
        run("req", *key, "-new", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "ca.cnf").write_text(CONFIGURATION.format(host=host))
        for file, text in (("index.txt", ""), ("serial", "01")):
            (folder / file).write_text(text)
        dates = ["-startdate", "20200101000000Z", "-enddate", f"{ends}000000Z"]
        signer = ["-cert", "ca.pem", "-keyfile", "ca.key"] if by == "ca" else ["-selfsign", "-keyfile", f"{name}.key"]
        run(
            "ca", "-batch", "-notext", "-config", "ca.cnf", *signer, *dates, "-in", f"{name}.csr", "-out", f"{name}.pem"
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
        return context

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
        yield make


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def tls_proxy(authority: Callable[..., ssl.SSLContext]) -> AsyncIterator[Proxy]:
    made = Proxy()
    await made.start(authority("good"))
    yield made
    await made.stop()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def proxy() -> AsyncIterator[Proxy]:
    made = Proxy()
    await made.start()
    yield made
    await made.stop()


@dataclass
class Place:
    """What all worlds of a module share."""

    lines: dict[str, str]
    proxy: Proxy
    tls_proxy: Proxy


Start = Callable[..., Awaitable[Running]]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def start(module_database_url: str, proxy: Proxy, tls_proxy: Proxy, tmp_path_factory) -> AsyncIterator[Start]:
    """Starts chat-servers like the module's own, with other settings."""
    running: list[Running] = []
    origins = f"http://127.0.0.1:{proxy.port},https://127.0.0.1:{tls_proxy.port},https://shop.example"

    async def run(**changes: str) -> Running:
        file = tmp_path_factory.mktemp("server") / ".env"
        lines = {
            "CHAT_DATABASE_URL": module_database_url,
            "CHAT_ADMIN_JWT_SECRET": SECRET,
            "CHAT_ALLOWED_ORIGINS": origins,
            "ADMIN_ALLOWED_ORIGINS": origins,
            "KEFU_DATA_DIR": str(file.parent),
            "KEFU_PING_INTERVAL_MS": "1001",
            "KEFU_PING_TIMEOUT_MS": "1000",
            "KEFU_DB_POOL_MAX": "3",
            "KEFU_STOP_GRACE_MS": "0",
            **changes,
        }
        file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        server = Running(FileSettings(_env_file=file))
        server.lines = lines
        running.append(server)
        await server.start()
        return server

    yield run
    await asyncio.gather(*(server.stop() for server in running))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def place(start: Start, proxy: Proxy, tls_proxy: Proxy) -> Place:
    server = await start()
    proxy.upstream = tls_proxy.upstream = server.port
    return Place({**server.lines, "CHAT_SERVER_PORT": str(server.port)}, proxy, tls_proxy)


@pytest.fixture
def world(place: Place, tmp_path: Path) -> Iterator[World]:
    url = f"http://127.0.0.1:{place.proxy.port}"
    site = {
        "CHAT_ADMIN_JWT_SECRET": SECRET,
        "CHAT_SERVER_INTERNAL_URL": f"http://127.0.0.1:{place.lines['CHAT_SERVER_PORT']}",
    }
    yield World(tmp_path, place.proxy, dict(place.lines), site, url)
    for proxy in (place.proxy, place.tls_proxy):
        proxy.faults = Faults()
