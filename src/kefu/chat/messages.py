"""Whether a message may be sent, judged from the request alone; what depends on the row is decided in the commit.

Pure. In: what a client sent. Out: a `Draft` for the commit, or a `Refusal`.
"""

from __future__ import annotations

import json
import re
from typing import Literal, NamedTuple

from kefu.chat.refusals import ErrorCode, Refusal
from kefu.chat.text import MESSAGE_LENGTH_MAX, clean

QUICK_REPLIES_MAX = 10
QUICK_REPLY_LENGTH_MAX = 80
ID_LENGTH_MAX = 64

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


class Draft(NamedTuple):
    """A message that waits for its commit.

    Attributes:
        conversation_id: Where it goes.
        sender_type: `visitor`, `admin` or `system`.
        sender_id: The visitor's or the agent's id.
        client_id: Makes a repeat recognisable; made by the server where the client gave none.
        id: The message's id if it is stored.
        body_text: Cleaned, 1 to 4000 code points.
        metadata: JSON text or None.
    """

    conversation_id: str
    sender_type: Literal["visitor", "admin", "system"]
    sender_id: str
    client_id: str
    id: str
    body_text: str
    metadata: str | None


def check_body(text: str) -> str:
    """The cleaned text of a message or note.

    Raises:
        Refusal: INVALID_INPUT if nothing is left or more than 4000 code points are.
    """
    body = clean(text)
    if not body:
        raise Refusal(ErrorCode.INVALID_INPUT, "bodyText is empty")
    if len(body) > MESSAGE_LENGTH_MAX:
        raise Refusal(
            ErrorCode.INVALID_INPUT,
            f"bodyText has {len(body)} characters; at most {MESSAGE_LENGTH_MAX} are allowed",
        )
    return body


def check_client_id(client_id: str | None) -> str | None:
    """The client's id of a message in lower case, or None where it gave none.

    Raises:
        Refusal: INVALID_INPUT if it is no UUID.
    """
    if client_id is None:
        return None
    if not _UUID.fullmatch(client_id):
        raise Refusal(ErrorCode.INVALID_INPUT, "clientId is not a UUID")
    return client_id.lower()


def check_conversation_id(conversation_id: str) -> str:
    """An id that may be looked up.

    Raises:
        Refusal: CONVERSATION_NOT_FOUND if it can be nobody's.
    """
    if not is_id(conversation_id):
        raise Refusal(ErrorCode.CONVERSATION_NOT_FOUND, "there is no such conversation")
    return conversation_id


def is_id(text: str) -> bool:
    """Whether a text can be anybody's id."""
    return 0 < len(text) <= ID_LENGTH_MAX and text.isprintable()


def quick_replies_metadata(quick_replies: tuple[str, ...]) -> str | None:
    """The metadata of a message that offers quick replies, as JSON text; None without any.

    Raises:
        Refusal: INVALID_INPUT if there are more than 10, or one is empty or longer than 80 code points.
    """
    if not quick_replies:
        return None
    replies = [clean(reply) for reply in quick_replies]
    if len(replies) > QUICK_REPLIES_MAX or not all(0 < len(reply) <= QUICK_REPLY_LENGTH_MAX for reply in replies):
        raise Refusal(
            ErrorCode.INVALID_INPUT,
            f"quickReplies takes at most {QUICK_REPLIES_MAX} texts of 1 to {QUICK_REPLY_LENGTH_MAX} characters",
        )
    return json.dumps({"quickReplies": replies}, ensure_ascii=False)
