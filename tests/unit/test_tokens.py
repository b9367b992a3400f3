"""Agents' tokens, visitors' identities and the secrets that sign them."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kefu.tokens import (
    AgentClaims,
    TokenError,
    TokenExpiredError,
    TokenInvalidError,
    issue_agent_token,
    issue_visitor_identity,
    secret_problem,
    verify_agent_token,
    verify_visitor_hash,
    verify_visitor_identity,
    visitor_hash,
)

SECRET = "7d1f0c9ab26e4458b3c2d6e8f90a1b2c3d4e5f60"
OTHER = "f00dc0ffee9ab26e4458b3c2d6e8f90a1b2c3d4e"
NOW = 1_800_000_000


def signed(secret: str = SECRET, algorithm: str = "HS256", **claims: object) -> str:
    return jwt.encode(claims, secret, algorithm=algorithm)


def agent_claims(**changes: object) -> dict[str, object]:
    claims: dict[str, object] = {"sub": "ann", "role": "agent", "iat": NOW, "exp": NOW + 900}
    return {name: value for name, value in (claims | changes).items() if value is not ...}


def test_an_issued_token_is_believed() -> None:
    token = issue_agent_token(SECRET, agent_id="ann", role="admin", name="Ann 安", seconds=60, now=NOW)
    assert verify_agent_token(SECRET, token, now=NOW + 59) == AgentClaims("ann", "admin", "Ann 安", NOW + 60)


def test_a_token_of_another_site_is_believed() -> None:
    claims = verify_agent_token(SECRET, signed(**agent_claims(role="super")), {"super": "owner"}, NOW)
    assert (claims.role, claims.name) == ("owner", None)


@pytest.mark.parametrize("audience", ["chat-admin", ["other", "chat-admin"], ...])
def test_audiences_of_agents(audience: object) -> None:
    assert verify_agent_token(SECRET, signed(**agent_claims(aud=audience)), now=NOW).agent_id == "ann"


def test_leeway_is_thirty_seconds() -> None:
    token = signed(**agent_claims())
    assert verify_agent_token(SECRET, token, now=NOW + 929).agent_id == "ann"
    assert verify_agent_token(SECRET, token, now=NOW - 30).agent_id == "ann"
    with pytest.raises(TokenExpiredError):
        verify_agent_token(SECRET, token, now=NOW + 930)
    with pytest.raises(TokenInvalidError, match="clocks"):
        verify_agent_token(SECRET, token, now=NOW - 31)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sub": ...}, "sub must"),
        ({"sub": ""}, "sub must"),
        ({"sub": "   "}, "sub must"),
        ({"sub": 7}, "sub must"),
        ({"sub": "a\0b"}, "sub must"),
        ({"sub": "a\ud800"}, "sub must"),
        ({"sub": "x" * 65}, "sub must"),
        ({"role": ...}, "role is none of"),
        ({"role": "root"}, "role is none of"),
        ({"role": ["owner"]}, "role is none of"),
        ({"exp": ...}, "exp must"),
        ({"exp": "tomorrow"}, "exp must"),
        ({"exp": True}, "exp must"),
        ({"exp": float("inf")}, "exp is no possible"),
        ({"exp": float("nan")}, "exp is no possible"),
        ({"exp": 10**400}, "(exp is no possible|malformed)"),
        ({"iat": ...}, "iat must"),
        ({"iat": NOW - 86_400}, "more than 86400 seconds"),
        ({"nbf": NOW + 31}, "nbf lies in the future"),
        ({"aud": "chat-visitor"}, "aud must"),
        ({"aud": ["a", "b"]}, "aud must"),
        ({"aud": 5}, "aud must"),
    ],
)
def test_claims_that_are_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(TokenInvalidError, match=reason):
        verify_agent_token(SECRET, signed(**agent_claims(**changes)), now=NOW)


def test_an_expired_token_of_another_secret_is_invalid_not_expired() -> None:
    with pytest.raises(TokenInvalidError, match="signature"):
        verify_agent_token(OTHER, signed(**agent_claims(exp=NOW - 1000, iat=NOW - 1100)), now=NOW)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_other_algorithms_are_refused(algorithm: str) -> None:
    with pytest.raises(TokenInvalidError, match="HS256"):
        verify_agent_token(SECRET, signed(SECRET * 2, algorithm, **agent_claims()), now=NOW)


def test_an_unsigned_token_is_refused() -> None:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "none"}, agent_claims())
    ]
    with pytest.raises(TokenInvalidError):
        verify_agent_token(SECRET, ".".join([*parts, ""]), now=NOW)


@given(st.text(max_size=200))
def test_noise_is_refused_and_nothing_else_is_raised(noise: str) -> None:
    with pytest.raises(TokenError):
        verify_agent_token(SECRET, noise, now=NOW)


def test_deep_json_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 6000).decode()
    with pytest.raises(TokenInvalidError):
        verify_agent_token(SECRET, f"{deep}.{deep}.x", now=NOW)


def test_errors_hold_nothing_of_the_token() -> None:
    with pytest.raises(TokenInvalidError) as refused:
        verify_agent_token(SECRET, signed(**agent_claims(sub="", name="Very Private")), now=NOW)
    assert "Private" not in repr(refused.value)


def test_names_are_cleaned_and_never_a_reason_to_refuse() -> None:
    long = signed(**agent_claims(name=" A\0nn \ud800" + "n" * 100))
    assert verify_agent_token(SECRET, long, now=NOW).name == ("Ann " + "n" * 76)
    assert verify_agent_token(SECRET, signed(**agent_claims(name=5)), now=NOW).name is None


@pytest.mark.parametrize("wrong", [{"agent_id": ""}, {"role": "super"}, {"seconds": 0}, {"seconds": 86_401}])
def test_what_would_be_refused_is_not_issued(wrong: dict[str, object]) -> None:
    arguments = {"agent_id": "ann", "role": "agent", "seconds": 60} | wrong
    with pytest.raises(ValueError, match="agent token needs"):
        issue_agent_token(SECRET, **arguments)  # type: ignore[arg-type]


def test_a_visitors_identity() -> None:
    token = issue_visitor_identity(SECRET, subject="u1", seconds=60, now=NOW, name="Bo", email="bo@shop.example")
    identity = verify_visitor_identity(SECRET, token, NOW)
    assert (identity.subject, identity.name, identity.email, identity.phone) == ("u1", "Bo", "bo@shop.example", None)
    with pytest.raises(TokenExpiredError):
        verify_visitor_identity(SECRET, token, NOW + 90)


def test_agents_and_visitors_tokens_are_not_exchangeable() -> None:
    agent = issue_agent_token(SECRET, agent_id="ann", role="agent", now=NOW)
    visitor = issue_visitor_identity(SECRET, subject="u1", seconds=60, now=NOW)
    with pytest.raises(TokenInvalidError, match="aud"):
        verify_visitor_identity(SECRET, agent, NOW)
    with pytest.raises(TokenInvalidError, match="aud"):
        verify_agent_token(SECRET, visitor, now=NOW)
    with pytest.raises(TokenInvalidError, match="no role"):
        verify_visitor_identity(SECRET, signed(**agent_claims()), NOW)


def test_an_identity_by_hash() -> None:
    assert verify_visitor_hash(SECRET, "u1", visitor_hash(SECRET, "u1").upper()).subject == "u1"
    for subject, given_hash in (("u2", visitor_hash(SECRET, "u1")), ("u1", "ä"), ("u1", ""), ("", "x")):
        with pytest.raises(TokenInvalidError):
            verify_visitor_hash(SECRET, subject, given_hash)


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        (None, "is not set"),
        ("", "is not set"),
        ("k3Jd9", "has 5 bytes"),
        ("安" * 10, "has 30 bytes"),
        ("change-me", "sample"),
        ("change_me_to_a_long_random_string_please", "sample"),
        ("CHANGE-ME-IN-PRODUCTION-9f8e7d6c5b4a39281706", "sample"),
        ("your-secret-key-with-32-characters-or-more", "sample"),
        ("replace-with-at-least-32-random-characters", "sample"),
        ("a" * 64, "repeats"),
        ("a" * 30 + "bcdefghijklmnopq", "repeats"),
        ("abcabcabcabcabcabcabcabcabcabcabcabc", "repeats"),
    ],
)
def test_secrets_that_are_refused(secret: str | None, problem: str) -> None:
    assert problem in str(secret_problem(secret))


@given(st.binary(min_size=24, max_size=48))
def test_random_secrets_are_good(value: bytes) -> None:
    if len(set(value)) > 16:
        assert secret_problem(base64.b64encode(value).decode()) is None
        assert secret_problem(value.hex()) is None
