"""A tiny endpoint for conformance tests: echo, ack, rooms, refusals. Knows no chat."""

from __future__ import annotations

import asyncio
import sys

from kefu.transport.address import parse_networks
from kefu.transport.endpoint import ConnectRefusedError
from kefu.transport.rooms import Rooms, encode_event
from kefu.transport.server.options import TransportOptions
from kefu.transport.server.serve import TransportServer, serve

ORIGIN = "http://shop.example"


class Echo:
    """Answers what it gets; notes what it saw."""

    def __init__(self):
        self.rooms = Rooms()
        self.calls = []
        self.connections = {}

    def admits_origin(self, handshake):
        if "x-fail" in handshake.headers:
            raise RuntimeError(handshake.headers["x-fail"])
        return handshake.headers.get("origin", ORIGIN) == ORIGIN

    def on_connect(self, connection, auth):
        self.calls.append(("connect", auth, connection.handshake.address, connection.handshake.transport))
        if isinstance(auth, dict) and auth.get("refuse"):
            raise ConnectRefusedError("no", {"code": 7})
        if isinstance(auth, dict) and auth.get("fail"):
            raise RuntimeError(repr(auth))
        self.connections[connection.sid] = connection
        self.rooms.join("all", connection)
        connection.emit("welcome", connection.sid)

    def on_event(self, connection, event, args, ack):
        self.calls.append((event, args))
        if event == "fail":
            raise RuntimeError(repr(args))
        if event == "close":
            connection.close(*args)
        if event == "flood":
            for _ in range(args[0]):
                connection.emit("flood", "x" * args[1])
        if event == "broadcast":
            self.rooms.broadcast("all", encode_event("news", *args), skip=connection if ack is None else None)
        if event == "echo":
            connection.emit("echo", *[repr(arg) if isinstance(arg, bytes) else arg for arg in args])
        if ack is not None:
            ack(*args)
            ack("twice")

    def on_disconnect(self, connection, reason):
        self.calls.append(("disconnect", reason))
        self.connections.pop(connection.sid, None)
        self.rooms.leave_all(connection)


async def inner_app(scope, receive, send):
    """What a web application would be."""
    assert scope["type"] in ("http", "lifespan")
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"inner"})


def say(port):
    """Tells the test where."""
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


async def main():
    """Serves until a signal; prints the port."""
    transport = TransportServer(
        {"/ws-visitor": Echo(), "/ws-admin": Echo()},
        TransportOptions(trusted_networks=parse_networks(["127.0.0.0/8"])),
    )
    await serve(inner_app, transport=transport, on_started=say)


if __name__ == "__main__":
    if "--asyncio" in sys.argv:
        asyncio.run(main())
    else:
        import uvloop

        uvloop.run(main())
