"""Kefu's transport with a tiny echo on it and no chat: what the official protocol test suites are run against.

    python tests/conformance/echo.py --port 3000              both, at /engine.io and /socket.io
    python tests/conformance/echo.py --port 3000 --engineio
    python tests/conformance/echo.py --port 3000 --socketio --path /chat --ping-interval-ms 300 --ping-timeout-ms 200

Engine.IO sends every message back, text and bytes. Socket.IO serves the namespaces `/` and `/custom`: it tells the
CONNECT payload by `auth`, answers `message` by `message-back`, `message-with-ack` by its ack. A path that has socket.io
in its name speaks it unless told otherwise. Port 0 takes a free one; the port is printed either way.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from kefu.transport.endpoint import Connection, Handshake, Namespaces
from kefu.transport.messages import Messages, MessageSession
from kefu.transport.server.options import TransportOptions
from kefu.transport.server.serve import TransportServer, serve
from kefu.transport.server.service import Served


class EngineEcho:
    """Sends every message back."""

    def admits_origin(self, _handshake: Handshake) -> bool:
        """The suite's pages come from anywhere."""
        return True

    def on_message(self, session: MessageSession, message: str | bytes) -> None:
        """Sends it back."""
        session.send(message)

    def on_close(self, session: MessageSession, reason: str) -> None:
        """Nothing was kept."""


class SocketEcho:
    """Sends every event's arguments back."""

    def admits_origin(self, _handshake: Handshake) -> bool:
        """The suite's pages come from anywhere."""
        return True

    def on_connect(self, connection: Connection, auth: object) -> None:
        """Tells the client what it sent."""
        connection.emit("auth", auth or {})

    def on_event(self, connection: Connection, event: str, args: list[Any], ack: Callable[..., None] | None) -> None:
        """Answers."""
        if event == "message":
            connection.emit("message-back", *args)
        elif event == "message-with-ack" and ack is not None:
            ack(*args)

    def on_disconnect(self, connection: Connection, reason: str) -> None:
        """Nothing was kept."""


async def not_found(scope: Any, _receive: Any, send: Any) -> None:
    """Everything but the path."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def echo(protocol: str) -> Served:
    """What answers in `engine.io` or `socket.io`."""
    if protocol == "engine.io":
        return Messages(EngineEcho())
    return Namespaces({"/": SocketEcho(), "/custom": SocketEcho()})


def transport(path: str | None, protocol: str | None, options: TransportOptions) -> TransportServer:
    """The echo on a path; None: each protocol at its own, or the one that is named."""
    if path is None:
        served = {f"/{name}": echo(name) for name in ("engine.io", "socket.io") if protocol in (None, name)}
    else:
        served = {"/" + path.strip("/"): echo(protocol or ("socket.io" if "socket.io" in path else "engine.io"))}
    return TransportServer(served, options)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--path")
    protocol = parser.add_mutually_exclusive_group()
    protocol.add_argument("--protocol", choices=["engine.io", "socket.io"])
    for name in ("engine.io", "socket.io"):
        flag = "--" + name.replace(".", "")
        protocol.add_argument(flag, dest="protocol", action="store_const", const=name, help=f"--protocol {name}")
    parser.add_argument("--ping-interval-ms", type=int, default=300)
    parser.add_argument("--ping-timeout-ms", type=int, default=200)
    parser.add_argument("--max-payload", type=int, default=1_000_000, help="bytes")
    parser.add_argument("--connect-timeout-ms", type=int, default=1000, help="until the first CONNECT")
    return parser.parse_args()


def main() -> None:
    """Serves until a signal."""
    given = arguments()
    options = TransportOptions(
        ping_interval_ms=given.ping_interval_ms,
        ping_timeout_ms=given.ping_timeout_ms,
        message_bytes_max=given.max_payload,
        handshake_seconds_max=given.connect_timeout_ms / 1000,
    )
    server = transport(given.path, given.protocol, options)
    asyncio.run(_serve(server, given.host, given.port))


async def _serve(server: TransportServer, host: str, port: int) -> None:
    await serve(not_found, host=host, port=port, transport=server, on_started=lambda at: print(at, flush=True))  # noqa: T201


if __name__ == "__main__":
    uvloop.install()
    main()
