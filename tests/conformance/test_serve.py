"""Servers in one event loop: starting, stopping, ports."""

from __future__ import annotations

import asyncio

import echo_app
import pytest
from raw_socket import CLOSE, RawSocket

from kefu.transport.server.serve import TransportServer, WebServer, bind, serve


async def test_two_servers_share_a_loop():
    echo, ports, stopped = echo_app.Echo(), {}, []
    transport = TransportServer({"/ws-visitor": echo})

    async def goodbye():
        echo.rooms.broadcast("all", echo_app.encode_event("server_restart", {"reconnectInMs": 1}))
        stopped.append(len(transport.connections["/ws-visitor"]))

    chat = WebServer(
        transport.asgi(echo_app.inner_app),
        transport=transport,
        on_started=lambda port: ports.update(chat=port),
        on_stopping=goodbye,
        install_signals=False,
    )
    site = WebServer(echo_app.inner_app, on_started=lambda port: ports.update(site=port), install_signals=False)
    tasks = [asyncio.create_task(server.serve(bind("127.0.0.1", 0))) for server in (chat, site)]
    while len(ports) < 2:  # noqa: ASYNC110 (two callbacks)
        await asyncio.sleep(0.005)
    raw = await RawSocket.connect(ports["chat"])
    assert (await RawSocket.get(ports["site"])).endswith(b"inner")
    chat.stop()
    assert await raw.text() == b'42["server_restart",{"reconnectInMs":1}]'
    assert await raw.close_code() == 1012
    raw.send((1012).to_bytes(2, "big"), CLOSE)
    await tasks[0]
    assert stopped == [1]
    assert (await RawSocket.get(ports["site"])).endswith(b"inner")
    site.stop()
    await tasks[1]
    with pytest.raises(ConnectionRefusedError):
        await RawSocket.dial(ports["chat"])


async def test_a_failing_goodbye_does_not_stop_the_stop(run_server, caplog):
    server = await run_server()

    async def fail():
        raise RuntimeError

    server.web._on_stopping = fail
    raw = await RawSocket.connect(server.port)
    stop = asyncio.create_task(server.stop())
    assert await raw.close_code() == 1012
    raw.drop()
    await stop
    assert "on_stopping failed" in caplog.text


async def test_who_does_not_answer_the_close_is_cut(run_server):
    server = await run_server(stop_seconds_max=0.1)
    raw = await RawSocket.connect(server.port)
    await asyncio.wait_for(server.stop(), 2)
    assert await raw.close_code() == 1012
    assert await raw.frame() == (None, b"")


async def test_a_taken_port():
    (listener,) = bind("127.0.0.1", 0)
    with listener, pytest.raises(OSError, match="in use"):
        await serve(echo_app.inner_app, port=listener.getsockname()[1], install_signals=False)


async def test_localhost_listens_on_every_family():
    sockets = bind("localhost", 0)
    for listener in sockets:
        listener.close()
    assert sockets


async def test_serve_gives_the_port_and_ends_with_cancellation():
    port = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(echo_app.inner_app, on_started=port.set_result, install_signals=False))
    assert (await RawSocket.get(await port)).endswith(b"inner")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
