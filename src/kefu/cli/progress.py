"""Progress bars of work that goes over every row; nothing but the result where nobody looks (cron, pipes)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PLAIN_UNITS = ("bytes", "KB", "MB", "GB", "TB")


class RowsProgress:
    """One bar over the rows of all tables, with the name of the table that is worked on."""

    def __init__(self, progress: Progress, what: str) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=None, table="")

    def expect(self, rows: Mapping[str, int], times: int = 1) -> None:
        """Says how many rows there are, and how often each is gone over."""
        self._progress.update(self._task, total=sum(rows.values()) * times)

    def advance(self, table: str, rows: int) -> None:
        """So many more rows are done."""
        self._progress.update(self._task, advance=rows, table=table)


@contextmanager
def rows_progress(what: str) -> Iterator[RowsProgress]:
    """A bar for the time of the block, on standard error."""
    console = Console(stderr=True)
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[table]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield RowsProgress(progress, what)


def readable_size(size: float) -> str:
    """Bytes in the unit that people would use."""
    for unit in PLAIN_UNITS:
        if size < 1000 or unit == PLAIN_UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"


def summary(rows: Mapping[str, int]) -> str:
    """How many rows of what, for the line at the end."""
    return ", ".join(f"{count} {name}" for name, count in rows.items() if count) or "nothing"
