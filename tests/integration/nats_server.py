"""A real NATS server on a port of its own, which can be stopped and started again."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

BINARY = Path(sys.executable).with_name("nats-server")
USER, PASSWORD = "kefu", "test-password"


class NatsServer:
    def __init__(self, *options: str) -> None:
        """`options` replace user and password."""
        with socket.create_server(("127.0.0.1", 0)) as opened:
            self.port: int = opened.getsockname()[1]
        self.url = f"nats://{USER}:{PASSWORD}@127.0.0.1:{self.port}"
        self._options = options or ("--user", USER, "--pass", PASSWORD)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [BINARY, "-a", "127.0.0.1", "-p", str(self.port), *self._options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < deadline, "nats-server does not listen"
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
