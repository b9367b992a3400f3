"""`kefu migrate`: brings the database to the schema of this version."""

from __future__ import annotations

from kefu.cli.running import run, with_database
from kefu.config import load_settings, reveal
from kefu.store.database import where
from kefu.store.migrate import upgrade_async


def migrate() -> None:
    """Bring the database to this version's schema (the embedded one if CHAT_DATABASE_URL is unset)."""
    run(_migrate())


async def _migrate() -> None:
    async with with_database(load_settings(), or_embedded=True) as ready:
        url = reveal(ready.database_url) or ""
        before = await upgrade_async(url)
        print(f"{where(url)}: " + ("is up to date" if before == "current" else f"migrated, was {before}"))
