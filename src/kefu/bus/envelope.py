"""What nodes tell each other: typed hints in versioned envelopes, sealed under a key that only nodes have.

Bytes in, hints out, and the other way round; no I/O. An envelope is a seal, version and kind, a space, and the hint as
JSON. The seal is keyed BLAKE2b over everything after it, so that nobody who can only write to the bus can make an
envelope or change one. A hint names its conversation itself: one that is repeated, or moved to another subject, says
nothing that was not said.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import msgspec

from kefu.wire.encoded import EncodedMessage, encoded_message
from kefu.wire.server import ConversationUpdate, Read, Typing
from kefu.wire.shapes import Note

VERSION = 3
SEAL_BYTES = 32
_KEY_NAME = b"kefu bus 3"


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


Hint = EncodedMessage | Note | Read | Typing | ConversationUpdate | Changed | PresenceReport | AgentsChanged

KINDS: dict[type, str] = {
    EncodedMessage: "message",
    Note: "note",
    Read: "read",
    Typing: "typing",
    ConversationUpdate: "conversation_update",
    Changed: "changed",
    PresenceReport: "presence",
    AgentsChanged: "agents_changed",
}
"""What each type of hint is called on the bus."""


class EnvelopeError(ValueError):
    """Bytes that are no envelope of ours; `reason` is `forged`, `unknown` (version or kind) or `malformed`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Seal:
    """Seals hints and opens envelopes.

    Args:
        secret: What chat-servers share: `CHAT_ADMIN_JWT_SECRET`. The key is derived from it, so that a seal tells
            nothing of tokens and a token nothing of seals.
    """

    def __init__(self, secret: str) -> None:
        key = hmac.digest(secret.encode(), _KEY_NAME, hashlib.sha256)
        self._keyed = hashlib.blake2b(key=key, digest_size=SEAL_BYTES)
        self._encode = msgspec.json.Encoder().encode
        self._heads = {shape: b"%d%b" % (VERSION, kind.encode()) for shape, kind in KINDS.items()}
        self._decoders: dict[bytes, Callable[[bytes], Hint]] = {
            head: msgspec.json.Decoder(shape).decode for shape, head in self._heads.items()
        }
        self._decoders[self._heads[EncodedMessage]] = encoded_message

    def seal(self, hint: Hint) -> bytes:
        """The hint as it goes over the bus."""
        text = hint.text if type(hint) is EncodedMessage else self._encode(hint)
        content = b"%b %b" % (self._heads[type(hint)], text)
        return self._mark(content) + content

    def open(self, data: bytes) -> Hint:
        """The hint in an envelope that came over the bus.

        Raises:
            EnvelopeError: If it is none of ours, or of a version or kind that is not known here.
        """
        content = data[SEAL_BYTES:]
        if not hmac.compare_digest(data[:SEAL_BYTES], self._mark(content)):
            raise EnvelopeError("forged")
        head, _, text = content.partition(b" ")
        decode = self._decoders.get(head)
        if decode is None:
            raise EnvelopeError("unknown")
        try:
            return decode(text)
        except msgspec.MsgspecError as error:
            raise EnvelopeError("malformed") from error

    def _mark(self, content: bytes) -> bytes:
        mark = self._keyed.copy()
        mark.update(content)
        return mark.digest()
