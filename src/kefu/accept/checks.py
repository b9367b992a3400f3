"""What a check is, how it ends, and the report that they make together. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "failed", "skipped"]
Line = Literal["SERVER", "DB", "WS", "P0"]

LINES: dict[Line, str] = {
    "SERVER": "",
    "DB": "",
    "WS": " visitor=/ws-visitor admin=/ws-admin",
    "P0": ": chat_widget + admin_panel + message_persist",
}
"""The lines that chat-server logs at its start, and what follows OK in them."""


class CheckError(Exception):
    """A check that failed, or could not be made.

    Args:
        key: Of the text that says why, in `texts.py`.
        values: What stands in it.
    """

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


class SkipError(CheckError):
    """A check that means nothing here."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a check ended.

    Attributes:
        name: Its key in `texts.py`.
        line: The line that it stands for.
        key: Of the text that says more; empty if there is no more to say.
        values: What stands in that text.
    """

    name: str
    line: Line
    state: State
    ms: float
    key: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes:
        url: Of chat-server.
        results: In the order of the checks.
        conversation_id: Of the conversation that was opened; empty if none was.
        is_closed: Whether that conversation was closed again.
        seconds: For everything.
        pictures: Files of screenshots.
    """

    url: str
    results: list[Result] = field(default_factory=list)
    conversation_id: str = ""
    is_closed: bool = False
    seconds: float = 0.0
    pictures: list[str] = field(default_factory=list)

    @property
    def is_accepted(self) -> bool:
        """Whether all lines hold."""
        return all(self.holds(line) for line in LINES)

    def holds(self, line: Line) -> bool:
        """Whether no check of a line failed and at least one was made."""
        states = [result.state for result in self.results if result.line == line]
        return "ok" in states and "failed" not in states

    def lines(self) -> list[str]:
        """The four lines, as the log has them."""
        return [f"{line}_OK{rest}" if self.holds(line) else f"{line}_FAIL" for line, rest in LINES.items()]
