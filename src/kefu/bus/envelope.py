"""What nodes tell each other: typed, versioned envelopes, sealed under a key that only nodes have.

Bytes in, envelopes out, and the other way round; no I/O. A seal is an HMAC over the subject and the body, so that
nobody who can only write to the bus can make an envelope, change one, or move one to another conversation.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import msgspec

from kefu.wire.server import ConversationUpdate, Read, Typing
from kefu.wire.shapes import Message, Note

VERSION = 1
SEAL_BYTES = 32
_KEY_NAME = b"kefu bus 1"


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


class Envelope(msgspec.Struct, frozen=True):
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
    payload: object
    conversation: str = ""
    seq: int = 0
    v: int = VERSION


class _Sealed(msgspec.Struct, frozen=True):
    """An envelope whose payload is not read yet."""

    kind: str
    site: str
    payload: msgspec.Raw
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
        self._key = hmac.digest(secret.encode(), _KEY_NAME, hashlib.sha256)
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(_Sealed).decode
        self._payloads: dict[str, Callable[[msgspec.Raw], object]] = {
            kind: msgspec.json.Decoder(shape).decode for kind, shape in PAYLOADS.items()
        }

    def seal(self, subject: str, envelope: Envelope) -> bytes:
        """The envelope as it goes over the bus on this subject."""
        body = self._encode(envelope)
        return self._mark(subject, body) + body

    def open(self, subject: str, data: bytes) -> Envelope:
        """The envelope that came on a subject.

        Raises:
            EnvelopeError: If it is none of ours, or of a version or kind that is not known here.
        """
        body = data[SEAL_BYTES:]
        if not hmac.compare_digest(data[:SEAL_BYTES], self._mark(subject, body)):
            raise EnvelopeError("forged")
        try:
            sealed = self._decode(body)
            if sealed.v != VERSION or sealed.kind not in self._payloads:
                raise EnvelopeError("unknown")
            payload = self._payloads[sealed.kind](sealed.payload)
        except msgspec.MsgspecError as error:
            raise EnvelopeError("malformed") from error
        return Envelope(sealed.kind, sealed.site, payload, sealed.conversation, sealed.seq)

    def _mark(self, subject: str, body: bytes) -> bytes:
        return hmac.digest(self._key, subject.encode() + b"\n" + body, "sha256")
