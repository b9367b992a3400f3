"""Envelopes: what was sealed opens as it was, and nothing else opens."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kefu.bus.envelope import KINDS, SEAL_BYTES, AgentsChanged, Changed, EnvelopeError, PresenceReport, Seal
from kefu.bus.subjects import conversation_subject, inbox_subject
from kefu.wire.encoded import EncodedMessage, encode_message
from kefu.wire.server import ConversationUpdate, Read, Typing
from kefu.wire.shapes import Author, Message, Note

SECRET = "7d1f0c9ab26e4458b3c2d6e8f90a1b2c3d4e5f60"
MESSAGE = Message("m1", "c1", 7, "admin", "ann", Author("Ann"), "你好", None, "2026-01-01T00:00:00.000Z", None)

EXAMPLES = (
    encode_message(MESSAGE),
    encode_message(replace(MESSAGE, sender_type="visitor", admin_id=None, author=None)),
    Note("n1", "c1", 1, 7, "ann", "note", "2026-01-01T00:00:00.000Z"),
    Read("c1", "admin", 7, "ann"),
    Typing("c1", "visitor", typing=True, draft="wo"),
    ConversationUpdate("c1", "closed", None, None, 7),
    Changed(("c1", "c2")),
    PresenceReport("n1", 3, whole=True, visitors=("c1",), agents=("ann",)),
    AgentsChanged(),
)


def sealed(hint: object = EXAMPLES[0], secret: str = SECRET) -> bytes:
    """As a node would send it that has the secret."""
    return Seal(secret).seal(hint)


class Sealing(Seal):
    """A node with the secret that says what no node says."""

    def seal_content(self, content: bytes) -> bytes:
        return self._mark(content) + content


def reason(data: bytes) -> str:
    with pytest.raises(EnvelopeError) as error:
        Seal(SECRET).open(data)
    return error.value.reason


@pytest.mark.parametrize("hint", EXAMPLES, ids=lambda hint: KINDS[type(hint)])
def test_every_kind_comes_as_it_went(hint: object) -> None:
    assert Seal(SECRET).open(sealed(hint)) == hint


def test_every_kind_has_an_example() -> None:
    assert {type(hint) for hint in EXAMPLES} == set(KINDS)


def test_a_message_comes_whole() -> None:
    """Of its text only the heading is decoded on the way."""
    opened = Seal(SECRET).open(sealed())
    assert isinstance(opened, EncodedMessage)
    assert opened.decode() == MESSAGE


def test_forged() -> None:
    """Another key, a changed byte anywhere, a cut: none of it opens."""
    data = sealed()
    assert reason(sealed(secret="x" * 40)) == "forged"
    for place in (0, SEAL_BYTES - 1, SEAL_BYTES, len(data) - 1):
        assert reason(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]) == "forged"
    for length in (0, 1, SEAL_BYTES, len(data) - 1):
        assert reason(data[:length]) == "forged"


def test_unknown_and_malformed() -> None:
    """A node of another version is heard without harm."""
    malformed = ("3message [1,2]", '3message {"id":5}', '3message {"conversationId":"c1","seq":"7","adminId":null}')
    for text in (*malformed, '3changed {"conversations":5}', "3changed "):
        assert reason(Sealing(SECRET).seal_content(text.encode())) == "malformed"
    for text in ("", " ", "message {}", "3 message {}", "2message {}", "4message {}", "3invented {}", '{"v":3}'):
        assert reason(Sealing(SECRET).seal_content(text.encode())) == "unknown"


def test_subjects_hold_nothing_that_means_something_to_a_bus() -> None:
    """Ids of other systems may have any character; each still has one subject of its own."""
    assert conversation_subject("default", "01j-A_z") == "kefu.default.conversation.01j-A_z"
    assert inbox_subject("default") == "kefu.default.inbox"
    odd = [conversation_subject("default", text) for text in ("*", ">", "a.b", "a b", "é", "")]
    assert len(set(odd)) == len(odd)
    for subject in odd:
        assert subject.count(".") == 3
        assert not set(subject) & set("*> \r\n")
