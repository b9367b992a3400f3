"""The example of `docs/*/transport.md` is a server that works."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from raw_socket import RawSocket

DOCS = Path(__file__).parents[2] / "docs"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
async def test_it_runs_as_it_stands(language):
    page = (DOCS / language / "transport.md").read_text()
    program = page.split("```python\n")[1].split("```")[0].replace("port=3000", "port=0")
    process = await asyncio.create_subprocess_exec(sys.executable, "-uc", program, stdout=-1)
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), 20))
        raw = await RawSocket.open(port, WEBSOCKET)
        assert (await raw.text()).startswith(b"0{")
        raw.send(b'40/custom,{"token":"t"}')
        assert (await raw.text()).startswith(b"40/custom,{")
        assert await raw.text() == b'42/custom,["auth",{"token":"t"}]'
        raw.send(b'42/custom,7["ask",1]')
        assert await raw.text() == b"43/custom,7[1]"
        assert b" 404 " in await RawSocket.get(port)
        raw.drop()
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)
    assert process.returncode == 0
