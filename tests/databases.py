"""Other databases of a server that tests use: their addresses, and statements run in them."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg


def sibling(url: str, database: str) -> str:
    """The same server, role and password, another database."""
    return url.replace("@/kefu?", f"@/{database}?")


def execute(url: str, *statements: str) -> None:
    """Runs statements one by one, each in its own transaction."""

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def fetch(url: str, query: str) -> Any:
    """The first value of a query's first row."""

    async def run() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(run())
