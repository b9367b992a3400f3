"""Every command of the deployment page, run in the page's order: from a bare server to HTTPS, back, and forward."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from postgres.servers import running
from proxy.processes import free_ports

from .bare_server import BareServer, refusal
from .conftest import ROOT, RunNode

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
DEBIANS_POSTGRESQL = 15
APT = shutil.which("apt-cache")
# As on Debian, but for the administrator, who need not be the system's user postgres.
HBA = "local all postgres trust\nlocal all all peer\nhost all all 127.0.0.1/32 scram-sha-256\n"

Bare = tuple[BareServer, str]


def sections(language: str) -> dict[str, list[str]]:
    """The command lines below each heading."""
    _, *parts = HEADING.split((ROOT / "docs" / language / "deployment.md").read_text(encoding="utf-8"))
    return {
        title: [line for block in BLOCK.findall(text) for line in block.splitlines()]
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    }


@dataclass
class Seen:
    """What was there at the end of a section.

    Attributes:
        printed: By its command line.
        chat: Status of chat-server's health through HTTPS; None if nobody answers.
        site: Status of the console's page, a login, through HTTPS.
        messages: Every row.
    """

    printed: dict[str, str] = field(default_factory=dict)
    chat: int | None = None
    site: int | None = None
    messages: list[str] = field(default_factory=list)

    def of(self, words: str) -> str:
        """What the line with these words printed."""
        (found,) = [text for line, text in self.printed.items() if words in line]
        return found


@pytest.fixture(scope="module")
def server(node: RunNode, built: tuple[Path, Path], leashed: dict[str, str]) -> Iterator[Bare]:
    """The bare server (`node` has installed PM2), and the address of its PostgreSQL for the administrator."""
    root = Path(tempfile.mkdtemp(prefix="kefu-server-", dir="/tmp"))
    root.chmod(0o755)
    (port,) = free_ports(1)
    try:
        with running(DEBIANS_POSTGRESQL, hba=HBA, port=port, tcp=True) as url:
            folder = re.search(r"host=([^&]+)", url)[1]
            made = BareServer(root, built[1], Path(folder), port, leashed)
            try:
                yield made, url.replace("/postgres?", "/kefu?")
            finally:
                made.stop()
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def walked(server: Bare) -> dict[str, Seen]:
    """The page, followed to its end."""
    machine, database = server
    seen = {}
    for number, (title, lines) in enumerate(sections("en").items(), start=1):
        here = seen[title] = Seen()
        for line in lines:
            here.printed[line] = machine.run(line)
        here.chat, here.site = status(machine, "/chat/health"), status(machine, "/admin/chat")
        here.messages = asyncio.run(messages(database)) if number > 3 else []
    return seen


def status(machine: BareServer, path: str) -> int | None:
    try:
        context = ssl.create_default_context(cafile=str(machine.ca))
        with urllib.request.urlopen(machine.url + path, timeout=5, context=context) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


async def messages(database: str) -> list[str]:
    connection = await asyncpg.connect(database)
    try:
        return [row[0] for row in await connection.fetch("select message::text from message order by id")]
    finally:
        await connection.close()


def has_four_lines(log: str, machine: BareServer) -> bool:
    """Whether the log has the lines that must appear, in their order."""
    lines = (
        f"SERVER_OK port={machine.chat}",
        "DB_OK host=127.0.0.1",
        "WS_OK visitor=/ws-visitor admin=/ws-admin",
        "P0_OK: chat_widget + admin_panel + message_persist",
    )
    return re.search(".*\n.*".join(map(re.escape, lines)), log) is not None


def test_both_languages_have_the_same_commands() -> None:
    english, chinese = sections("en"), sections("zh-CN")
    assert list(english.values()) == list(chinese.values())
    assert sum(map(len, english.values())) > 40


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("kefu migrate && rm -r x", "no program rm"),
        ("kefu migrate | sh", "no program sh"),
        ("PGPASSWORD=x kefu migrate", "no program PGPASSWORD=x"),
        ("tee /etc/passwd", "no place for /etc/passwd"),
        ("kefu nginx >/etc/nginxes", "no place for /etc/nginxes"),
        ("grep x /etc/nginx/../passwd", "no place for /etc/nginx/../passwd"),
        ("ln -sf /opt/kefu/bin/kefu /usr/local/bin/kefu", ""),
    ],
)
def test_a_line_that_is_not_in_the_tables_is_refused(line: str, why: str) -> None:
    assert refusal(line) == why


def test_what_is_only_recorded_names_what_there_is(server: Bare, walked: dict[str, Seen]) -> None:
    recorded = server[0].at("/var/log/recorded").read_text().splitlines()
    update, install, npm, startup = recorded
    assert (update, npm, startup) == ("apt-get update", "npm install --global pm2", "pm2 startup")
    packages = install.removeprefix("apt-get install -y ").split()
    assert packages == ["python3-venv", "postgresql", "nginx", "certbot", "npm", "curl"]
    told = subprocess.run(["apt-cache", "pkgnames"], capture_output=True, text=True, check=False) if APT else None
    known = set(told.stdout.split()) if told else set()
    if "certbot" in known:  # the lists of packages are there
        assert set(packages) <= known


def test_the_settings_are_for_their_owner_only_and_one_role_is_in_both(server: Bare, walked: dict[str, Seen]) -> None:
    files = [server[0].at(f"/etc/kefu/{name}.env") for name in ("chat-server", "main-site")]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    chat, site = ([line for line in file.read_text().splitlines() if "=postgresql" in line] for file in files)
    assert chat == site
    assert chat[0].startswith("CHAT_DATABASE_URL=postgresql://chatapp:")


def test_it_runs_under_pm2(server: Bare, walked: dict[str, Seen]) -> None:
    started = walked["4. Start"]
    assert has_four_lines(started.of("pm2 logs"), server[0])
    assert (started.chat, started.site) == (None, None)  # not from outside yet


def test_it_is_accepted_through_https_and_nothing_is_wrong(server: Bare, walked: dict[str, Seen]) -> None:
    https, accepted = walked["5. HTTPS"], walked["6. Accept"]
    assert (https.chat, https.site, https.messages) == (200, 200, [])
    report = accepted.of("accept")
    assert re.search("SERVER_OK\nDB_OK\nWS_OK .*\nP0_OK: chat_widget", report), report
    assert accepted.of("doctor") == "✓ Nothing is wrong.\n"
    assert accepted.messages
    (backup,) = server[0].at("/var/backups").iterdir()
    assert backup.stat().st_mode & 0o777 == 0o600


def test_back_and_forward_lose_nothing(walked: dict[str, Seen]) -> None:
    accepted, back, forward = walked["6. Accept"], walked["7. Roll back"], walked["8. Forward again"]
    assert (back.chat, back.site) == (404, 200)  # the main site answers, and knows no chat
    assert back.messages == accepted.messages
    assert (forward.chat, forward.site) == (200, 200)
    assert len(forward.messages) == 2 * len(accepted.messages)
    assert set(accepted.messages) < set(forward.messages)


def test_systemd_takes_over(server: Bare, walked: dict[str, Seen]) -> None:
    forward, systemd = walked["8. Forward again"], walked["With systemd instead of PM2"]
    assert has_four_lines(systemd.of("journalctl"), server[0])
    assert (systemd.chat, systemd.site) == (200, 200)
    assert set(forward.messages) < set(systemd.messages)
    assert "chat-server.env: exists, left as it is" in systemd.of("--for systemd")
    link = server[0].at("/etc/systemd/system/kefu-chat-server.service")
    assert str(link.readlink()) == "/etc/kefu/kefu-chat-server.service"
    assert "kefu-chat-server.service" in {one.name for one in link.with_name("multi-user.target.wants").iterdir()}
