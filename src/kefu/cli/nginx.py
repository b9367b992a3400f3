"""`kefu nginx`: the configuration of an nginx in front of chat-server, on standard output."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Annotated

import typer

from kefu.cli.running import stop
from kefu.cli.workers import WORKERS_MAX
from kefu.config import ConfigError, Settings, load_settings
from kefu.proxy import site as sites
from kefu.proxy.nginx import Part, Version, parse_version, render
from kefu.proxy.site import Layout, Site, SiteError

PORT_MAX = 65_535
DETECT_TIMEOUT_S = 5
CERTIFICATES = "/etc/letsencrypt/live"
CACHES = "/var/cache"
SBIN = "/usr/local/sbin:/usr/sbin"
"""Where nginx is, and where the shell of somebody who is not root does not look."""


def nginx(  # noqa: PLR0917 - typer's options, given by name
    domain: Annotated[str, typer.Option(help="The main site's domain, such as shop.example.")],
    layout: Annotated[
        Layout, typer.Option(help="path: chat-server under that domain. subdomain: under chat.DOMAIN.")
    ] = "path",
    chat_domain: Annotated[str, typer.Option(help="Another name than chat.DOMAIN, for --layout subdomain.")] = "",
    www: Annotated[
        bool, typer.Option(help="Send the other name, with or without www., on to this one; for --layout path.")
    ] = True,
    workers: Annotated[
        int, typer.Option(min=1, max=WORKERS_MAX, help="Processes of chat-server, as in kefu server --workers.")
    ] = 1,
    part: Annotated[
        Part,
        typer.Option(
            help="all; challenge: only what certbot needs for the first certificate; rollback: all without the chat."
        ),
    ] = "all",
    chat_port: Annotated[
        int | None, typer.Option(min=1, max=PORT_MAX, help="chat-server's port; CHAT_SERVER_PORT unless given.")
    ] = None,
    main_site_port: Annotated[
        int | None, typer.Option(min=1, max=PORT_MAX, help="The main site's port; KEFU_SITE_PORT unless given.")
    ] = None,
    http_port: Annotated[int, typer.Option(min=1, max=PORT_MAX, help="nginx's port for http.")] = 80,
    https_port: Annotated[int, typer.Option(min=1, max=PORT_MAX, help="nginx's port for https.")] = 443,
    certificates: Annotated[
        str, typer.Option(help=f"Folder of fullchain.pem and privkey.pem; {CERTIFICATES}/NAME unless given.")
    ] = "",
    webroot: Annotated[str, typer.Option(help="certbot's --webroot-path.")] = "/var/www/letsencrypt",
    cache: Annotated[str, typer.Option(help=f"Folder of nginx's cache; {CACHES}/kefu-NAME unless given.")] = "",
    upload_mib: Annotated[int, typer.Option(min=1, help="Largest file that may be sent, MiB.")] = 20,
    ipv6: Annotated[bool, typer.Option(help="Listen on IPv6 too.")] = True,
    nginx_version: Annotated[
        str, typer.Option(help="Such as 1.22; that of the nginx installed here unless given.")
    ] = "",
) -> None:
    """Print an nginx configuration: HTTPS, sockets, files, redirect, certbot.

    For a file that nginx includes inside its http block, such as /etc/nginx/sites-available/NAME.
    """
    if layout == "subdomain" and part == "rollback":
        raise typer.BadParameter("a subdomain holds nothing but the chat: to roll back, remove its file from nginx")
    if chat_domain and layout == "path":
        raise typer.BadParameter("--chat-domain is for --layout subdomain")
    if nginx_version and parse_version(nginx_version) is None:
        raise typer.BadParameter(f"expected --nginx-version such as 1.22, got {nginx_version!r}")
    try:
        settings = load_settings()
        own = sites.checked_domain(domain)
        chat = sites.checked_domain(chat_domain or sites.chat_domain_of(own)) if layout == "subdomain" else own
        found = Site(
            domain=own,
            layout=layout,
            chat_domain=chat,
            workers=workers,
            chat_port=chat_port or settings.port,
            main_site_port=main_site_port or settings.site_port,
            http_port=http_port,
            https_port=https_port,
            certificates=sites.checked_folder(certificates or f"{CERTIFICATES}/{chat}"),
            webroot=sites.checked_folder(webroot),
            cache=sites.checked_folder(cache or f"{CACHES}/kefu-{chat}"),
            socket_timeout_s=_socket_timeout_s(settings),
            socket_body_bytes=settings.message_bytes_max,
            upload_mib=upload_mib,
            ipv6=ipv6,
            other_name=sites.www_name(own) if www and layout == "path" else "",
        )
    except SiteError as error:
        raise typer.BadParameter(str(error)) from None
    except ConfigError as error:
        stop(*error.problems)
    print(render(found, parse_version(nginx_version) or installed_version(), part))


def _socket_timeout_s(settings: Settings) -> int:
    return sites.socket_timeout_s(settings.ping_interval_ms, settings.ping_timeout_ms)


def installed_version() -> Version | None:
    """The version of this machine's nginx; None if there is none."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:{SBIN}")
    if program is None:
        return None
    try:
        told = subprocess.run(  # noqa: S603 - nothing of it comes from outside
            [program, "-v"],
            capture_output=True,
            text=True,
            timeout=DETECT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(told.stderr)
