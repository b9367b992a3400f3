"""The client's address, told from the peer's address and the headers of trusted proxies.

One function for HTTP, polling and websocket. Knows addresses and two headers; knows nothing of connections.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_WITH_PORT = re.compile(r"\[([^]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+")
_GROUP_BITS = 64
_TEXT_LENGTH_MAX = 100
"""No address is longer, with its zone, brackets and port."""


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks or single addresses in text form, as `CHAT_TRUSTED_PROXIES` lists them.

    Raises:
        ValueError: If one is no network; the message names it.
    """
    return tuple(ip_network(text.strip(), strict=False) for text in texts if text.strip())


def client_address(
    peer: str | None, headers: Iterable[tuple[bytes, bytes]], trusted_networks: Sequence[Network]
) -> str:
    """The address of the client behind the proxies that are trusted.

    `X-Forwarded-For` is walked from the right, past trusted proxies, to the first address that is none of them; a
    malformed entry ends the walk at the proxy that wrote it. `X-Real-IP` counts only if there is no `X-Forwarded-For`.
    Neither counts if the peer is not trusted.

    Args:
        peer: The other end of the TCP connection; None (a Unix socket) is this machine.
        headers: Of the request, names in lower case, in their order; repeated ones are joined.
        trusted_networks: Where trusted proxies are.

    Returns:
        The address in text form, IPv4 also where it came mapped into IPv6; the peer as it came if it is no address.
    """
    last = _parse(peer) if peer is not None else ip_address("127.0.0.1")
    if last is None:
        return peer or ""
    if not _is_in(last, trusted_networks):
        return str(last)
    forwarded, real = _proxy_headers(headers)
    for entry in reversed(forwarded) if forwarded is not None else [real]:
        address = _parse(entry)
        if address is None:
            break
        last = address
        if not _is_in(address, trusted_networks):
            break
    return str(last)


def is_trusted(peer: str, trusted_networks: Sequence[Network]) -> bool:
    """Whether what this peer says of its client is believed."""
    parsed = _parse(peer)
    return parsed is not None and _is_in(parsed, trusted_networks)


def is_loopback(address: str) -> bool:
    """Whether the address is this machine's own."""
    parsed = _parse(address)
    return parsed is not None and parsed.is_loopback


def address_group(address: str) -> str:
    """What limits an address counts as one: IPv4 alone, IPv6 by its /64."""
    parsed = _parse(address)
    if not isinstance(parsed, IPv6Address):
        return address
    return str(ip_network((parsed, _GROUP_BITS), strict=False))


def _proxy_headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[list[str] | None, str]:
    forwarded: list[str] | None = None
    real = ""
    for name, value in headers:
        if name == b"x-forwarded-for":
            forwarded = (forwarded or []) + value.decode("latin-1").split(",")
        elif name == b"x-real-ip":
            real = value.decode("latin-1")
    return forwarded, real


def _parse(text: str) -> Address | None:
    text = text.strip()
    return _parse_short(text) if len(text) <= _TEXT_LENGTH_MAX else None


@lru_cache(maxsize=4096)  # a connection's address is asked for when it comes, in each limit, and when it goes
def _parse_short(text: str) -> Address | None:
    match = _WITH_PORT.fullmatch(text)
    if match:
        text = match[1] or match[2]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
