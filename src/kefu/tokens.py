"""Agents' tokens and visitors' identities: how they are made, and what must hold before one is believed.

A pure function of secret, text and time: reads no settings, logs nothing, never puts a secret or a token into an error.
Only HS256 is accepted, whatever a token's header says.

    secret = os.environ["CHAT_ADMIN_JWT_SECRET"]
    token = issue_agent_token(secret, agent_id="ann", role="agent", name="Ann")
    claims = verify_agent_token(secret, token)
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import jwt

Role = Literal["owner", "admin", "agent", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)

ALGORITHM = "HS256"
AGENT_AUDIENCE = "chat-admin"
VISITOR_AUDIENCE = "chat-visitor"
AGENT_TOKEN_S = 900
TOKEN_LIFE_S_MAX = 86_400
LEEWAY_S = 30
TIME_S_MAX = 1e12
TOKEN_CHARS_MAX = 8192
ID_CHARS_MAX = 64
NAME_CHARS_MAX = 80
CONTACT_CHARS_MAX = 254

SECRET_BYTES_MIN = 32
DISTINCT_CHARS_MIN = 8
SAMPLE_SECRET = re.compile(
    r"change[-_ .]?(me|this|it)|replace[-_ .]?(me|with|this)|your[-_ .]?(secret|jwt|key|own|chat|random|long|super)"
    r"|(super|very|my|top|dev|test|jwt)[-_ .]?secret|secret[-_ .]?(key|here)|placeholder|example|sample"
    r"|at[-_ .]?least[-_ .]?\d|\d\d[-_ .]?(chars|bytes|characters)|0123456789|do[-_ .]?not[-_ .]?use|password",
    re.IGNORECASE,
)


class TokenError(Exception):
    """A token that is not believed; the text says why and holds nothing of the token."""


class TokenExpiredError(TokenError):
    """It was good once: the holder may ask for a fresh one."""


class TokenInvalidError(TokenError):
    """It is malformed, signed with another secret, or claims what it must not."""


@dataclass(frozen=True, slots=True)
class AgentClaims:
    """What a valid agent's token says.

    Attributes:
        agent_id: The agent's id, `sub`.
        role: After the role map, one of `ROLES`.
        name: The name that others see; None if the token has none.
        expires_at: Unix time in seconds at which the token stops being valid, leeway not counted.
    """

    agent_id: str
    role: Role
    name: str | None
    expires_at: float


@dataclass(frozen=True, slots=True)
class VisitorIdentity:
    """What a site vouches for about a visitor. None where it says nothing.

    Attributes:
        subject: The visitor's id at the site, `sub`.
        expires_at: Unix time in seconds; None for an identity proved by an HMAC, which does not expire.
    """

    subject: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    expires_at: float | None = None


# --- agents ----------------------------------------------------------------------------------------------------


def issue_agent_token(
    secret: str,
    *,
    agent_id: str,
    role: Role,
    name: str | None = None,
    seconds: int = AGENT_TOKEN_S,
    now: float | None = None,
) -> str:
    """Makes a token with which an agent opens a socket or calls the agents' API.

    Args:
        secret: `CHAT_ADMIN_JWT_SECRET`.
        agent_id: Stable id of the agent, 1–64 characters.
        role: What the agent may do.
        name: The name that visitors and colleagues see.
        seconds: Life of the token, at most a day.
        now: Unix time in seconds; the clock's if None.

    Raises:
        ValueError: An argument that `verify_agent_token` would refuse.
    """
    if not _is_id(agent_id) or role not in ROLES or not 0 < seconds <= TOKEN_LIFE_S_MAX:
        raise ValueError(
            f"an agent token needs an id of 1–{ID_CHARS_MAX} characters, a role of {', '.join(ROLES)} "
            f"and 1–{TOKEN_LIFE_S_MAX} seconds; got {agent_id!r}, {role!r}, {seconds!r}"
        )
    issued = int(time.time() if now is None else now)
    claims: dict[str, Any] = {
        "sub": agent_id,
        "role": role,
        "aud": AGENT_AUDIENCE,
        "iat": issued,
        "exp": issued + seconds,
    }
    if name:
        claims["name"] = name
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def verify_agent_token(
    secret: str, token: str, role_map: Mapping[str, str] | None = None, now: float | None = None
) -> AgentClaims:
    """Believes an agent's token, or says why not.

    Args:
        secret: `CHAT_ADMIN_JWT_SECRET`.
        token: The token as the client sent it.
        role_map: Other systems' role names to ours.
        now: Unix time in seconds; the clock's if None.

    Raises:
        TokenExpiredError: Its time is over.
        TokenInvalidError: Anything else.
    """
    claims = _signed_claims(secret, token)
    _check_audience(claims, AGENT_AUDIENCE)
    issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
    if expires - issued > TOKEN_LIFE_S_MAX:
        raise TokenInvalidError(f"exp is more than {TOKEN_LIFE_S_MAX} seconds after iat")
    _check_times(claims, expires, time.time() if now is None else now)
    role = claims.get("role")
    mapped = (role_map or {}).get(role, role) if isinstance(role, str) else None
    if mapped not in ROLES:
        raise TokenInvalidError(f"role is none of {', '.join(ROLES)} and not in KEFU_ROLE_MAP")
    return AgentClaims(_subject(claims), mapped, _text(claims.get("name"), NAME_CHARS_MAX), expires)


# --- visitors --------------------------------------------------------------------------------------------------


def issue_visitor_identity(secret: str, *, subject: str, seconds: int, now: float | None = None, **known: str) -> str:
    """Makes a token with which a site vouches for its visitor.

    Args:
        secret: `KEFU_IDENTITY_SECRET`.
        subject: The visitor's id at the site, 1–64 characters.
        seconds: Life of the token.
        now: Unix time in seconds; the clock's if None.
        **known: Any of `name`, `email`, `phone`.

    Raises:
        ValueError: The subject is no id.
    """
    if not _is_id(subject):
        raise ValueError(f"a visitor identity needs a subject of 1–{ID_CHARS_MAX} characters; got {subject!r}")
    issued = int(time.time() if now is None else now)
    claims = {**known, "sub": subject, "aud": VISITOR_AUDIENCE, "iat": issued, "exp": issued + seconds}
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def verify_visitor_identity(secret: str, token: str, now: float | None = None) -> VisitorIdentity:
    """Believes a visitor's identity token, or says why not. A token with a role is never a visitor's.

    Raises:
        TokenExpiredError: Its time is over.
        TokenInvalidError: Anything else.
    """
    claims = _signed_claims(secret, token)
    _check_audience(claims, VISITOR_AUDIENCE)
    if "role" in claims:
        raise TokenInvalidError("a visitor's identity has no role")
    expires = _seconds(claims, "exp")
    _check_times(claims, expires, time.time() if now is None else now)
    return VisitorIdentity(
        subject=_subject(claims),
        name=_text(claims.get("name"), NAME_CHARS_MAX),
        email=_text(claims.get("email"), CONTACT_CHARS_MAX),
        phone=_text(claims.get("phone"), CONTACT_CHARS_MAX),
        expires_at=expires,
    )


def visitor_hash(secret: str, subject: str) -> str:
    """HMAC-SHA256 of a visitor's id, in hex: the older way to vouch for it."""
    return hmac.new(secret.encode(), subject.encode(), hashlib.sha256).hexdigest()


def verify_visitor_hash(secret: str, subject: str, given: str) -> VisitorIdentity:
    """Believes an id whose HMAC is `given`, or says why not.

    Raises:
        TokenInvalidError: The id is none, or the hash is another one's.
    """
    if not _is_id(subject):
        raise TokenInvalidError(f"the id must have 1–{ID_CHARS_MAX} characters")
    expected = visitor_hash(secret, subject).encode()
    if not hmac.compare_digest(expected, given.lower().encode(errors="replace")):
        raise TokenInvalidError("the hash does not match the id")
    return VisitorIdentity(subject)


# --- secrets ---------------------------------------------------------------------------------------------------


def secret_problem(value: str | None) -> str | None:
    """Why a shared secret must not be used, as the end of a sentence about it; None if it is good."""
    if not value:
        return "is not set"
    if SAMPLE_SECRET.search(value):
        return "is a sample value, which everybody knows"
    size = len(value.encode(errors="replace"))
    if size < SECRET_BYTES_MIN:
        return f"has {size} bytes; at least {SECRET_BYTES_MIN} are needed"
    ((_, most),) = Counter(value).most_common(1)
    if most * 2 > len(value) or len(set(value)) < DISTINCT_CHARS_MIN:
        return "repeats a few characters, so it can be guessed"
    return None


# --- the parts of a check ----------------------------------------------------------------------------------------


def _signed_claims(secret: str, token: str) -> dict[str, Any]:
    """The claims under a good signature; times and audience are checked by our own rules afterwards."""
    if len(token) > TOKEN_CHARS_MAX:
        raise TokenInvalidError(f"the token is longer than {TOKEN_CHARS_MAX} characters")
    unchecked = dict.fromkeys(("exp", "nbf", "iat", "aud", "iss", "sub", "jti"), False)
    options = cast("Any", {f"verify_{claim}": wanted for claim, wanted in unchecked.items()})
    try:
        return jwt.decode(token, secret, algorithms=[ALGORITHM], options=options)
    except jwt.InvalidSignatureError:
        raise TokenInvalidError("the signature is not made with this secret") from None
    except jwt.InvalidAlgorithmError:
        raise TokenInvalidError(f"the algorithm is not {ALGORITHM}") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise TokenInvalidError("the token is malformed") from None


def _check_audience(claims: Mapping[str, Any], expected: str) -> None:
    audience = claims.get("aud")
    if audience is not None and audience != expected and not (isinstance(audience, list) and expected in audience):
        raise TokenInvalidError(f"aud must be absent or {expected}")


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    """A required time claim, Unix seconds."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenInvalidError(f"{name} must be a time in Unix seconds")
    if not abs(value) < TIME_S_MAX:  # so put, not-a-number is refused too
        raise TokenInvalidError(f"{name} is no possible time in Unix seconds")
    return float(value)


def _check_times(claims: Mapping[str, Any], expires: float, now: float) -> None:
    if expires + LEEWAY_S <= now:
        raise TokenExpiredError("the token has expired")
    for name in ("iat", "nbf"):
        if name in claims and _seconds(claims, name) > now + LEEWAY_S:
            raise TokenInvalidError(f"{name} lies in the future: check both machines' clocks")


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _is_id(subject):
        raise TokenInvalidError(f"sub must be a text of 1–{ID_CHARS_MAX} characters")
    return subject


def _is_id(value: str) -> bool:
    """Whether a text can be an id: not blank, short, and storable (no control characters, no lone surrogates)."""
    return bool(value.strip()) and len(value) <= ID_CHARS_MAX and value == _printable(value)


def _text(value: object, chars_max: int) -> str | None:
    """An optional text claim, cleaned and cut; None for anything else, since a name is no reason to refuse a token."""
    if not isinstance(value, str):
        return None
    return _printable(value).strip()[:chars_max] or None


def _printable(value: str) -> str:
    return "".join(char for char in value if unicodedata.category(char) not in ("Cc", "Cs"))
