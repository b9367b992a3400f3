"""The log: one plain line an event on standard output.

Knows how a line looks. What may be in it is the caller's promise (no tokens, no client addresses, no message texts);
what looks like a credential is masked all the same, and of an exception only the first line is kept, because database
errors continue with the row that failed.
"""

from __future__ import annotations

import logging
import re
import sys
import time
import traceback
from pathlib import Path

FRAMES_MAX = 6
CREDENTIALS = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]*"  # a signed token
    r"|(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"  # user and password of an address
    r"|(?i:(?<=bearer )[\w.~+/-]+=*)"
    r"|(?i:(?<=[?&]sid=)[\w-]+)"
)
MASK = "***"


class LineFormatter(logging.Formatter):
    """One line a record: UTC time, level, logger, text; line breaks are shown as two characters."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The record as its line."""
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: {record.getMessage()}"
        if record.exc_info and record.exc_info[1] is not None:
            line += f" | {one_line(record.exc_info[1])}"
        return CREDENTIALS.sub(MASK, line.replace("\r", "\\r").replace("\n", "\\n"))


def one_line(error: BaseException) -> str:
    """An exception as one line: kind, first line of its text, and the innermost places it came through."""
    text = str(error).partition("\n")[0]
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
    return f"{type(error).__name__}: {text}" + (f" at {' < '.join(places)}" if places else "")


def configure(level: str = "info") -> None:
    """Sends every logger of this process to standard output, from `level` on. Another call replaces the first."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 must not lose the line
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for noisy in ("asyncio", "sqlalchemy", "alembic", "uvicorn"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


def announce(line: str) -> None:
    """Writes a line as it is, at once: what operators and scripts wait for, such as `SERVER_OK port=4000`."""
    print(line, flush=True)  # noqa: T201  (this is the log)
