"""Writes an nginx configuration for a site. Pure; what the values may be is checked in `site.py`.

Headers for chat-server and the main site are set once, for the whole server: a location with a `proxy_set_header` or an
`add_header` of its own would lose all the others.
"""

from __future__ import annotations

import re
import textwrap
from typing import Literal

from kefu.proxy.site import HTTPS_PORT, Site

Part = Literal["all", "challenge", "rollback"]

HTTP2_DIRECTIVE_SINCE = (1, 25, 1)
IDLE_PER_WORKER = 16
"""Idle connections that nginx keeps to each process of chat-server."""
IDLE_S = 20
"""Shorter than chat-server keeps an idle connection (30 s): nginx must not send on one that is being closed."""
BODY_MARGIN_BYTES = 1024
_HSTS = "add_header Strict-Transport-Security $kefu_hsts always;"
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")

Version = tuple[int, int, int]


def parse_version(text: str) -> Version | None:
    """The version in a text such as `nginx version: nginx/1.22.1` or `1.25`; None if there is none."""
    found = _VERSION.search(text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def render(site: Site, version: Version | None, part: Part = "all") -> str:
    """The configuration, for a file that nginx includes inside its `http` block.

    Args:
        site: What to serve.
        version: nginx's; None for a configuration that all of them take.
        part: `all`; `challenge`: what certbot needs for the first certificate; `rollback`: all without the chat.
    """
    if part == "challenge":
        return _plain_server(site, redirect=False)
    has_chat, has_main_site = part == "all", site.layout == "path"
    blocks = [
        _head(site, part),
        _maps(),
        _upstreams(site, has_chat=has_chat, has_main_site=has_main_site),
        _cache(site) if has_chat else "",
        _plain_server(site, redirect=True),
        _secure_server(site, version, has_chat=has_chat, has_main_site=has_main_site),
        _other_name_server(site, version) if site.other_name else "",
    ]
    return "\n".join(block for block in blocks if block)


def _head(site: Site, part: Part) -> str:
    what = {
        "all": f"Kefu's chat-server at {site.public_url}",
        "rollback": f"{site.public_url} without Kefu's chat-server",
    }[part]
    layout = "under a name of its own" if site.layout == "subdomain" else "under the main site's name"
    return f"# {what}, {layout}. Written by `kefu nginx`.\n"


def _maps() -> str:
    return textwrap.dedent("""\
        # A websocket's handshake goes on as one; every other request may reuse a connection to the server behind.
        map $http_upgrade $connection_upgrade {
            default      "";
            ~*^websocket$ upgrade;
        }
        # Security headers, unless the server behind sends its own.
        map $upstream_http_strict_transport_security $kefu_hsts {
            "" "max-age=31536000";
        }
        map $upstream_http_x_content_type_options $kefu_content_type_options {
            "" nosniff;
        }
        map $upstream_http_referrer_policy $kefu_referrer_policy {
            "" strict-origin-when-cross-origin;
        }
        """)


def _upstreams(site: Site, *, has_chat: bool, has_main_site: bool) -> str:
    found = []
    if has_chat:
        found.append(_upstream(_chat(site), site.chat_port, IDLE_PER_WORKER * site.workers))
    if has_main_site:
        found.append(_upstream(_main(site), site.main_site_port, IDLE_PER_WORKER))
    return "\n".join(found)


def _upstream(name: str, port: int, idle: int) -> str:
    return textwrap.dedent(f"""\
        upstream {name} {{
            server 127.0.0.1:{port};
            keepalive {idle};
            keepalive_timeout {IDLE_S}s;
        }}
        """)


def _chat(site: Site) -> str:
    return f"kefu-chat-{site.served}"


def _main(site: Site) -> str:
    return f"kefu-main-{site.served}"


def _zone(site: Site) -> str:
    return f"kefu-{site.served}"


def _cache(site: Site) -> str:
    return (
        "# Hashed files never change, so they are kept; pages that were open during an upgrade still find theirs.\n"
        f"proxy_cache_path {site.cache} levels=1:2 keys_zone={_zone(site)}:1m max_size=50m inactive=30d"
        " use_temp_path=off;\n"
    )


def _listen(site: Site, port: int, words: str = "") -> str:
    lines = [f"listen {port}{words};"]
    if site.ipv6:
        lines.append(f"listen [::]:{port}{words};")
    return "\n".join(lines)


def _plain_server(site: Site, *, redirect: bool) -> str:
    other = f"return 301 {site.public_url}$request_uri;" if redirect else "return 404;"
    names = [site.served, *([site.other_name] if site.other_name else [])]
    return _block(
        "server",
        _listen(site, site.http_port),
        f"server_name {' '.join(names)};",
        "server_tokens off;",
        "",
        f"# certbot certonly --webroot -w {site.webroot} {' '.join(f'-d {name}' for name in names)}",
        "# leaves its proofs here.",
        _block("location ^~ /.well-known/acme-challenge/", f"root {site.webroot};", "default_type text/plain;"),
        _block("location /", other),
    )


def _secure_server(site: Site, version: Version | None, *, has_chat: bool, has_main_site: bool) -> str:
    locations = []
    if has_chat:
        locations += _chat_locations(site)
    if has_main_site:
        locations += _main_locations(site)
    return _block(
        "server",
        *_listen_secure(site, version),
        f"server_name {site.served};",
        "server_tokens off;",
        "",
        *_tls(site),
        "",
        *_server_wide(site),
        "",
        *locations,
    )


def _other_name_server(site: Site, version: Version | None) -> str:
    return "# The same site by its other name; the certificate must hold both.\n" + _block(
        "server",
        *_listen_secure(site, version),
        f"server_name {site.other_name};",
        "server_tokens off;",
        "",
        *_tls(site),
        "",
        _HSTS,
        f"return 301 {site.public_url}$request_uri;",
    )


def _listen_secure(site: Site, version: Version | None) -> list[str]:
    is_new = version is not None and version >= HTTP2_DIRECTIVE_SINCE
    return [_listen(site, site.https_port, " ssl" if is_new else " ssl http2"), *(["http2 on;"] if is_new else [])]


def _tls(site: Site) -> list[str]:
    return [
        f"ssl_certificate     {site.certificates}/fullchain.pem;",
        f"ssl_certificate_key {site.certificates}/privkey.pem;",
        "ssl_protocols TLSv1.2 TLSv1.3;",
        "ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL;",
        "ssl_prefer_server_ciphers off;",
        f"ssl_session_cache shared:{_zone(site)}-tls:5m;",
        "ssl_session_timeout 1d;",
        "ssl_session_tickets off;",
    ]


def _server_wide(site: Site) -> list[str]:
    host = "$host" if site.https_port == HTTPS_PORT else "$host:$server_port"
    return [
        _HSTS,
        "add_header X-Content-Type-Options $kefu_content_type_options always;",
        "add_header Referrer-Policy $kefu_referrer_policy always;",
        "",
        "proxy_http_version 1.1;",
        "proxy_set_header Upgrade $http_upgrade;",
        "proxy_set_header Connection $connection_upgrade;",
        f"proxy_set_header Host {host};",
        "# chat-server believes these from CHAT_TRUSTED_PROXIES only: by default this machine.",
        "proxy_set_header X-Real-IP $remote_addr;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
        "proxy_connect_timeout 5s;",
    ]


def _chat_locations(site: Site) -> list[str]:
    if site.layout == "subdomain":
        sockets, files, rest = r"^/ws-(visitor|admin)/?$", r"^/(chat/)?(widget|console)/", "/"
    else:
        sockets, files, rest = r"^/ws-(visitor|admin)/?$", r"^/(chat/(widget|console)|widget)/", "/chat/"
    return [
        f"# --- chat-server; {'the rest' if rest == '/' else 'what goes on a rollback'} ---",
        "# Sockets, by websocket and by polling. A server's ping comes well within the timeouts. Nothing is held back,",
        "# compressed or logged: the address of a polling session holds its key.",
        _block(
            f"location ~ {sockets}",
            f"proxy_pass http://{_chat(site)};",
            f"proxy_read_timeout {site.socket_timeout_s}s;",
            f"proxy_send_timeout {site.socket_timeout_s}s;",
            "proxy_buffering off;",
            "proxy_cache off;",
            "gzip off;",
            f"client_max_body_size {site.socket_body_bytes + BODY_MARGIN_BYTES};",
            "access_log off;",
        ),
        _block(
            f"location ~ {files}assets/",
            f"proxy_pass http://{_chat(site)};",
            f"proxy_cache {_zone(site)};",
            "proxy_cache_key $proxy_host$uri;",
            "proxy_cache_lock on;",
            "proxy_cache_use_stale error timeout updating;",
            *_gzip_static(),
        ),
        _block(f"location ~ {files}", f"proxy_pass http://{_chat(site)};", *_gzip_static()),
        "# The API answers with tokens and with what people wrote: compressed, its length would tell of them.",
        _block(
            f"location {rest}",
            f"proxy_pass http://{_chat(site)};",
            "gzip off;",
            f"client_max_body_size {site.upload_mib}m;",
        ),
    ]


def _gzip_static() -> list[str]:
    """Widget and console are compressed when they are built; this is for what is not."""
    return ["gzip on;", "gzip_vary on;", "gzip_types text/javascript text/css application/json image/svg+xml;"]


def _main_locations(site: Site) -> list[str]:
    return [
        "# --- the main site ---",
        "# Login, console page and token route hold secrets, so they are not compressed.",
        _block(r"location ~ ^/(api/)?admin(/|$)", f"proxy_pass http://{_main(site)};", "gzip off;"),
        _block("location /", f"proxy_pass http://{_main(site)};"),
    ]


def _block(name: str, *lines: str) -> str:
    body = "\n".join(textwrap.indent(line, "    ") for line in lines)
    return f"{name} {{\n{body}\n}}\n" if name == "server" else f"{name} {{\n{body}\n}}"
