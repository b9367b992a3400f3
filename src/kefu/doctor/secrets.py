"""Whether the secrets can be used, are the same where they must be, and differ where they must. Pure.

Never puts a secret, or a part of one, into a finding.
"""

from __future__ import annotations

import hmac

from kefu.config import Settings, reveal
from kefu.doctor.findings import Finding, finding
from kefu.tokens import SAMPLE_SECRET, SECRET_BYTES_MIN, secret_problem

AGENTS = "CHAT_ADMIN_JWT_SECRET"
VISITORS = "KEFU_IDENTITY_SECRET"
METRICS = "KEFU_METRICS_TOKEN"


def check_program(settings: Settings, file: str) -> list[Finding]:
    """The secrets of one program.

    Args:
        settings: As it reads them.
        file: Where they are written, for the hint.
    """
    agents = reveal(settings.admin_jwt_secret)
    findings = check_secret(AGENTS, agents, file)
    for name, secret in ((VISITORS, reveal(settings.identity_secret)), (METRICS, reveal(settings.metrics_token))):
        if secret is None:
            continue
        findings += check_secret(name, secret, file)
        if agents is not None and same(secret, agents):
            findings.append(finding("secret_shared", setting=name, other=AGENTS, file=file))
    return findings


def check_secret(setting: str, secret: str | None, file: str) -> list[Finding]:
    """Whether one secret is good enough."""
    if secret_problem(secret) is None:
        return []
    size = len((secret or "").encode(errors="replace"))
    code = "secret_weak"
    if not secret:
        code = "secret_missing"
    elif SAMPLE_SECRET.search(secret):
        code = "secret_sample"
    elif size < SECRET_BYTES_MIN:
        code = "secret_short"
    return [finding(code, setting=setting, bytes=size, needed=SECRET_BYTES_MIN, file=file)]


def check_pair(server: Settings, site: Settings, server_file: str, site_file: str) -> list[Finding]:
    """Whether chat-server and main site have the same secret of agents' tokens."""
    ours, theirs = reveal(server.admin_jwt_secret), reveal(site.admin_jwt_secret)
    if not ours or not theirs or same(ours, theirs):
        return []
    return [finding("secret_differs", setting=AGENTS, file=site_file, other=server_file)]


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))
