"""The core protocol of NATS as bytes: commands that a client writes, and a reader of what a server writes.

Lines that end in CRLF, and messages whose length their line gives. Bytes in, calls out; no I/O. Of the protocol it
knows what a bus of hints needs: no headers, no replies, no streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

LINE_BYTES_MAX = 65_536
"""Longest line of a server: INFO, which names the servers of its cluster."""

PING = b"PING\r\n"
PONG = b"PONG\r\n"
_SIZE_DIGITS_MAX = 9
_MESSAGE = b"MSG "
_END = b"\r\n"


class Info(msgspec.Struct, frozen=True):
    """What a server says of itself.

    Attributes:
        max_payload: Bytes that a message may have.
        tls_required: Everything else goes over TLS.
    """

    max_payload: int = 1_048_576
    tls_required: bool = False


class ProtocolError(ValueError):
    """A server wrote what is not of this protocol."""


class Heard(Protocol):
    """What a server's bytes mean."""

    def on_info(self, info: Info) -> None:
        """It said what it is: first of all, and again when that changes."""

    def on_message(self, data: bytes) -> None:
        """A message on a subject that is subscribed to."""

    def on_ping(self) -> None:
        """It asks for a PONG."""

    def on_pong(self) -> None:
        """It has handled everything up to a PING of ours."""

    def on_error(self, text: str) -> None:
        """It refuses something; it closes the connection itself if that is the end."""


class Reader:
    """Cuts what a server writes into messages and other commands.

    Args:
        heard: Called in the order of the bytes.
    """

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._rest = b""
        self._message_bytes_max = Info().max_payload

    def feed(self, data: bytes) -> None:
        """Takes the next bytes, however they were cut.

        Raises:
            ProtocolError: They are of no command that is known here; nothing after them can be read.
        """
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        on_message = self._heard.on_message
        while (line_end := data.find(_END, at)) >= 0:
            if data.startswith(_MESSAGE, at):
                body = line_end + 2
                digits = data[data.rfind(b" ", at, line_end) + 1 : line_end]  # the line's last word
                size = int(digits) if digits.isdigit() and len(digits) <= _SIZE_DIGITS_MAX else -1
                if not 0 <= size <= self._message_bytes_max:
                    raise ProtocolError("a message without a size that can be")
                stop = body + size
                if stop + 2 > end:
                    break
                on_message(data[body:stop])
                at = stop + 2
            else:
                self._control(data[at:line_end])
                at = line_end + 2
        else:
            if end - at > LINE_BYTES_MAX:
                raise ProtocolError("a line without an end")
        self._rest = data[at:]

    def _control(self, line: bytes) -> None:
        word, _, rest = line.partition(b" ")
        match word.upper():
            case b"PING":
                self._heard.on_ping()
            case b"PONG":
                self._heard.on_pong()
            case b"INFO":
                self._info(rest)
            case b"-ERR":
                self._heard.on_error(rest.decode(errors="replace").strip(" '"))
            case b"+OK":
                pass
            case _:
                raise ProtocolError("an unknown command")

    def _info(self, text: bytes) -> None:
        try:
            info = msgspec.json.decode(text, type=Info)
        except msgspec.MsgspecError as error:
            raise ProtocolError("INFO is not what it should be") from error
        self._message_bytes_max = max(info.max_payload, self._message_bytes_max)
        self._heard.on_info(info)


def connect(options: Mapping[str, object]) -> bytes:
    """Who comes, and what it wants, in NATS' own names."""
    return b"CONNECT " + msgspec.json.encode(options) + _END


def publish(subject: bytes, data: bytes) -> bytes:
    """A message to whoever subscribes to the subject."""
    return b"PUB %b %d\r\n%b\r\n" % (subject, len(data), data)


def subscribe(subject: bytes, sid: int) -> bytes:
    """Hear a subject from now on; `sid` is the client's name for that."""
    return b"SUB %b %d\r\n" % (subject, sid)


def unsubscribe(sid: int) -> bytes:
    """Hear it no more."""
    return b"UNSUB %d\r\n" % sid
