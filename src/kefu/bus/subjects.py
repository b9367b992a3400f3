"""The names under which hints are published: made of opaque ids only, so that a bus's log names nobody."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

SUBJECTS_KEPT_MAX = 20_000
"""Conversations whose subject is kept once it was made: those that are spoken in now."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")

PRESENCE = "kefu.presence"
"""Who is online at each node; every node hears it."""

AGENTS = "kefu.agents"
"""Agents were disabled; every node hears it."""


@lru_cache(SUBJECTS_KEPT_MAX)
def conversation_subject(site: str, conversation_id: str) -> str:
    """What is said in one conversation: heard by nodes with a socket that belongs to it."""
    return f"kefu.{_token(site)}.conversation.{_token(conversation_id)}"


def inbox_subject(site: str) -> str:
    """Which rows of a site's inbox changed: heard by nodes with an agent's socket."""
    return f"kefu.{_token(site)}.inbox"


def _token(opaque_id: str) -> str:
    """The id, or its hash where it has characters that mean something in a subject."""
    if _PLAIN.fullmatch(opaque_id):
        return opaque_id
    return hashlib.sha256(opaque_id.encode()).hexdigest()
