"""`kefu backup`: the whole database in one file, while the server runs."""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
from pathlib import Path
from typing import Annotated

import typer

from kefu.cli.progress import readable_size, rows_progress, summary
from kefu.cli.running import database_name, run, with_database
from kefu.config import load_settings, reveal
from kefu.store.archive import ArchiveError
from kefu.store.carry import back_up

SUFFIX = ".kefu.zip"


def backup(
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The new file, or a folder for one named by the time. Default: here."),
    ] = None,
) -> None:
    """Write the database into one file (mode 600): conversations, agents, keys. The server may go on running.

    Exit status 0: the file is whole and on disk. Otherwise there is none. `kefu restore FILE` reads it, on any
    PostgreSQL from 14 on.
    """
    run(_backup(named(to or Path())))


def named(to: Path) -> Path:
    """The archive's path: a folder gets a file named by the time in UTC."""
    if not to.is_dir():
        return to
    return to / f"kefu-{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}{SUFFIX}"


async def _backup(path: Path) -> None:
    settings = load_settings()
    task, told = asyncio.current_task(), asyncio.Event()
    assert task is not None

    def stop() -> None:
        told.set()
        task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    try:
        async with with_database(settings, or_embedded=True) as ready:
            url = reveal(ready.database_url) or ""
            with rows_progress("backup") as progress:
                done = await back_up(url, path, progress.advance, progress.expect)
    except asyncio.CancelledError:
        if not told.is_set():  # Ctrl-C, which `run` tells
            raise
        raise ArchiveError("stopped before the backup was whole; nothing was written") from None
    print(f"{path}: {summary(done.rows)}; {readable_size(done.size)}; of {database_name(settings)}")
    if done.left_out:
        print(f"not in it, because they are no tables of Kefu: {', '.join(done.left_out)}")
