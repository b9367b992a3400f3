"""`kefu init`: the files of settings for both programs, with secrets made here."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from kefu.cli import first_files
from kefu.cli.first_files import CHAT_SERVER_FILE, NEEDS_QUOTES, Wanted, Way
from kefu.cli.language import LANG_HELP, Language, language_of
from kefu.cli.running import stop
from kefu.config import ConfigError
from kefu.config_rules import database

ASK_DOMAIN: dict[Language, str] = {"en": "Domain of your site", "zh-CN": "你的网站域名"}
ASK_DATABASE: dict[Language, str] = {
    "en": "Address of its PostgreSQL database (empty: later)",
    "zh-CN": "PostgreSQL 数据库地址（留空则以后再填）",
}
WRITTEN: dict[Language, str] = {"en": "written", "zh-CN": "已写入"}
EXISTS: dict[Language, str] = {"en": "exists, left as it is", "zh-CN": "已存在，未改动"}
FILL_IN: dict[Language, str] = {
    "en": "{program} db create --env-file chat-server.env --env-file main-site.env --admin-url …",
    "zh-CN": "{program} db create --env-file chat-server.env --env-file main-site.env --admin-url …",
}
NOT_THERE: dict[Language, str] = {
    "en": "the units see nothing of {hidden}: install Kefu elsewhere, such as python3 -m venv /opt/kefu",
    "zh-CN": "这些单元看不到 {hidden} 中的文件：请把 Kefu 装到别处，例如 python3 -m venv /opt/kefu",
}
MAKE_SURE: dict[Language, str] = {
    "en": "make sure that the database of CHAT_DATABASE_URL is there: {program} db create --help",
    "zh-CN": "确认 CHAT_DATABASE_URL 指向的数据库已建好：{program} db create --help",
}


def init(
    folder: Annotated[Path, typer.Option("--dir", help="Where the files go.")] = Path(),
    domain: Annotated[str, typer.Option(help="Of your site: shop.example. Asked for unless given.")] = "",
    database_url: Annotated[
        str,
        typer.Option(
            envvar="CHAT_DATABASE_URL",
            metavar="URL",
            help="As `kefu db create` prints it. Asked for unless given; may be empty.",
        ),
    ] = "",
    way: Annotated[
        Way | None, typer.Option("--for", help="Write too what starts the programs: PM2's file, units, compose file.")
    ] = None,
    lang: Annotated[str, typer.Option(help=f"Of comments and answers: {LANG_HELP}")] = "",
) -> None:
    """Write chat-server.env and main-site.env with new secrets, for your eyes only. Nothing is ever overwritten."""
    language = language_of(lang)
    if not domain and not sys.stdin.isatty():
        raise typer.BadParameter("give --domain, such as --domain shop.example")
    domain = domain or typer.prompt(ASK_DOMAIN[language])
    if not database_url and way != "containers" and sys.stdin.isatty():
        database_url = typer.prompt(ASK_DATABASE[language], default="", show_default=False)
    wanted = Wanted(_origins(domain), _checked(database_url), way, language)
    folder = folder.absolute()
    if way == "systemd" and (hidden := first_files.hidden_from_units(first_files.own_program())):
        stop(NOT_THERE[language].format(hidden=hidden))
    try:
        files = first_files.write(folder, wanted)
    except ConfigError as error:
        stop(*error.problems)
    for file, is_new in files.items():
        print(f"{file}: {(WRITTEN if is_new else EXISTS)[language]}")
    print()
    print(_next_steps(folder, wanted), end="")


def _origins(domain: str) -> tuple[str, ...]:
    try:
        return first_files.origins_of(domain.strip())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--domain") from None


def _checked(database_url: str) -> str:
    """The address as it will stand in the files, without quotes.

    Raises:
        typer.BadParameter: It is none, or would need quotes.
    """
    url = database_url.strip()
    if url and (problems := database(url)):
        raise typer.BadParameter(problems[0], param_hint="--database-url")
    if NEEDS_QUOTES & set(url):
        raise typer.BadParameter(
            "expected blanks, quotes, $, #, ` and \\ of a password as %XX: %24 for $, %23 for #",
            param_hint="--database-url",
        )
    return url


def _next_steps(folder: Path, wanted: Wanted) -> str:
    program = "kefu" if shutil.which("kefu") == str(first_files.own_program()) else str(first_files.own_program())
    database_step = MAKE_SURE if first_files.has_database(folder / CHAT_SERVER_FILE) else FILL_IN
    steps = {
        "folder": shlex.quote(str(folder)),
        "program": shlex.quote(program),
        "nginx_options": first_files.nginx_options(wanted.origins),
        "database_step": database_step[wanted.language].format(program=shlex.quote(program)),
    }
    return first_files.told(f"next-{wanted.way}.txt" if wanted.way else "next.txt", wanted.language, steps)
