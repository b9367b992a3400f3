"""Envelopes: what was sealed opens as it was, and nothing else opens."""

from __future__ import annotations

import msgspec
import pytest

from kefu.bus.envelope import PAYLOADS, SEAL_BYTES, Changed, Envelope, EnvelopeError, PresenceReport, Seal
from kefu.bus.subjects import conversation_subject, inbox_subject
from kefu.wire.server import ConversationUpdate, Read, Typing
from kefu.wire.shapes import Author, Message, Note

SECRET = "7d1f0c9ab26e4458b3c2d6e8f90a1b2c3d4e5f60"
SUBJECT = conversation_subject("default", "c1")
MESSAGE = Message("m1", "c1", 7, "admin", "ann", Author("Ann"), "你好", None, "2026-01-01T00:00:00.000Z", None)

EXAMPLES = {
    "message": MESSAGE,
    "note": Note("n1", "c1", 1, 7, "ann", "note", "2026-01-01T00:00:00.000Z"),
    "read": Read("c1", "admin", 7, "ann"),
    "typing": Typing("c1", "visitor", typing=True, draft="wo"),
    "conversation_update": ConversationUpdate("c1", "closed", None, None, 7),
    "changed": Changed(("c1", "c2")),
    "presence": PresenceReport("n1", 3, whole=True, visitors=("c1",), agents=("ann",)),
    "agents_changed": msgspec.convert({}, PAYLOADS["agents_changed"]),
}


def sealed(envelope: object, subject: str = SUBJECT, secret: str = SECRET) -> bytes:
    """As a node would send it that has the secret."""
    return Seal(secret).seal(subject, envelope)


class Sealing(Seal):
    """A node with the secret that says what no node says."""

    def seal_content(self, content: bytes) -> bytes:
        return self._mark(SUBJECT, content) + content


def reason(data: bytes, subject: str = SUBJECT) -> str:
    with pytest.raises(EnvelopeError) as error:
        Seal(SECRET).open(subject, data)
    return error.value.reason


@pytest.mark.parametrize("kind", PAYLOADS)
def test_every_kind_comes_as_it_went(kind: str) -> None:
    envelope = Envelope(kind, "default", EXAMPLES[kind], "c1", 7)
    assert Seal(SECRET).open(SUBJECT, sealed(envelope)) == envelope


def test_forged() -> None:
    """Another key, another subject, a changed byte anywhere, a cut: none of it opens."""
    data = sealed(Envelope("message", "default", MESSAGE, "c1", 7))
    assert reason(sealed(Envelope("message", "default", MESSAGE, "c1", 7), secret="x" * 40)) == "forged"
    assert reason(data, conversation_subject("default", "c2")) == "forged"
    for place in (0, SEAL_BYTES - 1, SEAL_BYTES, len(data) - 1):
        assert reason(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]) == "forged"
    for length in (0, 1, SEAL_BYTES, len(data) - 1):
        assert reason(data[:length]) == "forged"


def test_unknown_and_malformed() -> None:
    """A node of another version is heard without harm."""
    assert reason(sealed(Envelope("message", "default", MESSAGE, "c1", 7, v=99))) == "unknown"
    assert reason(sealed(Envelope("invented", "default", MESSAGE))) == "unknown"
    assert reason(sealed(Envelope("message", "default", {"id": 5}))) == "malformed"
    assert reason(Sealing(SECRET).seal_content(b"2message [1,2]")) == "malformed"
    for content in (b"", b" ", b"2message", b"message {}", b"2 message {}", b'{"v":2}'):
        assert reason(Sealing(SECRET).seal_content(content)) in {"unknown", "malformed"}


def test_subjects_hold_nothing_that_means_something_to_a_bus() -> None:
    """Ids of other systems may have any character; each still has one subject of its own."""
    assert conversation_subject("default", "01j-A_z") == "kefu.default.conversation.01j-A_z"
    assert inbox_subject("default") == "kefu.default.inbox"
    odd = [conversation_subject("default", text) for text in ("*", ">", "a.b", "a b", "é", "")]
    assert len(set(odd)) == len(odd)
    for subject in odd:
        assert subject.count(".") == 3
        assert not set(subject) & set("*> \r\n")
