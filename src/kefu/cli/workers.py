"""Several chat-server processes on one port: started, proved, started again when they die, stopped together.

The supervisor keeps the port and every worker's listening sockets, so that connections which come while a worker is
being started again wait for it. It serves nothing itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kefu import proof
from kefu.api.files import Files
from kefu.app import prove_all
from kefu.cli import worker
from kefu.config import Settings, check_server, reveal
from kefu.logs import announce
from kefu.mainsite.serve import PortError
from kefu.proof import StartError
from kefu.store.database import Database
from kefu.transport.server.serve import bind

log = logging.getLogger(__name__)

WORKERS_MAX = 64
RESTART_DELAY_S = 0.5
STOP_MARGIN_S = 3.0
"""Beyond the workers' own deadline for a clean stop; then they are killed."""
_BACKLOG = 256


@dataclass(frozen=True, slots=True)
class SharedPort:
    """A port that workers share.

    Attributes:
        listeners: A list of listening sockets for each worker, all on the same port.
        doors: Each worker's Unix socket, where the others pass requests on to it.
        folder: Where the doors are.
    """

    listeners: list[list[socket.socket]]
    doors: list[socket.socket]
    folder: Path


@contextlib.contextmanager
def shared_port(host: str, port: int, count: int, variable: str) -> Iterator[SharedPort]:
    """Takes a port for so many workers.

    Every program of this user could join a shared port, so a lock file tells another server from a worker, and a first
    try without sharing finds programs that know no such file.

    Raises:
        PortError: With one line that names the setting to change.
    """
    with contextlib.ExitStack() as stack:
        try:
            _lock(port, stack)
            for probe in bind(host, port):
                probe.close()
            listeners = [bind(host, port, shared=True) for _ in range(count)]
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EWOULDBLOCK):
                raise PortError(f"port {port} is in use by another program: stop it, or set {variable}") from None
            raise PortError(f"cannot listen on {host} port {port}: {error.strerror}; see {variable}") from None
        for own in listeners:
            for listener in own:
                stack.callback(listener.close)
        folder = Path(tempfile.mkdtemp(prefix="kefu-workers-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        doors = [_door(folder / f"{number}.sock") for number in range(count)]
        for door in doors:
            stack.callback(door.close)
        yield SharedPort(listeners, doors, folder)


def _lock(port: int, stack: contextlib.ExitStack) -> None:
    file = Path(tempfile.gettempdir()) / f"kefu-{os.getuid()}-{port}.lock"
    opened = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    stack.callback(os.close, opened)
    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _door(path: Path) -> socket.socket:
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(str(path))
    door.listen(_BACKLOG)
    door.setblocking(False)
    return door


async def run_workers(
    settings: Settings,
    port: SharedPort,
    *,
    stop: asyncio.Event,
    started: Callable[[], None] | None = None,
    strict: bool = False,
) -> None:
    """Runs a worker for each of the port's places until `stop`.

    Args:
        settings: With `database_url`, `nats_url` and secrets set.
        port: From `shared_port`.
        stop: Stops all when set.
        started: Called once when all serve and that is proved.
        strict: Refuse a database role with more rights than are needed, instead of a warning.

    Raises:
        ConfigError: If the settings are wrong.
        StartError: If a check at the start fails, or a worker ends before it ever served; its line has been printed.
    """
    check_server(settings)
    database = Database(reveal(settings.database_url) or "", pool_max=2)
    places = [_Place(settings, port, number, stop) for number in range(len(port.doors))]
    tasks: list[asyncio.Task[None]] = []
    try:
        await proof.database(database)
        await proof.rights(database, strict=strict)
        await proof.connections(database, settings, workers=len(places))
        tasks = [asyncio.create_task(place.keep(), name=f"worker {place.number}") for place in places]
        ready = asyncio.create_task(_all_ready(places))
        await asyncio.wait([*tasks, ready], return_when=asyncio.FIRST_COMPLETED)
        if ready.done() and not stop.is_set():
            await prove_all(settings, database, Files(), port.listeners[0][0])
            announce(f"WORKERS_OK {len(places)}")
            if started is not None:
                started()
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
    finally:
        stop.set()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await database.close()
    for result in ended:
        if isinstance(result, BaseException):
            raise result


async def _all_ready(places: list[_Place]) -> None:
    for place in places:
        await place.ready.wait()


class _Place:
    """One worker's place, and the process that has it now.

    Attributes:
        ready: Set when a process first served here.
    """

    def __init__(self, settings: Settings, port: SharedPort, number: int, stop: asyncio.Event) -> None:
        self.number = number
        self.ready = asyncio.Event()
        self._settings = settings
        self._port = port
        self._stop = stop

    async def keep(self) -> None:
        """Keeps a process here until the stop.

        Raises:
            StartError: One ended before any served.
        """
        while not self._stop.is_set():
            status = await self._run()
            if self._stop.is_set():
                return
            if not self.ready.is_set():
                raise StartError(f"worker {self.number} did not start")
            log.warning("worker %d ended with %s; it is started again", self.number, status)
            await asyncio.sleep(RESTART_DELAY_S)

    async def _run(self) -> int:
        """Runs one process to its end, which is ours to bring about once `stop` is set."""
        control, theirs = socket.socketpair()
        inherited = [theirs, self._port.doors[self.number], *self._port.listeners[self.number]]
        numbers = [opened.fileno() for opened in inherited]
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", worker.__name__, str(theirs.fileno()), pass_fds=numbers, start_new_session=True
            )
        control.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=control)
        try:
            writer.write(worker.assignment(self._settings, self.number, self._port.folder, numbers[1:]))
            told = asyncio.create_task(reader.read(1))
            ending = asyncio.create_task(process.wait())
            stopping = asyncio.create_task(self._stop.wait())
            await asyncio.wait({told, ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if told.done() and told.result():
                self.ready.set()
            await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await self._end(process, ending)
            told.cancel()
            stopping.cancel()
            return process.returncode or 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            writer.close()

    async def _end(self, process: asyncio.subprocess.Process, ending: asyncio.Task[int]) -> None:
        """Asks for a clean stop and waits for it as long as it may take."""
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await asyncio.wait({ending}, timeout=self._settings.stop_deadline_s + STOP_MARGIN_S)
