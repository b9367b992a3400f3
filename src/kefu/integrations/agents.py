"""Who may answer visitors, as every integration takes it; and settings that are not in the environment."""

from __future__ import annotations

from kefu.mainsite.host import Agent, ConsoleHost

__all__ = ["Agent", "ConsoleHost"]
