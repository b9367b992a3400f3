"""One connection to one NATS server: opened, proved, written in one piece an iteration of the loop, ended.

Knows addresses, credentials, TLS and the heartbeat; what a message means is its user's business. A connection that
ended stays so: whoever wants another opens another.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from kefu.bus import nats_protocol
from kefu.bus.nats_protocol import Info, ProtocolError, Reader

PORT = 4222
OPEN_TIMEOUT_S = 2.0
PING_INTERVAL_S = 5.0
PINGS_UNANSWERED_MAX = 2

OnMessage = Callable[[bytes], None]
"""Takes a message, whatever its subject."""


class NatsError(ConnectionError):
    """A server cannot be used; says why in its own or our words, never with a password."""


@dataclass(frozen=True, slots=True, repr=False)
class Server:
    """Where a server is, and who comes.

    Attributes:
        host: A name or an address.
        port: Its port.
        tls: Only over TLS, whatever the server asks for.
        credentials: Fields of CONNECT: `user` and `pass`, or `auth_token`.
    """

    host: str
    port: int
    tls: bool
    credentials: dict[str, str]


def servers(url: str) -> list[Server]:
    """The servers of `nats://user:password@host:port` or `tls://…`, or of several, comma-separated.

    A user without a password is a token, as other clients read it.
    """
    return [_server(one.strip()) for one in url.split(",")]


def _server(url: str) -> Server:
    parts = urlsplit(url)
    user, password = parts.username, parts.password
    credentials = {}
    if user is not None and password is not None:
        credentials = {"user": unquote(user), "pass": unquote(password)}
    elif user is not None:
        credentials = {"auth_token": unquote(user)}
    return Server(parts.hostname or "", parts.port or PORT, parts.scheme == "tls", credentials)


async def connect(server: Server, on_message: OnMessage) -> NatsConnection:
    """Opens a connection that the server has accepted.

    Args:
        server: Where to.
        on_message: Called for each message of a subject that is subscribed to later.

    Raises:
        OSError: It cannot be reached, is none, or refuses; `NatsError` says so in words.
        TimeoutError: It does not answer.
    """
    loop = asyncio.get_running_loop()
    made: NatsConnection | None = None
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            _, made = await loop.create_connection(lambda: NatsConnection(on_message), server.host, server.port)
            await made.open(server)
            return made
    except BaseException:
        if made is not None:
            made.abort()
        raise


class NatsConnection(asyncio.Protocol):
    """An open connection.

    Attributes:
        ended: Done when the connection is gone.
        message_bytes_max: Longest message that the server takes.
    """

    def __init__(self, on_message: OnMessage) -> None:
        self._loop = asyncio.get_running_loop()
        self.on_message = on_message
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self.message_bytes_max = Info().max_payload
        self._transport: asyncio.Transport
        self._reader = Reader(self)
        self._info: asyncio.Future[Info] = self._loop.create_future()
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._sids = 0
        self._pongs: deque[asyncio.Future[None]] = deque()
        self._pings_unanswered = 0
        self._heartbeat: asyncio.TimerHandle | None = None
        self._refused = ""

    async def open(self, server: Server) -> None:
        """Says who comes, over TLS if either side wants it, and waits for the server's word.

        Raises:
            OSError: See `connect`.
        """
        info = await self._info
        if server.tls or info.tls_required:
            await self._start_tls(server.host)
        about = {"name": "kefu", "lang": "python", "version": metadata.version("kefu"), "protocol": 1}
        wishes = {"verbose": False, "pedantic": False, "echo": False, "headers": False}
        self.write(nats_protocol.connect(about | wishes | server.credentials))
        await self.flush()
        self._beat()

    async def _start_tls(self, host: str) -> None:
        self._reader = Reader(self)  # what came before TLS is not believed after it
        self._transport = cast(
            "asyncio.Transport",
            await self._loop.start_tls(self._transport, self, ssl.create_default_context(), server_hostname=host),
        )

    # --- what is written -----------------------------------------------------------------------------------

    @property
    def waiting_bytes(self) -> int:
        """What was written and the kernel has not taken yet."""
        return self._out_bytes + self._transport.get_write_buffer_size()

    def write(self, command: bytes) -> None:
        """Writes a command with everything else that this iteration of the loop writes."""
        if not self._out:
            self._loop.call_soon(self._write_out)
        self._out.append(command)
        self._out_bytes += len(command)

    def subscribe(self, subject: str) -> int:
        """Hears a subject from now on.

        Returns:
            What `unsubscribe` takes.
        """
        self._sids += 1
        self.write(nats_protocol.subscribe(subject.encode(), self._sids))
        return self._sids

    def unsubscribe(self, sid: int) -> None:
        """Hears a subject no more."""
        self.write(nats_protocol.unsubscribe(sid))

    async def flush(self) -> None:
        """Waits until the server has handled everything that was written.

        Raises:
            OSError: The connection ended before.
        """
        if self.ended.done():
            raise NatsError(self._refused or "the connection has ended")
        pong = self._loop.create_future()
        self._pongs.append(pong)
        self.write(nats_protocol.PING)
        await pong

    def abort(self) -> None:
        """Ends the connection at once; what waits is lost."""
        self._transport.abort()

    def _write_out(self) -> None:
        commands, self._out, self._out_bytes = self._out, [], 0
        if not self._transport.is_closing():
            self._transport.write(b"".join(commands))

    def _beat(self) -> None:
        if self._pings_unanswered >= PINGS_UNANSWERED_MAX:
            self.abort()
            return
        self._pings_unanswered += 1
        self._pongs.append(self._loop.create_future())
        self.write(nats_protocol.PING)
        self._heartbeat = self._loop.call_later(PING_INTERVAL_S, self._beat)

    # --- what comes ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        try:
            self._reader.feed(data)
        except ProtocolError as error:
            self._refused = str(error)
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whatever it was
        """See `asyncio.Protocol`."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        if not self.ended.done():
            self.ended.set_result(None)
        waiters: list[asyncio.Future[Any]] = [self._info, *self._pongs]
        for waiting in waiters:
            if not waiting.done():
                waiting.set_exception(NatsError(self._refused or "the connection was lost"))
                waiting.exception()  # nobody may be there to ask for it
        self._pongs.clear()

    def on_info(self, info: Info) -> None:
        """See `nats_protocol.Heard`."""
        self.message_bytes_max = info.max_payload
        if not self._info.done():
            self._info.set_result(info)

    def on_ping(self) -> None:
        """See `nats_protocol.Heard`."""
        self.write(nats_protocol.PONG)

    def on_pong(self) -> None:
        """See `nats_protocol.Heard`."""
        self._pings_unanswered = 0
        if self._pongs:
            waiting = self._pongs.popleft()
            with contextlib.suppress(asyncio.InvalidStateError):  # whoever waited has given up
                waiting.set_result(None)

    def on_error(self, text: str) -> None:
        """See `nats_protocol.Heard`."""
        self._refused = f"NATS says: {text}"
