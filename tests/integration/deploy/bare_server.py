"""A bare server that is a folder: a place for every path of the deployment page, and its programs.

`PLACES`, `PROGRAMS` and `BareServer.substituted` are all that differs between a line of the page and what is run here.
A line that names another path or another program is refused, so none is skipped without being seen here.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from hatch_build import node_and_npm

from proxy import certificates
from proxy.processes import NAMES, NGINX, Process, free_ports, needed

from . import systemctl
from .conftest import HERE, ROOT, UV

DOMAIN = "shop.example"
LINE_S_MAX = 120

PLACES = {
    "/opt/kefu", "/usr/local/bin", "/etc/kefu", "/etc/nginx", "/var/www/letsencrypt", "/var/backups",
    "/var/run/postgresql",
}  # fmt: skip
"""Folders of the page, each the same below the folder that is the server here."""

PROGRAMS = {
    "apt-get": "only recorded; a test looks its packages up",
    "npm": "only recorded: PM2 is installed already, from the tests' own lock",
    "pm2": "the real one, with a home here; `pm2 startup` is only recorded, it would change this machine",
    "python3": "the tests' Python",
    "kefu": "as `ln` put it into /usr/local/bin: the wheel's",
    "runuser": "what comes after --, as the role postgres of the tests' PostgreSQL",
    "nginx": "the real one, with the files here",
    "systemctl": "systemctl.py",
    "journalctl": "the log that systemctl.py keeps",
    "certbot": "certbot.py: a certificate of our own CA, after the real proof over http",
    "cd": "", "curl": "", "grep": "", "ln": "", "mkdir": "", "tee": "",
}  # fmt: skip
"""Programs of the page, and what is run in their place; where nothing is said, the machine's own."""

_PATH = re.compile(r"(?<![\w.:/*-])/[\w./-]+")
OURS = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "KEFU_ENV_FILE", "KEFU_ADMIN_URL", "VIRTUAL_ENV"}
"""Of the tests' environment; a server has none of it."""

_OPERATORS = {"&&", "||", "|", ";"}
SEE_UNITS = "import kefu.cli.first_files as files; files._HIDDEN_FROM_UNITS = (); from kefu.cli.main import run; run()"


def refusal(line: str) -> str:
    """Why a line of the page may not be run here; empty if it may."""
    for path in _PATH.findall(line):
        is_known = any(f"{path}/".startswith(f"{place}/") for place in PLACES) and ".." not in path
        if path != "/dev/null" and not is_known:
            return f"no place for {path}"
    words = list(shlex.shlex(line, posix=True, punctuation_chars=True))
    is_first = True
    for word in words:
        if is_first and word not in PROGRAMS and not word.startswith("/opt/kefu/bin/"):
            return f"no program {word}"
        is_first = word in _OPERATORS
    return ""


class BareServer:
    """The server.

    Attributes:
        root: The folder.
        url: What `https://shop.example` is here.
        chat: chat-server's port.
        site: The main site's port.
    """

    def __init__(
        self, root: Path, wheel: Path, postgres_folder: Path, postgres_port: int, leashed: dict[str, str]
    ) -> None:
        self.root = root
        self.chat, self.site, self.http, self.https = free_ports(4)
        self.url = f"https://localhost:{self.https}"
        self._cwd = root / "root"
        self._postgres_port = postgres_port
        self._leashed = leashed
        for place in (*PLACES, "/root", "/run", "/var/log", "/var/cache", "/ca", "/etc/nginx/sites-available",
                      "/etc/nginx/sites-enabled"):  # fmt: skip
            if place not in ("/opt/kefu", "/etc/kefu", "/var/www/letsencrypt", "/var/run/postgresql"):
                self.at(place).mkdir(parents=True, exist_ok=True)
        self.at("/var/run").mkdir()
        self.at("/var/run/postgresql").symlink_to(postgres_folder)
        (self._cwd / wheel.name).hardlink_to(wheel)
        self.ca = certificates.make(self.at("/ca"), [DOMAIN, f"www.{DOMAIN}", "localhost"])
        self._write_programs()
        self._nginx = self._start_nginx()

    def at(self, place: str) -> Path:
        """Where a path of the page is here."""
        return self.root / place.removeprefix("/")

    def run(self, line: str) -> str:
        """Runs a line of the page as a person would, in the folder where the last one left them.

        Returns:
            What it printed, errors last.
        """
        assert not (problem := refusal(line)), f"{problem}: {line}"
        left_in = self.at("/run/cwd")
        done = subprocess.run(
            ["bash", "-c", f"{self.substituted(line)}\nstatus=$?; pwd > {left_in}; exit $status"],
            cwd=self._cwd, env=self._environment(), capture_output=True, text=True, timeout=LINE_S_MAX, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self._cwd = Path(left_in.read_text().strip())
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}\n{self._logs()}"
        return done.stdout + done.stderr

    def substituted(self, line: str) -> str:
        """The line as it is run here: the table of everything that is not as on a real server."""
        for place in PLACES:
            line = re.sub(rf"(?<![\w.:/*-]){place}(?![\w-])", str(self.at(place)), line)
        line = line.replace(f"https://{DOMAIN}", self.url)  # this machine cannot resolve the name
        line = line.replace("http://127.0.0.1:4000", f"http://127.0.0.1:{self.chat}")
        line = line.replace("http://127.0.0.1:3000", f"http://127.0.0.1:{self.site}")
        if " init " in line:  # free ports, and a heartbeat for which doctor need not wait 25 seconds
            line = line.replace(f"--domain {DOMAIN}", f"--domain {self.url}")
            if "--for pm2" in line:
                files = " ".join(str(self.at(f"/etc/kefu/{name}.env")) for name in ("chat-server", "main-site"))
                line += f" && echo {shlex.quote(self._added_settings())} | tee -a {files} > /dev/null"
            else:  # the units of a server see nothing of /tmp, where this one is
                line = line.replace("kefu init", f"{self.at('/opt/kefu')}/bin/python -c '{SEE_UNITS}' init", 1)
        if f" nginx --domain {DOMAIN}" in line:
            line = line.replace(f"--domain {DOMAIN}", f"--domain {DOMAIN} {self._nginx_options()}")
        if "/pip install" in line:  # the locked versions, out of uv's cache
            program = self.at("/opt/kefu/bin/pip")
            locked = f"{UV} pip install --quiet --python {program.with_name('python')}"
            line = line.replace(f"{program} install", f"{locked} -c {ROOT / 'requirements/runtime.txt'}")
        return line

    def stop(self) -> None:
        """Ends everything that a line may have started."""
        for file in self.at("/run").glob("kefu-*.pid"):
            systemctl.stop(file)
        subprocess.run(
            [self.at("/usr/local/bin/pm2"), "kill"], env=self._environment(), capture_output=True, check=False
        )
        self._nginx.stop()

    def _logs(self) -> str:
        """What the programs said, for who reads a failure."""
        files = [*self.at("/root/.pm2/logs").glob("*.log"), *self.at("/var/log").glob("*.log")]
        return "\n".join(f"--- {file.name}\n{file.read_text()[-2000:]}" for file in files)

    def _added_settings(self) -> str:
        return "\n".join((
            f"CHAT_SERVER_PORT={self.chat}", f"KEFU_SITE_PORT={self.site}",
            f"CHAT_SERVER_INTERNAL_URL=http://127.0.0.1:{self.chat}",
            "KEFU_PING_INTERVAL_MS=2000", "KEFU_PING_TIMEOUT_MS=1500",
        ))  # fmt: skip

    def _nginx_options(self) -> str:
        return (
            f"--http-port {self.http} --https-port {self.https} --no-ipv6 --webroot {self.at('/var/www/letsencrypt')}"
            f" --certificates {self.at('/etc/letsencrypt/live')}/{DOMAIN} --cache {self.at('/var/cache/kefu')}"
        )

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in NAMES | OURS}
        trust = {"SSL_CERT_FILE": str(self.ca), "CURL_CA_BUNDLE": str(self.ca)}
        path = f"{self.at('/usr/local/bin')}:/usr/sbin:/usr/bin:/sbin:/bin"
        own = {"PATH": path, "PM2_HOME": str(self.at("/root/.pm2")), "COLUMNS": "120", "LC_ALL": "C.UTF-8"}
        return kept | trust | self._leashed | own

    def _write_programs(self) -> None:
        node, root = node_and_npm()[0], self.root
        recorded = f'echo "$(basename "$0") $*" >> {self.at("/var/log/recorded")}'
        self._write("apt-get", recorded)
        self._write("npm", recorded)
        self._write(
            "pm2",
            f'export PATH="{Path(node).parent}:$PATH"\n[ "$1" = startup ] && {{ {recorded}; exit; }}\n'
            f'exec {node} {HERE}/node_modules/pm2/bin/pm2 "$@"',
        )
        self._write("python3", f'exec {sys.executable} "$@"')
        self._write(
            "runuser",
            '[ "$1 $2 $3" = "-u postgres --" ] || exit 2\nshift 3\n'
            f'PGUSER=postgres PGPORT={self._postgres_port} exec "$@"',
        )
        configuration = f"-p {root} -c {self.at('/etc/nginx/nginx.conf')} -e {self.at('/var/log/nginx.log')}"
        self._write("nginx", f'exec {needed("nginx")} {configuration} "$@"')
        outside = "PATH=/usr/bin:/bin:$PATH"  # the real systemctl
        self._write("systemctl", f'{outside} exec {sys.executable} {HERE}/systemctl.py {root} "$@"')
        self._write("journalctl", f'[ "$1" = -u ] && exec cat {self.at("/var/log")}/"$2".log')
        self._write("certbot", f'exec {sys.executable} {HERE}/certbot.py {root} {self.http} "$@"')

    def _write(self, name: str, text: str) -> None:
        file = self.at(f"/usr/local/bin/{name}")
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def _start_nginx(self) -> Process:
        """As Debian starts it when it is installed; without Debian's page on port 80."""
        user = "user root;" if os.geteuid() == 0 else ""
        text = NGINX.format(folder=self.at("/run"), user=user)
        text = text.replace(f"{self.at('/run')}/sites/*.conf", f"{self.at('/etc/nginx/sites-enabled')}/*")
        self.at("/etc/nginx/nginx.conf").write_text(text)
        return Process([str(self.at("/usr/local/bin/nginx"))], self.at("/var/log/nginx-output.log"), self._leashed)
