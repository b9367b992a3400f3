"""Whether a page that embeds the widget lets it work: its script tag, mixed content, its content security policy.

`check` asks for the page; the rest is pure. Reads HTML with patterns: what scripts add later is not seen.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from kefu.doctor.findings import Finding, finding
from kefu.doctor.origins import origin_of
from kefu.doctor.request import Target, ask
from kefu.doctor.server_url import told

REDIRECTS_MAX = 5
_SCRIPT = re.compile(r"<script\b([^>]*)>", re.IGNORECASE)
_META = re.compile(r"<meta\b([^>]*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
_LOADER = re.compile(r"/widget/widget(Script)?\.js$")
_BASE_URL = re.compile(r"""serverBaseUrl["']?\s*:\s*["']([^"']+)["']""")


@dataclass(frozen=True, slots=True)
class Page:
    """A page as far as the widget goes.

    Attributes:
        url: Its own, after redirects.
        policies: Content security policies, all of which must allow a thing.
        loader: URL of the widget's script; empty if there is none in the HTML.
        nonce: Of that script tag; empty if it has none.
        server: The base URL with which the page sets the widget up; empty: where the script comes from.
    """

    url: str
    policies: tuple[str, ...]
    loader: str = ""
    nonce: str = ""
    server: str = ""


async def check(page_url: str, server_url: str, *, verify: bool = True) -> list[Finding]:
    """Fetches a page and judges it; with `verify=False` under any certificate, when that was told already."""
    try:
        page = await fetch(page_url, verify=verify)
    except OSError as error:
        reason = "timeout" if isinstance(error, TimeoutError) else error.strerror or str(error)
        return [finding("page_unreachable", page=page_url, url=server_url, reason=reason)]
    return judge(page, server_url)


async def fetch(url: str, *, verify: bool = True) -> Page:
    """A page, through a few redirects.

    Raises:
        OSError: There is none.
    """
    for _ in range(REDIRECTS_MAX):
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        target = Target.of(f"{parts.scheme}://{parts.netloc}", verify=verify)
        answer = await ask(target, path, headers={"Accept": "text/html"})
        if 300 <= answer.status < 400 and answer.header("location"):
            url = urljoin(url, answer.header("location"))
            continue
        if answer.status != 200 or told(answer):
            raise OSError(f"HTTP {answer.status}")
        headers = tuple(value for name, value in answer.headers if name == "content-security-policy")
        return read(url, headers, answer.text)
    raise OSError("too many redirects")


def read(url: str, policies: tuple[str, ...], document: str) -> Page:
    """What a page's HTML says of the widget."""
    metas = (_attributes(found[1]) for found in _META.finditer(document))
    inside = tuple(
        meta.get("content", "") for meta in metas if meta.get("http-equiv", "").lower() == "content-security-policy"
    )
    configured = _BASE_URL.search(document)
    server = configured[1].rstrip("/") if configured else ""
    for found in _SCRIPT.finditer(document):
        attributes = _attributes(found[1])
        source = urljoin(url, attributes.get("src", ""))
        if attributes.get("src") and _LOADER.search(urlsplit(source).path):
            server = server or attributes.get("data-server-base-url", "").rstrip("/")
            return Page(url, policies + inside, source, attributes.get("nonce", ""), server)
    return Page(url, policies + inside, server=server)


def judge(page: Page, server_url: str) -> list[Finding]:
    """What keeps the widget from working on a page."""
    findings = []
    if not page.loader:
        findings.append(finding("page_without_widget", page=page.url, url=server_url))
    elif origin_of(page.loader) != origin_of(server_url):
        told_of = {"page": page.url, "url": server_url, "loader": page.loader}
        findings.append(finding("page_other_server", **told_of))
    used = dict.fromkeys(filter(None, (page.loader, page.server)))
    findings += [
        finding("page_mixed", page=page.url, loader=url, fixed=url.replace("http:", "https:", 1))
        for url in used
        if page.url.startswith("https://") and url.startswith("http://")
    ]
    server = page.server or (origin_of(page.loader) if page.loader else server_url)
    for policy in page.policies:
        findings += judge_policy(policy, page, origin_of(page.loader or server_url), origin_of(server))
    return findings


def judge_policy(policy: str, page: Page, script_origin: str, server_origin: str) -> list[Finding]:
    """Which directive of a policy blocks the widget.

    Args:
        policy: As the page sends it; several of them may come joined by commas.
        page: The page.
        script_origin: Where the widget's files come from.
        server_origin: Where its sockets go.
    """
    findings = []
    own = origin_of(page.url)
    socket_origin = server_origin.replace("http", "ws", 1)
    for one in policy.split(","):
        directives = _directives(one)
        name, sources = _governing(directives, "script-src-elem", "script-src", "default-src")
        if sources is not None and not _runs(sources, page.nonce, script_origin, own):
            findings.append(_blocked("csp_script", page, name, "script-src", sources, [script_origin]))
        name, sources = _governing(directives, "connect-src", "default-src")
        if sources is not None:
            missing = [origin for origin in (server_origin, socket_origin) if not _allows(sources, origin, own)]
            if missing:
                findings.append(_blocked("csp_connect", page, name, "connect-src", sources, missing))
    return findings


def _blocked(code: str, page: Page, directive: str, wanted: str, sources: list[str], missing: list[str]) -> Finding:  # noqa: PLR0917
    kept = [source for source in sources if source != "'none'"]
    name = wanted if directive == "default-src" else directive
    fixed = f"Content-Security-Policy: {' '.join([name, *kept, *missing])};"
    return finding(code, page=page.url, directive=directive, missing=" ".join(missing), fixed=fixed)


def _directives(policy: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in policy.split(";"):
        words = part.split()
        if words:
            found.setdefault(words[0].lower(), words[1:])
    return found


def _governing(directives: dict[str, list[str]], *names: str) -> tuple[str, list[str] | None]:
    return next(((name, directives[name]) for name in names if name in directives), ("", None))


def _runs(sources: list[str], nonce: str, origin: str, own: str) -> bool:
    if nonce and f"'nonce-{nonce}'" in sources:
        return True  # what the script imports inherits its nonce
    if "'strict-dynamic'" in sources:
        return False  # hosts do not count then
    return _allows(sources, origin, own)


def _allows(sources: list[str], origin: str, own: str) -> bool:
    """Whether a source list lets an origin through, by the rules for hosts."""
    return any(_matches(source, origin, own) for source in sources)


def _matches(source: str, origin: str, own: str) -> bool:
    wanted, page = urlsplit(origin), urlsplit(own)
    if source == "'self'":
        same_host = wanted.netloc == page.netloc
        return same_host and (wanted.scheme == page.scheme or (page.scheme, wanted.scheme) in _OF_SELF)
    if source == "*":
        return wanted.scheme in {"http", "https", "ws", "wss"}
    if source.endswith(":") and "/" not in source:
        return _scheme_matches(source[:-1].lower(), wanted.scheme)
    if source.startswith("'"):
        return False
    scheme, separator, rest = source.partition("://")
    if not separator:
        scheme, rest = page.scheme, source
    given = urlsplit(f"//{rest}")
    return _scheme_matches(scheme.lower(), wanted.scheme) and _host_matches(given.netloc.lower(), wanted.netloc)


_UPGRADES = {("http", "https"), ("ws", "wss"), ("ws", "http"), ("ws", "https"), ("wss", "https")}
"""Schemes of a source, and others that it lets through; `https:` does not stand for `wss:`."""

_OF_SELF = {("http", "https"), ("http", "ws"), ("http", "wss"), ("https", "wss")}


def _scheme_matches(allowed: str, wanted: str) -> bool:
    return allowed == wanted or (allowed, wanted) in _UPGRADES


def _host_matches(allowed: str, wanted: str) -> bool:
    host, _, port = wanted.partition(":")
    allowed_host, _, allowed_port = allowed.partition(":")
    if allowed_port not in ("*", port) and not (not port and allowed_port in ("80", "443")):
        return False
    if allowed_host.startswith("*."):
        return host.endswith(allowed_host[1:])
    return allowed_host in (host, "*")


def _attributes(text: str) -> dict[str, str]:
    found = {}
    for match in _ATTRIBUTE.finditer(text):
        value = next((group for group in match.groups()[1:] if group is not None), "")
        found[match[1].lower()] = html.unescape(value)
    return found
