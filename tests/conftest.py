"""PostgreSQL for every test: one server a session, and a fresh, migrated database a test.

The server is the embedded one in a folder of its own; it is gone when the session ends, however it ends.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import execute, sibling
from kefu.store.embedded import EmbeddedPostgres

TEMPLATE = "kefu_template"
# Tests keep nothing over a power cut; everything else is as in production.
TEST_SETTINGS = {"fsync": "off", "max_connections": "120"}

_numbers = itertools.count(1)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder that PostgreSQL's unprivileged user can reach when tests run as root (pytest's own is closed)."""
    folder = Path(tempfile.mkdtemp(prefix="kefu-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def embedded_postgres() -> Iterator[EmbeddedPostgres]:
    """The session's PostgreSQL. It ends within seconds even if the session is killed."""
    folder = Path(tempfile.mkdtemp(prefix="kefu-test-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(folder, crash_linger_s=1, settings=TEST_SETTINGS) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(embedded_postgres: EmbeddedPostgres) -> str:
    """The server for its superuser, database `postgres`."""
    return embedded_postgres.admin_url


@pytest.fixture
def empty_database_url(embedded_postgres: EmbeddedPostgres) -> Iterator[str]:
    """A new database without a table, owned by the role that Kefu uses."""
    name = f"test_{next(_numbers)}"
    execute(embedded_postgres.admin_url, f"create database {name} owner chatapp")
    yield sibling(embedded_postgres.url, name)
    execute(embedded_postgres.admin_url, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def migrated_template(embedded_postgres: EmbeddedPostgres) -> str:
    """A database that went through every migration; tests copy it."""
    from kefu.store.migrate import upgrade  # noqa: PLC0415  (tests without a database load no Alembic)

    execute(embedded_postgres.admin_url, f"create database {TEMPLATE} owner chatapp")
    upgrade(sibling(embedded_postgres.url, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database_url(embedded_postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """A fresh database with today's schema and no rows, dropped after the test."""
    name = f"test_{next(_numbers)}"
    execute(embedded_postgres.admin_url, f"create database {name} template {migrated_template} owner chatapp")
    yield sibling(embedded_postgres.url, name)
    execute(embedded_postgres.admin_url, f"drop database {name} with (force)")
