"""`kefu doctor`: names what is wrong with an installation, and the line to change. Prints; judges nothing."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from kefu.api.files import Files
from kefu.cli.first_files import CHAT_SERVER_FILE, MAIN_SITE_FILE
from kefu.cli.kept_secret import with_kept_secret
from kefu.cli.language import LANG_HELP, Language, language_of
from kefu.cli.running import run
from kefu.config import ENV_FILE_VARIABLE
from kefu.doctor import live, local
from kefu.doctor.findings import Finding, in_order
from kefu.doctor.live import Wanted
from kefu.doctor.local import Installation
from kefu.doctor.sockets import Patience
from kefu.doctor.table import markdown

NOTHING: dict[Language, str] = {"en": "Nothing is wrong.", "zh-CN": "没有发现问题。"}
LOOKING: dict[Language, str] = {"en": "Looking…", "zh-CN": "正在检查……"}
WHERE: dict[Language, str] = {"en": "in", "zh-CN": "位于"}
COUNTED: dict[Language, str] = {
    "en": "failures: {failures}, warnings: {warnings}",
    "zh-CN": "{failures} 个错误，{warnings} 个提醒",
}
FAILED = 1


def doctor(  # noqa: PLR0917 - typer's options, given by name
    url: Annotated[
        str,
        typer.Option(help="Where browsers reach chat-server, such as https://shop.example; local checks only without."),
    ] = "",
    page: Annotated[str, typer.Option(help="A page that embeds the widget; the URL's front page unless given.")] = "",
    env: Annotated[
        Path | None,
        typer.Option(
            help="chat-server's settings file. Unless given: chat-server.env here, else the environment and .env."
        ),
    ] = None,
    site_env: Annotated[
        Path | None,
        typer.Option(help="The main site's settings file. Unless given: main-site.env here, if it is there."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes of chat-server.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Do not wait for a heartbeat (25 s) to see timeouts.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_list: Annotated[
        bool, typer.Option("--list", help="Print everything that can be found, as Markdown, and look at nothing.")
    ] = False,
    lang: Annotated[str, typer.Option(help=LANG_HELP)] = "",
) -> None:
    """Name what is wrong with an installation, and the line to change.

    Exit status 0: no failure was found (there may be warnings); 1: there was one; 2: wrong usage.
    """
    for name, value in (("--url", url), ("--page", page)):
        check_url(name, value)
    language = language_of(lang)
    if as_list:
        print(markdown(language))
        return
    installation = Installation(
        env or own_file(CHAT_SERVER_FILE),
        site_env or own_file(MAIN_SITE_FILE),
        workers,
        with_kept_secret,
        lambda: Files().missing(),
    )
    patience = Patience(ping_s_max=0) if quick else Patience()
    wanted = Wanted(url.rstrip("/"), page, patience) if url else None
    console = Console(highlight=False, soft_wrap=True)
    found: list[Finding] = []

    async def body() -> None:
        found.extend(await examine(installation, wanted))

    if as_json or not console.is_terminal:
        run(body())
    else:
        with Status(LOOKING[language], console=console):
            run(body())
    if as_json:
        print(json.dumps(as_object(found, language), ensure_ascii=False, indent=2))
    else:
        show(console, found, language)
    if any(one.severity == "failure" for one in found):
        raise typer.Exit(FAILED)


def own_file(name: str) -> Path | None:
    """A file that `kefu init` wrote into this folder, unless the settings are said to be elsewhere."""
    return Path(name) if not os.environ.get(ENV_FILE_VARIABLE) and Path(name).is_file() else None


async def examine(installation: Installation, wanted: Wanted | None) -> list[Finding]:
    """Every finding, the worst first."""
    programs = local.read(installation)
    checks = [local.check(installation, programs)]
    if wanted is not None:
        checks.append(live.check(wanted, programs))
    found = await asyncio.gather(*checks)
    return in_order([*programs.findings, *(one for findings in found for one in findings)])


def check_url(name: str, value: str) -> None:
    """Refuses what is no URL.

    Raises:
        typer.BadParameter: With what was expected.
    """
    if not value:
        return
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise typer.BadParameter(f"expected {name} http://host[:port] or https://host[:port], got {value!r}")


def as_object(found: list[Finding], language: Language) -> dict[str, object]:
    """Everything for programs."""
    return {
        "ok": not any(one.severity == "failure" for one in found),
        "findings": [msgspec.to_builtins(one.told(language)) for one in found],
    }


def show(console: Console, found: list[Finding], language: Language) -> None:
    """Prints findings for people: a mark, the code, what was found, and the line below it."""
    if not found:
        console.print(Text(f"✓ {NOTHING[language]}", "green"))
        return
    for one in found:
        is_failure = one.severity == "failure"
        head = Text("✗ " if is_failure else "! ", "bold red" if is_failure else "bold yellow")
        console.print(head.append(one.code, "bold").append(f"  {one.found(language)}", "not bold default"))
        place = f"    {WHERE[language]} {one.facts['file']}" if "file" in one.facts else ""
        console.print(Text(f"    → {one.line}", "cyan").append(place, "dim"))
    failures = sum(one.severity == "failure" for one in found)
    console.print(COUNTED[language].format(failures=failures, warnings=len(found) - failures))
