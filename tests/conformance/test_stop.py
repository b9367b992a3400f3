"""A server of its own process, stopped by a signal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from raw_socket import CLOSE, RawSocket

APP = Path(__file__).with_name("echo_app.py")
SOURCES = Path(__file__).parents[2] / "src"


@pytest.mark.parametrize("loop", ["--uvloop", "--asyncio"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_close_with_1012(loop, number):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(APP),
        loop,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )
    port = int(await asyncio.wait_for(process.stdout.readline(), 20))
    raw = await RawSocket.connect(port)
    raw.send(b'421["echo",1]')
    assert await raw.text() == b'42["echo",1]'
    began = time.monotonic()
    process.send_signal(number)
    assert await raw.text() == b"431[1]"
    assert await raw.close_code() == 1012
    raw.send((1012).to_bytes(2, "big"), CLOSE)
    _, errors = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert errors == b""
    assert time.monotonic() - began < 2
