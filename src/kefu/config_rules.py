"""What makes a setting good, and how a bad one is told: one line with its variable, what came, what was expected.

Pure functions of values: reads no environment, and never puts a secret or a password into a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args
from urllib.parse import parse_qsl, urlsplit

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from kefu.tokens import secret_problem

EMBEDDED = "embedded"
DATABASE_EXAMPLE = "postgresql://chatapp:PASSWORD@127.0.0.1:5432/kefu"
# Options that other programs put into a database address and PostgreSQL does not know.
FOREIGN_DATABASE_OPTIONS = frozenset(
    {"schema", "connection_limit", "pool_timeout", "pgbouncer", "statement_cache_size", "socket_timeout"}
)
DEFAULT_PORTS = {"http": 80, "https": 443}
HOW_TO_MAKE_ONE = "make one with: openssl rand -hex 32"


def agents_secret(secret: str | None) -> list[str]:
    """Problems of the secret that signs agents' tokens."""
    problem = secret_problem(secret)
    if problem is None:
        return []
    return [f"CHAT_ADMIN_JWT_SECRET {problem}; chat-server and main site need the same one; {HOW_TO_MAKE_ONE}"]


def visitors_secret(secret: str | None, agents: str | None) -> list[str]:
    """Problems of the optional secret that signs visitors' identities."""
    if secret is None:
        return []
    problems = []
    if problem := secret_problem(secret):
        problems.append(f"KEFU_IDENTITY_SECRET {problem}; {HOW_TO_MAKE_ONE}")
    if secret == agents:
        problems.append(
            "KEFU_IDENTITY_SECRET is the same as CHAT_ADMIN_JWT_SECRET, "
            f"so a visitor's identity could be forged into an agent's token; {HOW_TO_MAKE_ONE}"
        )
    return problems


def metrics_token(token: str | None, agents: str | None) -> list[str]:
    """Problems of the optional token that opens the metrics."""
    if token is None:
        return []
    problems = []
    if problem := secret_problem(token):
        problems.append(f"KEFU_METRICS_TOKEN {problem}; {HOW_TO_MAKE_ONE}")
    if token == agents:
        problems.append(
            "KEFU_METRICS_TOKEN is the same as CHAT_ADMIN_JWT_SECRET, "
            f"so whoever collects metrics could sign agents' tokens; {HOW_TO_MAKE_ONE}"
        )
    return problems


def database(url: str | None) -> list[str]:
    """Problems of the database address, as far as they show without connecting."""
    if url == EMBEDDED:
        return []
    if url is None:
        return [f"CHAT_DATABASE_URL is not set: {DATABASE_EXAMPLE}, or `embedded` (what `kefu up` uses by itself)"]
    if url.startswith("file:"):
        moved = "the older server's data file; Kefu keeps its data in PostgreSQL"
        return [f"CHAT_DATABASE_URL is a file: address, {moved}: {DATABASE_EXAMPLE}, or `embedded`"]
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("postgresql", "postgres") and len(parts.path) > 1 and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        return [f"CHAT_DATABASE_URL is no PostgreSQL address; expected {DATABASE_EXAMPLE}, or `embedded`"]
    foreign = sorted({name for name, _ in parse_qsl(parts.query)} & FOREIGN_DATABASE_OPTIONS)
    if foreign:
        return [f"CHAT_DATABASE_URL has options that PostgreSQL does not know, remove them: {', '.join(foreign)}"]
    return []


def bus(url: str | None) -> list[str]:
    """Problems of the addresses of NATS, as far as they show without connecting."""
    for server in url.split(",") if url is not None else ():
        try:
            parts = urlsplit(server.strip())
            good = parts.scheme in ("nats", "tls") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            return ["KEFU_NATS_URL is no NATS address; expected nats://user:password@127.0.0.1:4222"]
    return []


def heartbeat(interval_ms: int, timeout_ms: int) -> list[str]:
    """Problems of the two numbers of the heartbeat: an answer is due before the next ping."""
    if timeout_ms < interval_ms:
        return []
    return [f"KEFU_PING_TIMEOUT_MS={timeout_ms} is not below KEFU_PING_INTERVAL_MS={interval_ms}"]


def origins(name: str, values: tuple[str, ...]) -> list[str]:
    """One line for a list in which an origin is not written as browsers send it, with the line to change."""
    sent = [origin_as_sent(value) for value in values]
    if sent == list(values):
        return []
    wrong = ", ".join(repr(value) for value, good in zip(values, sent, strict=True) if value != good)
    line = f"{name}={','.join(good for good in sent if good) or 'https://shop.example'}"
    rule = "expected scheme://host[:port] without a path or a trailing slash"
    return [f"{name} holds {wrong}, which no browser sends as an origin; {rule}: {line}"]


def origin_as_sent(origin: str) -> str | None:
    """An origin as a browser writes it; None if no reading of it is one."""
    text = origin if "://" in origin else f"https://{origin}"
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        return None
    if not host or any(char in host for char in "*, "):
        return None
    if ":" in host:
        host = f"[{host}]"
    suffix = "" if port is None or DEFAULT_PORTS.get(parts.scheme) == port else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"


def variable(field: FieldInfo) -> str:
    """The environment variable of a setting, the newest name if it has several."""
    return variables(field)[0]


def variables(field: FieldInfo) -> list[str]:
    """All environment variables of a setting, the one that wins first."""
    alias = field.validation_alias
    return [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else [str(alias)]


def unreadable(fields: Mapping[str, FieldInfo], problem: Mapping[str, Any]) -> str:
    """The line of a setting whose text is not what it should be.

    Args:
        fields: Every setting by attribute name.
        problem: One of pydantic's errors.
    """
    place = str(problem["loc"][0])
    field = next(field for name, field in fields.items() if place in (name, *variables(field)))
    came = "a value" if "Secret" in str(field.annotation) else repr(problem["input"])
    own_words = problem.get("ctx", {}).get("error")
    return f"{variable(field)} is {came}; {own_words or f'expected {expected(field)}'}"


def expected(field: FieldInfo) -> str:
    """What a setting takes, in words, from its declaration."""
    kinds: dict[Any, str] = {int: "a whole number", int | None: "a whole number", float: "a number", Path: "a folder"}
    words = kinds.get(field.annotation) or "one of " + ", ".join(map(str, get_args(field.annotation)))
    for limit, phrase in (("ge", "from"), ("gt", "above"), ("le", "to")):
        for item in field.metadata:
            if hasattr(item, limit):
                words += f" {phrase} {getattr(item, limit)}"
    return words
