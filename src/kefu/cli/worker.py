"""One worker process: gets its place from the supervisor over a socket, serves, and ends when it is told or left alone.

Run as `python -m kefu.cli.worker FD`; the settings come over that descriptor, so that no secret is in an argument or an
environment.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec
from pydantic import SecretStr

from kefu import logs
from kefu.app import run_chat_server
from kefu.cli.running import run, settle
from kefu.config import Settings, load_settings
from kefu.transport.server.workers import Worker


class Assignment(msgspec.Struct):
    """What a worker is told at its start.

    Attributes:
        settings: By attribute name, secrets in plain text.
        number: The worker's, from 0.
        folder: Where the workers' Unix sockets are.
        descriptors: Inherited listening sockets: its own Unix socket, then those of the port.
    """

    settings: dict[str, Any]
    number: int
    folder: str
    descriptors: list[int]


def assignment(settings: Settings, number: int, folder: Path, descriptors: list[int]) -> bytes:
    """An assignment as it goes over the socket. Each worker has an internal port of its own, counted upwards."""
    values = {name: _plain(getattr(settings, name)) for name in Settings.model_fields}
    if settings.internal_port is not None:
        values["internal_port"] = settings.internal_port + number
    return msgspec.json.encode(Assignment(values, number, str(folder), descriptors)) + b"\n"


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, Path) else value


def main() -> None:
    """Entry point of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    with control.makefile("rb") as lines:
        told = msgspec.json.decode(lines.readline(), type=Assignment)
    control.setblocking(False)
    run(_serve(told, control))


async def _serve(told: Assignment, control: socket.socket) -> None:
    settings = load_settings(_env_file=None, **told.settings)
    logs.configure(settings.log_level)
    door, *listeners = [socket.socket(fileno=descriptor) for descriptor in told.descriptors]
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    # Nothing more is ever said over the socket: it can be read when the supervisor is gone.
    loop.add_reader(control, stop.set)

    def served() -> None:
        control.send(b"1")
        settle()

    await run_chat_server(
        settings,
        sockets=[*listeners, door],
        install_signals=False,
        started=served,
        stop=stop,
        worker=Worker(told.number, Path(told.folder)),
    )


if __name__ == "__main__":
    main()
