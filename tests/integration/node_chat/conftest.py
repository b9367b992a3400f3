"""The older server's database beside a fresh one of ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from databases import execute, sibling
from kefu.store.embedded import EmbeddedPostgres

from .older import TABLES, Older

NAME = "older_node_chat"


@pytest.fixture
def older(embedded_postgres: EmbeddedPostgres) -> Iterator[Older]:
    execute(embedded_postgres.admin_url, f"create database {NAME} owner chatapp")
    older = Older(sibling(embedded_postgres.url, NAME))
    older.sql(TABLES)
    yield older
    execute(embedded_postgres.admin_url, f"drop database {NAME} with (force)")
