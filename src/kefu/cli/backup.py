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
        str,
        typer.Option(metavar="PATH", help="The new file; or a folder, ending in / if new, for one named by the time."),
    ] = ".",
) -> None:
    """Write the database into one file (mode 600): conversations, agents, keys. The server may go on running.

    Exit status 0: the file is whole and on disk. Otherwise there is none. `kefu restore FILE` reads it, on any
    PostgreSQL from 14 on.
    """
    run(_backup(to))


def named(to: str) -> Path:
    """The archive's path: in a folder, a file named by the time in UTC.

    What ends in `/` is a folder, made if it is missing, and so is a folder that is there; anything else names a file.

    Raises:
        ArchiveError: The folder around it is not there, or it cannot be made.
    """
    path = Path(to)
    is_folder = path.is_dir() or to.rpartition("/")[2] in {"", ".", ".."}
    if not path.parent.is_dir():
        raise ArchiveError(f"{to}: there is no folder {path.parent}; make it first")
    if not is_folder:
        return path
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ArchiveError(f"{to}: {error.strerror}") from None
    return path / f"kefu-{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}{SUFFIX}"


async def _backup(to: str) -> None:
    settings = load_settings()
    task, told = asyncio.current_task(), asyncio.Event()
    assert task is not None

    def stop() -> None:
        told.set()
        task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    try:
        async with with_database(settings, or_embedded=True) as ready:
            url, path = reveal(ready.database_url) or "", named(to)
            with rows_progress("backup") as progress:
                done = await back_up(url, path, progress.advance, progress.expect)
    except asyncio.CancelledError:
        if not told.is_set():  # Ctrl-C, which `run` tells
            raise
        raise ArchiveError("stopped before the backup was whole; nothing was written") from None
    print(f"{path}: {summary(done.rows)}; {readable_size(done.size)}; of {database_name(settings)}")
    if done.left_out:
        print(f"not in it, because they are no tables of Kefu: {', '.join(done.left_out)}")
