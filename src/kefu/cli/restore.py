"""`kefu restore`: puts a backup into a database, all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kefu.cli.progress import rows_progress, summary
from kefu.cli.running import database_name, run, with_database
from kefu.config import load_settings, reveal
from kefu.store.archive import ArchiveReader
from kefu.store.carry import put_in


def restore(
    file: Annotated[Path, typer.Argument(help="What `kefu backup` wrote.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every row back and compare it, before anything counts.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Drop the conversations that the database holds now.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only read the file to its end and compare its sums; touches no database.")
    ] = False,
) -> None:
    """Put a backup into the database of CHAT_DATABASE_URL (the embedded one if it is unset), migrated as needed.

    Stop chat-server and main site first. Whatever fails, the database stays as it was. Afterwards every client loads
    its conversation anew, and agents log in to Kefu's main site again.
    """
    run(_check(file) if check else _restore(file, verify=verify, replace=replace))


async def _check(file: Path) -> None:
    with ArchiveReader(file) as archive, rows_progress("check") as progress:
        rows = _expected(archive)
        progress.expect(rows)
        for name, _ in archive.tables:
            async for chunk in archive.chunks(name):
                progress.advance(name, chunk.count(b"\n"))
    made = archive.manifest
    print(f"{file} is whole: {summary(rows)}; made {made.created_at} by Kefu {made.kefu}, schema {made.revision}")


async def _restore(file: Path, *, verify: bool, replace: bool) -> None:
    settings = load_settings()
    with ArchiveReader(file) as archive:
        async with with_database(settings, or_embedded=True, make=True) as ready:
            url = reveal(ready.database_url) or ""
            with rows_progress("restore") as progress:
                progress.expect(_expected(archive), times=2 if verify else 1)
                done = await put_in(url, archive, progress.advance, replace=replace, verify=verify, end_logins=True)
    print(f"{database_name(settings)}: restored {summary(done.rows)}")
    if verify:
        print("verified: every row reads back as it was backed up")
    print(f"agents are logged out of Kefu's main site ({done.logins_ended} logins of the backup were ended)")
    for agent in done.let_in_again:
        print(f"note: {agent} was disabled and is active again, as in the backup: kefu agent disable {agent}")


def _expected(archive: ArchiveReader) -> dict[str, int]:
    return {table.name: table.rows for table in archive.manifest.tables}
