"""`kefu import`: moves another chat in."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Self

import asyncpg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from kefu.cli.language import LANG_HELP, Language, language_of
from kefu.cli.running import database_name, opened, run, stop, with_database
from kefu.config import Settings, load_settings, reveal
from kefu.node_chat.move import NO_CONVERSATION, REST, SEVERAL_OPEN, Move, Report
from kefu.node_chat.source import SourceError, open_source
from kefu.node_chat.target import Target
from kefu.store.migrate import state, upgrade_async
from kefu.tokens import secret_problem

app = typer.Typer(no_args_is_help=True, help="Move another chat in.")

TEXTS: dict[str, dict[Language, str]] = {
    "into": {"en": "Into: {database}", "zh-CN": "移入：{database}"},
    "table": {"en": "table", "zh-CN": "表"},
    "found": {"en": "found", "zh-CN": "找到"},
    "taken": {"en": "taken now", "zh-CN": "本次移入"},
    "archived": {"en": "in the archive", "zh-CN": "归档"},
    "dry": {"en": "Dry run: nothing was written.", "zh-CN": "试运行：没有写入任何内容。"},
    "reasons": {
        "en": "Not taken as they were (kept whole in the table import_archive):",
        "zh-CN": "没有原样移入（完整保存在表 import_archive 中）：",
    },
    "columns": {"en": ": {columns}", "zh-CN": "：{columns}"},
    "unknown": {"en": "Tables that were not read: {tables}", "zh-CN": "没有读取的表：{tables}"},
    "origins": {
        "en": "Origins are enforced now: a page that is not in CHAT_ALLOWED_ORIGINS gets no chat. Visitors came from"
        " these, which are not in it:",
        "zh-CN": "现在会检查来源（origin）：不在 CHAT_ALLOWED_ORIGINS 里的页面无法使用聊天。"
        "访客来自以下来源，而它们还不在其中：",
    },
    "origins_set": {
        "en": "Origins are enforced now; CHAT_ALLOWED_ORIGINS holds every origin that visitors came from.",
        "zh-CN": "现在会检查来源（origin）；CHAT_ALLOWED_ORIGINS 已包含访客来自的所有来源。",
    },
    "secret": {
        "en": "Secrets have a minimum length now: CHAT_ADMIN_JWT_SECRET {problem}. Set the same new one on both sides.",
        "zh-CN": "现在密钥有最短长度：CHAT_ADMIN_JWT_SECRET 不能使用（{problem}）。请在两边设置同一个新值。",
    },
    "secret_set": {
        "en": "Secrets have a minimum length of 32 bytes now; CHAT_ADMIN_JWT_SECRET has it.",
        "zh-CN": "现在密钥至少 32 字节；CHAT_ADMIN_JWT_SECRET 符合要求。",
    },
}

REASONS_ZH = {
    REST: "有些列在 Kefu 中没有对应位置",
    SEVERAL_OPEN: "同一访客还有更新的未关闭会话：已关闭",
    NO_CONVERSATION: "所属会话不存在",
    "id is missing, longer than 64 characters or not printable": "id 缺失、超过 64 个字符或含不可打印字符",
    "conversationId is missing, longer than 64 characters or not printable": (
        "conversationId 缺失、超过 64 个字符或含不可打印字符"
    ),
    "createdAt is missing": "createdAt 缺失",
    "senderType is none of visitor, admin, system": "senderType 不是 visitor、admin 或 system",
    "bodyText is empty": "bodyText 为空",
    "bodyText is empty or createdAt is missing": "bodyText 为空或 createdAt 缺失",
}
"""The archive keeps reasons in English, so that a second run counts them alike; people read theirs."""


@app.callback()
def about() -> None:
    """Move another chat in."""


@app.command("node-chat")
def node_chat(
    source: Annotated[
        str,
        typer.Option(
            "--from",
            envvar="KEFU_IMPORT_FROM",
            metavar="URL",
            help="Its database: postgresql://user:password@host/database.",
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be taken, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    lang: Annotated[str, typer.Option(help=LANG_HELP)] = "",
) -> None:
    """Take over the tables of the older Node server: conversations, messages, notes; the rest goes to an archive.

    The older database is only read. Run it again at any time: only what came since is taken.
    """
    language = language_of(lang)
    run(_node_chat(source, dry_run=dry_run, as_json=as_json, language=language))


async def _node_chat(source: str, *, dry_run: bool, as_json: bool, language: Language) -> None:
    settings = load_settings()
    async with with_database(settings, or_embedded=True) as ready:
        url = reveal(ready.database_url) or ""
        await _prepare(url, database_name(settings), dry_run=dry_run)
        async with opened(ready) as database:
            installation = await database.installation()
        connection = await asyncpg.connect(url)
        try:
            async with open_source(source) as older:
                with Bars(shown=not as_json) as bars:
                    move = Move(older, Target(connection, installation), dry_run=dry_run, advance=bars.advance)
                    bars.begin(await older.counts())
                    report = await move.run()
        except SourceError as error:
            stop(str(error))
        finally:
            await connection.close()
    if as_json:
        print(json.dumps(_as_json(report, settings, dry_run=dry_run), ensure_ascii=False))
    else:
        show(report, settings, dry_run=dry_run, language=language)


async def _prepare(url: str, name: str, *, dry_run: bool) -> None:
    """Migrates our database; a dry run changes not even that, and needs it done."""
    if not dry_run:
        await upgrade_async(url)
    elif await asyncio.to_thread(state, url) != "current":
        stop(f"{name} is not of this version: run kefu migrate first, a dry run changes nothing")


class Bars:
    """A progress bar a table; none where nobody watches."""

    def __init__(self, *, shown: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        self._progress = Progress(*columns, console=console, disable=not (shown and console.is_terminal))
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, counts: dict[str, int]) -> None:
        """Draws the bars, empty."""
        self._tasks = {table: self._progress.add_task(table, total=count) for table, count in counts.items()}

    def advance(self, table: str, rows: int) -> None:
        """Some rows of a table are done."""
        if table in self._tasks:
            self._progress.advance(self._tasks[table], rows)


def show(report: Report, settings: Settings, *, dry_run: bool, language: Language) -> None:
    """Prints what became of the rows, and what must be changed before the switch."""
    console = Console()
    told = {name: texts[language] for name, texts in TEXTS.items()}
    table = Table(told["table"], *(told[name] for name in ("found", "taken", "archived")))
    for name, count in report.found.items():
        table.add_row(name, *(f"{number:,}" for number in (count, report.taken[name], report.archived[name])))
    console.print(told["into"].format(database=database_name(settings, language)), highlight=False, soft_wrap=True)
    console.print(table)
    if report.reasons:
        console.print(told["reasons"])
        for (name, reason), count in sorted(report.reasons.items()):
            shown = REASONS_ZH.get(reason, reason) if language == "zh-CN" else reason
            columns = told["columns"].format(columns=_columns(report, name)) if reason == REST else ""
            console.print(f"  {name}: {count:,} × {shown}{columns}", highlight=False, soft_wrap=True)
    if report.unknown_tables:
        console.print(told["unknown"].format(tables=", ".join(report.unknown_tables)))
    _show_origins(console, report, settings, told)
    problem = secret_problem(reveal(settings.admin_jwt_secret))
    console.print(told["secret"].format(problem=problem) if problem else told["secret_set"])
    if dry_run:
        console.print(told["dry"])


def _columns(report: Report, table: str) -> str:
    """The columns of a table that have no place here, each with the rows that have something in it."""
    return ", ".join(f"{column} ({rows:,})" for column, rows in sorted(report.columns[table].items()))


def _show_origins(console: Console, report: Report, settings: Settings, told: dict[str, str]) -> None:
    missing = [origin for origin, _ in report.origins.most_common() if origin not in settings.allowed_origins]
    console.print(told["origins" if missing else "origins_set"])
    for origin in missing:
        console.print(f"  {origin}  ({report.origins[origin]:,})", highlight=False, soft_wrap=True)
    if missing:
        line = ",".join([*settings.allowed_origins, *missing])
        console.print(f"  CHAT_ALLOWED_ORIGINS={line}", highlight=False, soft_wrap=True)


def _as_json(report: Report, settings: Settings, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dryRun": dry_run,
        "into": database_name(settings),
        "found": report.found,
        "taken": report.taken,
        "archived": report.archived,
        "reasons": [
            {"table": table, "reason": reason, "rows": count}
            for (table, reason), count in sorted(report.reasons.items())
        ],
        "columns": {table: dict(sorted(columns.items())) for table, columns in sorted(report.columns.items())},
        "unknownTables": report.unknown_tables,
        "origins": dict(report.origins.most_common()),
    }
