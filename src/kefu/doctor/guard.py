"""Runs a check so that whatever happens to it is a finding: no traceback, no endless wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from kefu.doctor.findings import Finding, finding

CHECK_SECONDS_MAX = 20.0

Check = Callable[[], Awaitable[list[Finding]]]


async def guarded(name: str, check: Check, seconds_max: float = CHECK_SECONDS_MAX) -> list[Finding]:
    """The findings of a check; one that says so if it breaks or takes too long.

    Args:
        name: What is checked, as the finding calls it.
        check: Makes the awaitable, so that not even making it can fail elsewhere.
        seconds_max: How long it may take.
    """
    try:
        async with asyncio.timeout(seconds_max):
            return await check()
    except TimeoutError:
        return [finding("check_slow", check=name, seconds=f"{seconds_max:g}")]
    except Exception as error:  # noqa: BLE001 - a check that breaks must not take the others with it
        return [finding("check_failed", check=name, reason=type(error).__name__)]


async def together(checks: dict[str, Check], seconds_max: float = CHECK_SECONDS_MAX) -> list[Finding]:
    """The findings of several checks, made at the same time."""
    found = await asyncio.gather(*(guarded(name, check, seconds_max) for name, check in checks.items()))
    return [one for findings in found for one in findings]
