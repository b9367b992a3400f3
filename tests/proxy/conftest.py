"""One Kefu and, in front of it, every proxy that must work: ours in both layouts, the document's, one that strips.

Started once for the folder. Each proxy has a port of its own; `localhost` and the names of `NAMES` are on the
certificate.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from databases import execute, sibling
from kefu.cli.main import app, register
from kefu.mainsite.passwords import hash_password
from kefu.store.database import Database
from kefu.store.queries import agents
from proxy import certificates
from proxy.processes import NAMES as SETTINGS
from proxy.processes import Nginx, Process, free_ports, start_server, start_sites

DOMAIN, CHAT_DOMAIN = "shop.kefu.test", "chat.shop.kefu.test"
NAMES = [DOMAIN, f"www.{DOMAIN}", CHAT_DOMAIN, "localhost"]
SECRET = "9c2f7d61b0e84a53d7f60c1e2b3a4958f7e6d5c4"
LOGIN, PASSWORD = "ann", "correct horse battery staple"
DOCS = Path(__file__).parents[2] / "docs"
DATABASE = "proxied"


@dataclass(frozen=True)
class Front:
    """One way to the installation.

    Attributes:
        page: Base address of the pages with widget and console.
        chat: Base address of chat-server.
    """

    page: str
    chat: str

    def local(self, url: str) -> str:
        """The same address under a name that needs no resolver of ours."""
        return re.sub(r"//[^:/]+", "//localhost", url)


class Installation:
    """Kefu behind its proxies.

    Attributes:
        fronts: By name: path, subdomain, document, strip.
        http_port: Where nginx answers by http for the path layout.
        ca: File of the certificate authority.
        nginx: In front.
    """

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self._shared = {"CHAT_DATABASE_URL": database_url, "CHAT_ADMIN_JWT_SECRET": SECRET}
        (
            self.http_port, self._other_http_port, self._path_port, self._sub_port, self._sub_page_port,
            self._document_port, self._strip_port, self.caddy_port, self.chat_port, *self.site_ports,
        ) = free_ports(12)  # fmt: skip
        page = f"https://{DOMAIN}:"
        self.fronts = {
            "path": Front(f"{page}{self._path_port}", f"{page}{self._path_port}"),
            "subdomain": Front(f"{page}{self._sub_page_port}", f"https://{CHAT_DOMAIN}:{self._sub_port}"),
            "document": Front(f"{page}{self._document_port}", f"{page}{self._document_port}"),
            "strip": Front(f"{page}{self._strip_port}", f"{page}{self._strip_port}/chat"),
        }
        self.ca = certificates.make(folder, NAMES)
        self.nginx = Nginx(folder / "nginx")
        self.server: Process
        self._sites: Process | None = None

    # --- Kefu ----------------------------------------------------------------------------------------------

    def start_server(self) -> None:
        """chat-server, until it says P0_OK."""
        log = self.folder / "server.log"
        log.unlink(missing_ok=True)
        pages = [*(front.page for front in self.fronts.values()), f"https://localhost:{self.caddy_port}"]
        origins = ",".join([*pages, *(Front("", "").local(page) for page in pages)])
        self.server = start_server(
            log,
            self._shared
            | {
                "CHAT_SERVER_PORT": str(self.chat_port),
                "CHAT_ALLOWED_ORIGINS": origins,
                "ADMIN_ALLOWED_ORIGINS": origins,
                "KEFU_NEW_PER_ADDRESS_PER_HOUR": "1000",
                "KEFU_STOP_GRACE_MS": "0",
            },
        )

    def _start_sites(self) -> Process:
        """A main site for each public address that chat-server has."""
        urls = ["", self.fronts["subdomain"].chat, self.fronts["strip"].chat]
        environment = self._shared | {"CHAT_SERVER_INTERNAL_URL": f"http://127.0.0.1:{self.chat_port}"}
        return start_sites(self.folder / "sites.log", environment, list(zip(self.site_ports, urls, strict=True)))

    # --- nginx ---------------------------------------------------------------------------------------------

    def configuration(self, *arguments: str) -> str:
        """What `kefu nginx` prints for the path layout, or for other arguments."""
        chosen = arguments or ("--layout=path",)
        ports = {
            "--layout=path": (self.http_port, self._path_port),
            "--layout=subdomain": (self._other_http_port, self._sub_port),
        }
        http_port, https_port = ports.get(chosen[0], ports["--layout=path"])
        options = [
            f"--http-port={http_port}", f"--https-port={https_port}", f"--chat-port={self.chat_port}",
            f"--main-site-port={self.site_ports[0]}", f"--certificates={self.folder}", f"--webroot={self.folder}/www",
            f"--cache={self.folder}/cache-{https_port}", "--no-ipv6",
        ]  # fmt: skip
        printed = CliRunner().invoke(app, ["nginx", f"--domain={DOMAIN}", *options, *chosen])
        assert printed.exit_code == 0, printed.output
        return printed.output

    def _write_nginx(self) -> None:
        self.nginx.site("path", self.configuration("--layout=path", "--workers=2"))
        self.nginx.site("subdomain", self.configuration("--layout=subdomain"))
        self.nginx.site("subdomain-page", self._plain_server(self._sub_page_port, self.site_ports[1], ""))
        document = (Path(__file__).parent / "document.conf").read_text()
        self.nginx.site("document", self._plain_server(self._document_port, self.site_ports[0], document))
        strip = example("nginx", "nginx")
        self.nginx.site("strip", self._plain_server(self._strip_port, self.site_ports[2], strip))

    def _plain_server(self, port: int, site_port: int, locations: str) -> str:
        """A server block as people have them, with these locations in it."""
        return f"""
            server {{
                listen {port} ssl;
                server_name {DOMAIN};
                ssl_certificate {self.folder}/fullchain.pem;
                ssl_certificate_key {self.folder}/privkey.pem;
                {locations.replace(":4000", f":{self.chat_port}")}
                location / {{
                    proxy_pass http://127.0.0.1:{site_port};
                    proxy_set_header Host $http_host;
                    proxy_set_header X-Forwarded-Proto $scheme;
                }}
            }}
            """

    # --- all of it -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Everything, ready."""
        self.start_server()
        self._sites = self._start_sites()
        self._write_nginx()
        assert self.nginx.check() == ""
        self.nginx.start(self._path_port)
        self.server.until_log_has("P0_OK")
        for port in self.site_ports:
            self._sites.until_log_has(f"SITE_OK port={port}")

    def stop(self) -> None:
        """Everything."""
        self.nginx.stop()
        running = [self.server, *([self._sites] if self._sites else [])]
        for process in running:
            process.end()
        for process in running:
            process.stop()

    def accept(self, front: Front, *arguments: str, text: str = "", **environment: str) -> Result:
        """`kefu accept` for one way to the installation."""
        options = [f"--ca={self.ca}", f"--origin={front.page}"]
        named = [f"--url={front.local(front.chat)}", f"--admin-url={front.local(front.page)}"]
        known = {"CHAT_ADMIN_JWT_SECRET": SECRET} | environment
        return CliRunner().invoke(app, ["accept", *named, *options, *arguments], env=known, input=text)


def states(result: Result) -> dict[str, str]:
    """How each check of `accept --json` ended."""
    return {check["name"]: check["state"] for check in json.loads(result.stdout)["checks"]}


def example(page: str, language: str) -> str:
    """The code block of a language in a page of the docs."""
    text = (DOCS / "en" / f"{page}.md").read_text()
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return found


@pytest.fixture(scope="session")
def installation(embedded_postgres: object, migrated_template: str) -> Iterator[Installation]:
    for name in ("nginx", "accept"):
        register(name)
    admin_url, url = embedded_postgres.admin_url, embedded_postgres.url
    execute(admin_url, f"create database {DATABASE} template {migrated_template} owner chatapp")
    folder = Path(tempfile.mkdtemp(prefix="kefu-proxy-", dir="/tmp"))
    folder.chmod(0o755)
    made = Installation(folder, sibling(url, DATABASE))
    try:
        asyncio.run(add_agent(sibling(url, DATABASE)))
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)
        execute(admin_url, f"drop database {DATABASE} with (force)")


async def add_agent(url: str) -> None:
    pool = Database(url, pool_max=1)
    try:
        async with pool.engine.begin() as connection:
            await agents.add(connection, LOGIN, await hash_password(PASSWORD), "Ann 安", "admin")
    finally:
        await pool.close()


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
