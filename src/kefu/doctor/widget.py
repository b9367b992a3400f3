"""Whether a browser on another site can load the widget's files, and how fast. `check` asks; the rest is pure."""

from __future__ import annotations

import re

from kefu.doctor.findings import Finding, finding
from kefu.doctor.request import Answer, Target, ask

LOADER = "/chat/widget/widget.js"
CACHE_SECONDS_MAX = 86_400
"""A loader that is kept longer than a day asks for parts that an update has taken away."""
COMPRESSIBLE_BYTES = 1024
_PART = re.compile(r"assets/[\w.-]+\.js")
_MAX_AGE = re.compile(r"(?:s-maxage|max-age)=(\d+)")
_ENCODINGS = ("gzip", "br", "zstd", "deflate")


async def check(target: Target, page_origin: str) -> list[Finding]:
    """The loader, and the first part that it loads.

    Args:
        target: Where chat-server is.
        page_origin: Of a page that embeds it; empty if none is known.
    """
    headers = {"Origin": page_origin or "https://shop.example", "Accept-Encoding": "gzip, br"}
    answer = await ask(target, LOADER, headers=headers)
    findings = judge(answer)
    plain = await ask(target, LOADER)
    part = _PART.search(plain.text) if plain.status == 200 else None
    if part is not None:
        path = LOADER.rpartition("/")[0] + "/" + part[0]
        found = await ask(target, path, headers=headers)
        if found.status != 200:
            findings.append(finding("widget_parts", path=path, status=found.status))
    return findings


def judge(answer: Answer) -> list[Finding]:
    """The loader's status and headers."""
    if answer.status != 200:
        return [finding("widget_not_found", path=LOADER, status=answer.status)]
    kind = answer.header("content-type")
    if "javascript" not in kind:
        return [finding("widget_type", path=LOADER, type=kind or "–")]
    findings = _judge_sharing(answer)
    cache = answer.header("cache-control")
    ages = [int(age) for age in _MAX_AGE.findall(cache)]
    if "immutable" in cache or max(ages, default=0) > CACHE_SECONDS_MAX:
        findings.append(finding("widget_cache", path=LOADER, cache=cache))
    is_small = len(answer.body) < COMPRESSIBLE_BYTES
    if not is_small and answer.header("content-encoding") not in _ENCODINGS:
        findings.append(finding("widget_uncompressed", path=LOADER, bytes=len(answer.body)))
    return findings


def _judge_sharing(answer: Answer) -> list[Finding]:
    """Whether pages of other origins may use it."""
    findings = []
    allowed = [value for name, value in answer.headers if name == "access-control-allow-origin"]
    if len(allowed) > 1:
        findings.append(finding("widget_cors_doubled", path=LOADER, value=", ".join(allowed)))
    elif allowed != ["*"]:
        findings.append(finding("widget_cors", path=LOADER, value=", ".join(allowed) or "–"))
    policy = answer.header("cross-origin-resource-policy")
    if policy and policy != "cross-origin":
        findings.append(finding("widget_corp", path=LOADER, value=policy))
    return findings
