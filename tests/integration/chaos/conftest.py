"""The servers of the gateway's tests."""

from __future__ import annotations

from integration.gateway.conftest import serve, server

__all__ = ["serve", "server"]
