"""`kefu accept`: the deployment document's acceptance list, done to a live installation, with a report."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import ssl
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kefu.accept.checks import Report, Result
from kefu.accept.run import Target
from kefu.accept.run import accept as accept_all
from kefu.accept.talk import VISITOR_NAME
from kefu.accept.texts import name_of, say
from kefu.cli.kept_secret import with_kept_secret
from kefu.cli.language import LANG_HELP, Language, language_of
from kefu.cli.running import stop
from kefu.client.address import Address
from kefu.config import ConfigError, load_settings, reveal
from kefu.config_rules import agents_secret
from kefu.store.embedded_place import EmbeddedPostgresError
from kefu.tokens import issue_agent_token

AGENT, AGENT_NAME = "kefu-accept", "Kefu accept"
COLOURS = {"ok": "green", "failed": "bold red", "skipped": "yellow"}


def accept(  # noqa: PLR0917 - typer's options, given by name
    url: Annotated[str, typer.Option(help="chat-server as browsers reach it: https://shop.example.")],
    admin_url: Annotated[
        str, typer.Option(help="The main site with /admin/chat, if it is not the same as --url.")
    ] = "",
    origin: Annotated[
        str, typer.Option(help="Origin of the pages with the widget; that of the main site unless given.")
    ] = "",
    page: Annotated[str, typer.Option(help="A page with the widget, for a picture; the origin's unless given.")] = "",
    token: Annotated[
        str, typer.Option(help="An agent's token. Unless given it is made from CHAT_ADMIN_JWT_SECRET.")
    ] = "",
    token_from: Annotated[
        str, typer.Option(metavar="FILE", help="File with an agent's token; - reads standard input.")
    ] = "",
    ca: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Certificates to trust instead of the machine's.")
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Take any certificate.")] = False,
    screenshots: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Take pictures of widget and console with an installed browser."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
    lang: Annotated[str, typer.Option(help=LANG_HELP)] = "",
) -> None:
    """Accept an installation: health, files, both sockets by both transports, a talk both ways, what is kept.

    Exit status 0: everything holds. It opens one conversation, named as a test, and closes it.
    """
    language = language_of(lang)
    site = base_of("--admin-url", admin_url) if admin_url else ""
    chat = base_of("--url", url)
    trust = trust_of(ca, insecure=insecure)
    page_origin = base_of("--origin", origin) if origin else origin_of(site or chat)
    target = Target(
        visitor=Address(chat, page_origin, trust),
        agent=Address(chat, origin_of(site or page_origin), trust),
        admin_url=site,
        page_url=page or f"{page_origin}/",
        token=read_token(token, token_from),
        pictures=screenshots,
    )

    async def body() -> None:
        console = Console(stderr=True, highlight=False)
        with console.status("", spinner="dots") as status:
            report = await accept_all(target, lambda result: status.update(name_of(result.name, language)))
        show(report, language, as_json=as_json)
        if not report.is_accepted:
            raise typer.Exit(1)

    try:
        asyncio.run(body())  # not uvloop: its TLS cuts off the end of an answer whose sender closes at once
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def base_of(option: str, url: str) -> str:
    """A base address without a slash at its end.

    Raises:
        typer.BadParameter: It is none.
    """
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise typer.BadParameter(f"expected {option} https://host[:port], got {url!r}")
    return url.rstrip("/")


def origin_of(url: str) -> str:
    """The origin of pages at an address, as browsers send it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def trust_of(ca: Path | None, *, insecure: bool) -> ssl.SSLContext | None:
    """How certificates are checked; None for this machine's way.

    Raises:
        typer.BadParameter: The file holds no certificate.
    """
    if insecure:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    try:
        return ssl.create_default_context(cafile=str(ca)) if ca else None
    except (ssl.SSLError, OSError) as error:
        raise typer.BadParameter(f"--ca {ca}: {error}") from None


def read_token(token: str, token_from: str) -> str:
    """The agent's token: given, from a file, or made with the installation's secret.

    Raises:
        typer.BadParameter: Both were given, or the file cannot be read.
    """
    if token and token_from:
        raise typer.BadParameter("give --token or --token-from, not both")
    if token_from:
        try:
            text = sys.stdin.read() if token_from == "-" else Path(token_from).read_text(encoding="utf-8")  # noqa: S105
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"--token-from: {error}") from None
        token = text.strip()
        if not token:
            raise typer.BadParameter("--token-from: there is no token in it")
    return token or make_token()


def make_token() -> str:
    """A token under the secret of the environment or `.env`."""
    try:
        secret = reveal(with_kept_secret(load_settings()).admin_jwt_secret) or ""
    except ConfigError as error:
        stop(*error.problems)
    except EmbeddedPostgresError as error:
        stop(str(error))
    if problems := agents_secret(secret):
        stop(f"{problems[0]}, or give --token or --token-from")
    return issue_agent_token(secret, agent_id=AGENT, role="agent", name=AGENT_NAME)


def show(report: Report, language: Language, *, as_json: bool) -> None:
    """Prints what came of it."""
    if as_json:
        print(json.dumps(as_object(report, language), ensure_ascii=False))
        return
    console = Console(highlight=False)
    table = Table()
    for key in ("check", "result"):
        table.add_column(say(key, language), no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column(say("more", language), overflow="fold")
    for result in report.results:
        state = f"[{COLOURS[result.state]}]{say(result.state, language)}[/]"
        more = "" if result.state == "failed" else escape(detail(result, language))
        table.add_row(escape(name_of(result.name, language)), state, f"{result.ms:.0f}", more)
    console.print(table)
    for result in report.results:
        if result.state == "failed":
            reason = escape(detail(result, language))
            console.print(f"[bold red]✗ {escape(name_of(result.name, language))}[/]: {reason}", soft_wrap=True)
    for line in report.lines():
        console.print(line, style="red" if "_FAIL" in line else "green", soft_wrap=True)
    if report.conversation_id:
        key = "left" if report.is_closed else "left_open"
        console.print(escape(say(key, language, id=report.conversation_id, name=VISITOR_NAME)), soft_wrap=True)
    if report.is_accepted:
        console.print(f"[bold green]{say('accepted', language, seconds=report.seconds)}[/]")
    else:
        advice = say("advice", language, url=report.url)
        console.print(f"[bold red]{say('not_accepted', language)}[/]; {escape(advice)}", soft_wrap=True)


def detail(result: Result, language: Language) -> str:
    """What there is to say about a result; empty if nothing."""
    if not result.key:
        return ""
    values = dict(result.values)
    if result.key == "not_tried":
        values["name"] = name_of(values["name"], language)
    return say(result.key, language, **values)


def as_object(report: Report, language: Language) -> dict[str, object]:
    """The report for programs."""
    results = [
        {
            "name": result.name,
            "line": result.line,
            "state": result.state,
            "ms": round(result.ms, 1),
            "detail": detail(result, language),
            "values": result.values,
        }
        for result in report.results
    ]
    known = dataclasses.asdict(report)
    return {
        "ok": report.is_accepted,
        "url": known["url"],
        "lines": report.lines(),
        "checks": results,
        "conversationId": known["conversation_id"] or None,
        "isClosed": known["is_closed"],
        "seconds": round(report.seconds, 2),
        "pictures": known["pictures"],
    }
