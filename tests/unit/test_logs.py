"""Log lines: one an event, without credentials and without the rows of failed statements."""

from __future__ import annotations

import logging
import sys

import pytest

from kefu.logs import LineFormatter, announce, configure, one_line
from kefu.tokens import issue_agent_token


def formatted(text: str, *args: object, error: BaseException | None = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    return LineFormatter().format(logging.LogRecord("kefu.x", logging.INFO, "f.py", 1, text, args, info))


def test_a_record_is_one_line() -> None:
    line = formatted("two\nlines %d", 2)
    assert line.endswith("Z INFO kefu.x: two\\nlines 2")
    assert "\n" not in line


def test_an_exception_keeps_its_first_line_and_its_place() -> None:
    with pytest.raises(ValueError, match="duplicate") as failed:
        raise ValueError("duplicate key\nDETAIL: Key (body)=(my secret wish)")
    line = formatted("append failed", error=failed.value)
    assert "append failed | ValueError: duplicate key at test_logs.py:" in line
    assert "test_an_exception_keeps" in line
    assert "wish" not in line
    assert one_line(KeyError("x")) == "KeyError: 'x'"


@pytest.mark.parametrize(
    "secret",
    [
        issue_agent_token("7d1f0c9ab26e4458b3c2d6e8f90a1b2c", agent_id="a", role="agent"),
        "postgresql://chatapp:hunter2@db/kefu",
        "Authorization: Bearer abc.def-123",
        "GET /ws-admin/?EIO=4&sid=Zx9-Qw_12",
    ],
)
def test_what_looks_like_a_credential_is_masked(secret: str) -> None:
    line = formatted("got %s", secret)
    assert "***" in line
    assert not any(part in line for part in ("eyJ", "hunter2", "abc.def", "Zx9"))


def test_the_level_decides_and_a_second_call_does_not_double(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        configure("warning")
        configure("warning")
        logging.getLogger("kefu.test").info("quiet")
        logging.getLogger("kefu.test").warning("loud")
        announce("SERVER_OK port=4000")
        lines = capsys.readouterr().out.splitlines()
    finally:
        logging.basicConfig(handlers=[logging.StreamHandler(sys.stderr)], level="WARNING", force=True)
    assert len(lines) == 2
    assert lines[0].endswith("WARNING kefu.test: loud")
    assert lines[1] == "SERVER_OK port=4000"
