"""What stands behind a reverse proxy, checked so that it can be written into a configuration. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

Layout = Literal["path", "subdomain"]

DOMAIN_CHARS_MAX = 253
PING_MARGIN_S = 15
HTTPS_PORT = 443
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_PATH = re.compile(r"/[A-Za-z0-9._/@+-]*")


class SiteError(ValueError):
    """Something that must not stand in a configuration; the message is for people."""


@dataclass(frozen=True, slots=True)
class Site:
    """An installation and its public name. Made by `checked`.

    Attributes:
        domain: The main site's name.
        layout: `path`: chat-server under the main site's name. `subdomain`: under a name of its own.
        chat_domain: The name under which browsers find chat-server; the same as `domain` for `path`.
        workers: Processes of chat-server on its port.
        chat_port: chat-server's port on this machine.
        main_site_port: The main site's port on this machine.
        http_port: The proxy's port for http.
        https_port: The proxy's port for https.
        certificates: Folder of `fullchain.pem` and `privkey.pem`.
        webroot: Folder in which certbot leaves its proofs.
        cache: Folder of the proxy's cache; the proxy makes it.
        socket_timeout_s: How long a silent socket is kept; longer than a ping and its answer take.
        socket_body_bytes: Largest body of a polling request.
        upload_mib: Largest body of any other request to chat-server, MiB.
        ipv6: Whether the proxy listens on IPv6 too.
        other_name: A name that is sent on to the one that is served; empty: none.
    """

    domain: str
    layout: Layout
    chat_domain: str
    workers: int
    chat_port: int
    main_site_port: int
    http_port: int
    https_port: int
    certificates: str
    webroot: str
    cache: str
    socket_timeout_s: int
    socket_body_bytes: int
    upload_mib: int
    ipv6: bool
    other_name: str = ""

    @property
    def served(self) -> str:
        """The name that this configuration answers to."""
        return self.chat_domain if self.layout == "subdomain" else self.domain

    @property
    def public_url(self) -> str:
        """What browsers call it."""
        return f"https://{self.served}" + ("" if self.https_port == HTTPS_PORT else f":{self.https_port}")


def checked_domain(text: str) -> str:
    """A host name in the form that certificates and configurations use: ASCII, lower case.

    Raises:
        SiteError: It is none.
    """
    try:
        name = text.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    labels = name.split(".")
    is_address = labels[-1].isdigit()
    if (
        len(labels) < 2
        or is_address
        or len(name) > DOMAIN_CHARS_MAX
        or not all(_LABEL.fullmatch(label) for label in labels)
    ):
        raise SiteError(f"expected a domain such as shop.example, without scheme, port or path; got {text!r}")
    return name


def www_name(domain: str) -> str:
    """The name that people type for the same site: without `www.` if the domain has it, else with; empty: none.

    Args:
        domain: In the form of `checked_domain`.
    """
    bare = domain.removeprefix("www.")
    name = bare if bare != domain else f"www.{domain}"
    return name if "." in bare and len(name) <= DOMAIN_CHARS_MAX else ""


def checked_folder(text: str) -> str:
    """An absolute path of characters that mean nothing in a configuration.

    Raises:
        SiteError: It is none.
    """
    if not _PATH.fullmatch(text) or ".." in PurePosixPath(text).parts:
        raise SiteError(f"expected an absolute folder of letters, digits and . _ - @ +; got {text!r}")
    return str(PurePosixPath(text))


def chat_domain_of(domain: str) -> str:
    """The subdomain for chat-server, unless another one is wanted: `chat.` before the domain without `www.`."""
    return f"chat.{domain.removeprefix('www.')}"


def socket_timeout_s(ping_interval_ms: int, ping_timeout_ms: int) -> int:
    """How long a proxy must keep a silent socket: until a ping and its answer are due, and a margin."""
    return math.ceil((ping_interval_ms + ping_timeout_ms) / 1000) + PING_MARGIN_S
