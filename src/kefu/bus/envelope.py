"""What nodes tell each other: typed, versioned envelopes, sealed under a key that only nodes have.

Bytes in, envelopes out, and the other way round; no I/O. A seal is keyed BLAKE2b over the subject and everything
after the seal, so that nobody who can only write to the bus can make an envelope, change one, or move one to another
conversation. After the seal come version, kind and a space, so that the rest is decoded once, as what it is.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Generic, TypeVar

import msgspec

from kefu.wire.server import ConversationUpdate, Read, Typing
from kefu.wire.shapes import Message, Note

VERSION = 2
SEAL_BYTES = 32
_KEY_NAME = b"kefu bus 2"

Payload = TypeVar("Payload")


class Changed(msgspec.Struct, frozen=True):
    """Conversations whose inbox row changed; each node with agents reads the rows itself."""

    conversations: tuple[str, ...]


class PresenceReport(msgspec.Struct, frozen=True):
    """Who is online at one node.

    Attributes:
        node: The node's id, new at each start.
        counter: Counts this node's reports 1, 2, 3 …; a hole means that one was lost.
        whole: The sets are everything; else `visitors` and `agents` came and `gone_…` went.
        part: Of a whole set that is sent in parts: which one, from 0.
        parts: Of how many.
        visitors: Conversations whose visitor is connected there.
        agents: Ids of agents who are connected there.
        gone_visitors: Empty in a whole report.
        gone_agents: Empty in a whole report.
        quiet: Agents are not told of this change: it comes with a conversation's first row, which says it.
    """

    node: str
    counter: int
    whole: bool = False
    part: int = 0
    parts: int = 1
    visitors: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    gone_visitors: tuple[str, ...] = ()
    gone_agents: tuple[str, ...] = ()
    quiet: bool = False


class AgentsChanged(msgspec.Struct, frozen=True):
    """Agents were disabled: every node asks the database about those who are connected to it."""


PAYLOADS: dict[str, type] = {
    "message": Message,
    "note": Note,
    "read": Read,
    "typing": Typing,
    "conversation_update": ConversationUpdate,
    "changed": Changed,
    "presence": PresenceReport,
    "agents_changed": AgentsChanged,
}
"""Each kind of envelope and what it carries."""


class Envelope(msgspec.Struct, Generic[Payload], frozen=True):
    """One hint.

    Attributes:
        kind: A key of `PAYLOADS`.
        site: Whose it is; empty for what concerns every site.
        conversation: Which it concerns; empty for what concerns none, or several.
        seq: The message's number; 0 where there is none.
        payload: As `PAYLOADS` says.
        v: The version of this format.
    """

    kind: str
    site: str
    payload: Payload
    conversation: str = ""
    seq: int = 0
    v: int = VERSION


class EnvelopeError(ValueError):
    """Bytes that are no envelope of ours; `reason` is `forged`, `unknown` (version or kind) or `malformed`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Seal:
    """Seals and opens envelopes.

    Args:
        secret: What chat-servers share: `CHAT_ADMIN_JWT_SECRET`. The key is derived from it, so that a seal tells
            nothing of tokens and a token nothing of seals.
    """

    def __init__(self, secret: str) -> None:
        key = hmac.digest(secret.encode(), _KEY_NAME, hashlib.sha256)
        self._keyed = hashlib.blake2b(key=key, digest_size=SEAL_BYTES)
        self._encode = msgspec.json.Encoder().encode
        self._decoders = {
            _head(VERSION, kind): msgspec.json.Decoder(Envelope[shape]).decode  # type: ignore[valid-type]
            for kind, shape in PAYLOADS.items()
        }

    def seal(self, subject: str, envelope: Envelope[Any]) -> bytes:
        """The envelope as it goes over the bus on this subject."""
        content = b"%b %b" % (_head(envelope.v, envelope.kind), self._encode(envelope))
        return self._mark(subject, content) + content

    def open(self, subject: str, data: bytes) -> Envelope[Any]:
        """The envelope that came on a subject.

        Raises:
            EnvelopeError: If it is none of ours, or of a version or kind that is not known here.
        """
        content = data[SEAL_BYTES:]
        if not hmac.compare_digest(data[:SEAL_BYTES], self._mark(subject, content)):
            raise EnvelopeError("forged")
        head, _, body = content.partition(b" ")
        decode = self._decoders.get(head)
        if decode is None:
            raise EnvelopeError("unknown")
        try:
            return decode(body)
        except msgspec.MsgspecError as error:
            raise EnvelopeError("malformed") from error

    def _mark(self, subject: str, content: bytes) -> bytes:
        mark = self._keyed.copy()
        mark.update(b"%b\n%b" % (subject.encode(), content))
        return mark.digest()


def _head(version: int, kind: str) -> bytes:
    return b"%d%b" % (version, kind.encode())
