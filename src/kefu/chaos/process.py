"""The server as a process that is killed without warning and started again.

Either one that already runs (started again as it was), or a command, or an installation of our own in a temporary
folder, with limits so high that only faults are measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psutil

READY_S_MAX = 60.0
STOP_S_MAX = 30.0
_POLL_S = 0.05
_PROGRAM = "import sys; sys.argv[0] = 'kefu'; from kefu.cli.main import run; run()"
_UNLIMITED = {
    "CHAT_WS_RATE_PER_MIN": "1000000",
    "KEFU_WS_RATE_BURST": "1000000",
    "KEFU_ADDRESS_RATE_PER_MIN": "1000000",
    "KEFU_NEW_PER_ADDRESS_PER_HOUR": "1000000",
}


class ServerError(RuntimeError):
    """The server cannot be started, found, or did not become ready; the message is for people."""


class ServerProcess:
    """A server that can be killed and started again.

    Args:
        url: Where it answers.
        arguments: What starts it.
        environment: Its variables; ours if None.
        folder: Where it starts.
        log: Where its output goes; nowhere if None.

    Attributes:
        kills: How often it was killed.
    """

    def __init__(
        self,
        url: str,
        arguments: list[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
        log: Path | None = None,
    ) -> None:
        self.url = url
        self.kills = 0
        self._arguments = arguments
        self._environment = environment
        self._folder = folder
        self._log = log
        self._process: subprocess.Popen[bytes] | psutil.Process | None = None

    @property
    def pid(self) -> int:
        """The process id of the server that runs now."""
        assert self._process is not None
        return self._process.pid

    @classmethod
    def running(cls, url: str, pid: int) -> ServerProcess:
        """A server that runs already; after a kill it is started as it was: command, variables, folder.

        Raises:
            ServerError: There is no such process, or it may not be looked at.
        """
        try:
            found = psutil.Process(pid)
            server = cls(url, found.cmdline(), environment=found.environ(), folder=found.cwd())
        except psutil.Error as error:
            raise ServerError(f"process {pid}: {type(error).__name__}") from None
        server._process = found
        return server

    @classmethod
    def command(cls, url: str, line: str) -> ServerProcess:
        """A server that this command line starts; it must stay in the foreground."""
        return cls(url, shlex.split(line))

    def start(self) -> None:
        """Starts it; nothing happens if it runs.

        Raises:
            ServerError: It cannot be started.
        """
        if self._process is not None:
            return
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(self._log.open("ab")) if self._log else subprocess.DEVNULL
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the operator's own command
                    self._arguments, env=self._environment, cwd=self._folder, stdout=output, stderr=output
                )
            except OSError as error:
                raise ServerError(f"{self._arguments[0]}: {error.strerror}") from None

    async def kill(self) -> None:
        """SIGKILL: it gets no chance to finish anything."""
        if self._process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._process.kill()
                while _lives(self._process):  # noqa: ASYNC110 - another's child tells only its parent
                    await asyncio.sleep(_POLL_S)
            self._process = None
            self.kills += 1

    async def stop(self) -> None:
        """Ends it politely, if it is ours."""
        process, self._process = self._process, None
        if isinstance(process, subprocess.Popen):
            process.terminate()
            try:
                await asyncio.to_thread(process.wait, STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                await asyncio.to_thread(process.wait)

    async def until_ready(self) -> None:
        """Waits until it can store messages.

        Raises:
            ServerError: It ended, or took too long.
        """
        try:
            async with asyncio.timeout(READY_S_MAX):
                while not await is_ready(self.url):
                    if isinstance(self._process, subprocess.Popen) and self._process.poll() is not None:
                        raise ServerError(f"the server ended with status {self._process.returncode}{self._words()}")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise ServerError(f"the server was not ready in {READY_S_MAX:g} s{self._words()}") from None

    def _words(self) -> str:
        if self._log is None:
            return ""
        return ": " + " | ".join(self._log.read_text(errors="replace").strip().splitlines()[-3:])


@contextlib.asynccontextmanager
async def own_installation(secret: str, folder: Path | None = None) -> AsyncIterator[ServerProcess]:
    """`kefu up` on free ports and a database of its own, gone afterwards.

    Args:
        secret: Its `CHAT_ADMIN_JWT_SECRET`.
        folder: Where its files are; a temporary folder if None.
    """
    home = folder or Path(tempfile.mkdtemp(prefix="kefu-chaos-"))
    home.chmod(0o755)  # as root, PostgreSQL runs as somebody else
    chat, site = _free_ports(2)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CHAT_", "KEFU_"))}
    environment |= _UNLIMITED | {
        "CHAT_SERVER_PORT": str(chat),
        "KEFU_SITE_PORT": str(site),
        "CHAT_ADMIN_JWT_SECRET": secret,
        "KEFU_ADMIN_PASSWORD": secrets.token_urlsafe(),
        "KEFU_DATA_DIR": str(home / "data"),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    server = ServerProcess(
        f"http://127.0.0.1:{chat}",
        [sys.executable, "-c", _PROGRAM, "up"],
        environment=environment,
        folder=str(home),
        log=home / "server.log",
    )
    try:
        server.start()
        yield server
    finally:
        await server.stop()
        if folder is None:
            shutil.rmtree(home, ignore_errors=True)


async def is_ready(url: str) -> bool:
    """Whether the server at this address can store messages, by `GET /chat/ready`."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    request = f"GET {parts.path.rstrip('/')}/chat/ready HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(
                parts.hostname, parts.port or (443 if secure else 80), ssl=secure or None
            )
            try:
                writer.write(request.encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _lives(process: subprocess.Popen[bytes] | psutil.Process) -> bool:
    """Whether it still runs; a dead one that its parent has not buried does not."""
    if isinstance(process, subprocess.Popen):
        return process.poll() is None
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
