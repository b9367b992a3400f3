"""The programs behind and in front: Kefu's two, nginx and Caddy. Each is ended by its own process id."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import kefu
from kefu.config import Settings
from kefu.config_rules import variables

KEFU = "import sys; sys.argv[0] = 'kefu'; from kefu.cli.main import run; run()"
SITES = """
import asyncio, json, sys
from kefu import logs
from kefu.config import load_settings
from kefu.mainsite.serve import run_site

async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(15, stop.set)
    await asyncio.gather(*(
        run_site(
            load_settings(site_port=port, server_public_url=url), install_signals=False, stop=stop,
            started=lambda port=port: logs.announce(f"SITE_OK port={port}"),
        )
        for port, url in json.loads(sys.argv[1])
    ))

asyncio.run(main())
"""
NAMES = {name for field in Settings.model_fields.values() for name in variables(field)}
START_S_MAX = 40.0
STOP_S_MAX = 20.0

NGINX = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server_names_hash_bucket_size 128;
    # As careless as an nginx can be: what must not be compressed has to say so itself.
    gzip on;
    gzip_min_length 1;
    gzip_proxied any;
    gzip_types *;
    include {folder}/sites/*.conf;
}}
"""


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def until(is_so: Callable[[], object], what: str, seconds: float = START_S_MAX) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"{what}, after {seconds:g} s"
        time.sleep(0.03)


def listens(port: int) -> bool:
    """Whether somebody takes connections on a port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def needed(program: str) -> str:
    """A program that `.ci/run` installs."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    assert path, f"these tests need {program} (Debian: apt-get install nginx caddy libnss3-tools openssl)"
    return path


class Process:
    """A program that runs."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self.log = log
        inherited = {name: value for name, value in os.environ.items() if name not in NAMES}
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=log.parent, env=inherited | (environment or {})
            )

    def until_log_has(self, words: str) -> None:
        """Waits for a line."""

        def has() -> bool:
            assert self._process.poll() is None, self.log.read_text()
            return words in self.log.read_text()

        until(has, f"no {words!r} in {self.log}")

    def signal(self, number: int) -> None:
        """Sends a signal."""
        self._process.send_signal(number)

    def end(self) -> None:
        """Asks it to end."""
        if self._process.poll() is None:
            self.signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ends it, and waits until it has. Safe to call twice."""
        self.end()
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def start_server(log: Path, environment: dict[str, str]) -> Process:
    """`kefu server`."""
    return Process([sys.executable, "-c", KEFU, "server"], log, environment | _own_path())


def start_sites(log: Path, environment: dict[str, str], sites: list[tuple[int, str]]) -> Process:
    """Main sites, each on a port and with an address of chat-server for browsers; in one process, to save time."""
    return Process([sys.executable, "-c", SITES, json.dumps(sites)], log, environment | _own_path())


def _own_path() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(kefu.__file__).parents[1])}


class Nginx:
    """An nginx in a folder of its own, on ports that need no rights."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: Process | None = None
        (folder / "sites").mkdir(parents=True)
        user = "user root;" if os.geteuid() == 0 else ""  # so that workers may enter the test's folder
        self._errors = str(folder / "error.log")  # else it opens the one that it was built with, which may be forbidden
        self._configuration = folder / "nginx.conf"
        self._configuration.write_text(NGINX.format(folder=folder, user=user))

    def site(self, name: str, text: str) -> None:
        """Writes, or replaces, one file that nginx includes."""
        (self.folder / "sites" / f"{name}.conf").write_text(text)

    def check(self) -> str:
        """`nginx -t`; what it says besides that all is well."""
        command = [
            needed("nginx"),
            "-t",
            "-q",
            "-e",
            self._errors,
            "-p",
            str(self.folder),
            "-c",
            str(self._configuration),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def start(self, port: int) -> None:
        """Starts, and waits until it listens."""
        command = [needed("nginx"), "-e", self._errors, "-p", str(self.folder), "-c", str(self._configuration)]
        self._process = Process(command, self.folder / "output.log")
        until(lambda: listens(port), f"nginx does not listen: {(self.folder / 'output.log').read_text()}")

    def reload(self) -> None:
        """Reads the configuration again, as `systemctl reload nginx` does."""
        assert self._process is not None
        self.check()
        self._process.signal(signal.SIGHUP)

    def stop(self) -> None:
        """Ends it."""
        if self._process is not None:
            self._process.stop()


def start_caddy(folder: Path, caddyfile: str, port: int) -> Process:
    """A Caddy with this file."""
    folder.mkdir()
    (folder / "Caddyfile").write_text("{\n    admin off\n    auto_https disable_redirects\n}\n" + caddyfile)
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = [needed("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    caddy = Process(command, folder / "caddy.log", home)
    try:
        until(lambda: listens(port), f"Caddy does not listen: {(folder / 'caddy.log').read_text()}", 15)
    except AssertionError:
        caddy.stop()
        raise AssertionError((folder / "caddy.log").read_text()) from None
    return caddy
