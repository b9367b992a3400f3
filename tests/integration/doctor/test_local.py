"""What doctor finds where Kefu is installed: one thing is broken at a time, and named."""

from __future__ import annotations

import dataclasses
import resource
import shutil
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from integration.doctor.conftest import OTHER_SECRET, SECRET, World
from integration.nats_server import NatsServer
from kefu.doctor import database, machine

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT: dict[str, tuple[dict[str, str], str]] = {
    "sample secret": ({"CHAT_ADMIN_JWT_SECRET": "change-me-please-change-me-please-change-me"}, "secret_sample"),
    "short secret": ({"CHAT_ADMIN_JWT_SECRET": "k3fu"}, "secret_short"),
    "weak secret": ({"CHAT_ADMIN_JWT_SECRET": "ab" * 20}, "secret_weak"),
    "no secret": ({"CHAT_ADMIN_JWT_SECRET": ""}, "secret_missing"),
    "visitors' secret is the agents'": ({"KEFU_IDENTITY_SECRET": SECRET}, "secret_shared"),
    "metrics token is the agents' secret": ({"KEFU_METRICS_TOKEN": SECRET}, "secret_shared"),
    "origin with a slash": ({"CHAT_ALLOWED_ORIGINS": "https://shop.example/"}, "origin_slash"),
    "origin with a path": ({"CHAT_ALLOWED_ORIGINS": "https://shop.example/shop"}, "origin_path"),
    "origin without a scheme": ({"ADMIN_ALLOWED_ORIGINS": "shop.example"}, "origin_no_scheme"),
    "origin with the default port": ({"CHAT_ALLOWED_ORIGINS": "https://shop.example:443"}, "origin_default_port"),
    "origin with a star": ({"CHAT_ALLOWED_ORIGINS": "https://*.shop.example"}, "origin_wildcard"),
    "origin in capitals": ({"CHAT_ALLOWED_ORIGINS": "https://Shop.example"}, "origin_spelling"),
    "no origins": ({"CHAT_ALLOWED_ORIGINS": ""}, "origins_empty"),
    "port that is no number": ({"CHAT_SERVER_PORT": "four"}, "setting_invalid"),
    "no database": ({"CHAT_DATABASE_URL": ""}, "database_unset"),
    "SQLite": ({"CHAT_DATABASE_URL": "file:./dev.db"}, "database_address"),
    "options of another driver": (
        {"CHAT_DATABASE_URL": "postgresql://a:b@127.0.0.1/kefu?connection_limit=5"},
        "database_address",
    ),
    "database down": ({"CHAT_DATABASE_URL": "postgresql://a:b@127.0.0.1:9/kefu"}, "database_unreachable"),
    "NATS down": ({"KEFU_NATS_URL": "nats://127.0.0.1:9"}, "nats_unreachable"),
    "NATS by http": ({"KEFU_NATS_URL": "http://127.0.0.1:4222"}, "nats_address"),
}

SITE: dict[str, tuple[dict[str, str], str]] = {
    "another secret": ({"CHAT_ADMIN_JWT_SECRET": OTHER_SECRET}, "secret_differs"),
    "no internal address": ({"CHAT_SERVER_INTERNAL_URL": ""}, "internal_url_unset"),
    "internal address of nobody": ({"CHAT_SERVER_INTERNAL_URL": "http://127.0.0.1:9"}, "internal_url_silent"),
}


async def test_nothing_is_wrong_with_a_healthy_installation(world: World) -> None:
    assert await world.doctor(live=False) == []


@pytest.mark.parametrize(("change", "code"), CHAT.values(), ids=CHAT)
async def test_settings_of_chat_server(world: World, change: dict[str, str], code: str) -> None:
    """Each is named alone, in both languages, and no secret is told."""
    world.chat |= change
    if "CHAT_ADMIN_JWT_SECRET" in change:
        world.site.pop("CHAT_ADMIN_JWT_SECRET")
        world.site["CHAT_ADMIN_JWT_SECRET"] = SECRET
    found = await world.doctor(live=False)
    codes = {one.code for one in found}
    assert code in codes
    assert codes <= {code, "secret_differs"}
    for one in found:
        told = str([one.told("en"), one.told("zh-CN")])
        assert "{" not in one.line + one.found("en") + one.found("zh-CN")
        assert SECRET not in told
        assert all(value not in told for name, value in change.items() if "SECRET" in name and value)


@pytest.mark.parametrize(("change", "code"), SITE.values(), ids=SITE)
async def test_settings_of_the_main_site(world: World, change: dict[str, str], code: str) -> None:
    world.site |= change
    found = await world.doctor(live=False)
    assert [one.code for one in found] == [code]
    assert found[0].facts["file"] == str(world.folder / "site.env")


async def test_the_internal_address_of_another_program(world: World) -> None:
    world.site["CHAT_SERVER_INTERNAL_URL"] = f"http://127.0.0.1:{world.proxy.port}"
    world.proxy.faults.statuses = {"/chat/": "200 OK"}
    assert await world.codes(live=False) == ["internal_url_other"]


async def test_files_that_others_read_or_that_are_not_there(world: World) -> None:
    world.mode = 0o644
    assert [(one.code, one.line) for one in await world.doctor(live=False)] == [
        ("env_file_open", f"chmod 600 {world.folder / 'chat.env'}"),
        ("env_file_open", f"chmod 600 {world.folder / 'site.env'}"),
    ]
    world.mode = 0o600
    shutil.rmtree(world.folder)
    world.folder.mkdir()
    world.write = lambda: (world.folder / "chat.env", world.folder / "site.env")
    assert await world.codes(live=False) == ["env_file_missing", "env_file_missing"]
    for file in world.write():
        file.write_bytes(b"\xff\xfe")
        file.chmod(0o600)
    assert await world.codes(live=False) == ["env_file_unreadable", "env_file_unreadable"]


async def test_a_port_that_another_program_holds(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        world.chat["CHAT_SERVER_PORT"] = str(held.getsockname()[1])
        found = await world.doctor(live=False)
    assert [(one.code, one.facts["setting"]) for one in found] == [("port_taken", "CHAT_SERVER_PORT")]


async def test_nats_that_wants_a_password(world: World) -> None:
    nats = NatsServer()
    nats.start()
    try:
        world.chat["KEFU_NATS_URL"] = nats.url.replace(nats.url.split("@")[0], "nats://kefu:wrong")
        assert await world.codes(live=False) == ["nats_refused"]
    finally:
        nats.stop()


async def test_workers_without_nats_and_files_that_were_not_built(world: World) -> None:
    world.workers, world.missing = 2, ["widget/widget.js"]
    assert await world.codes(live=False) == ["static_missing", "nats_unset"]


@pytest.fixture
def sql(embedded_postgres) -> Callable[..., Awaitable[None]]:
    """Runs statements as superuser."""

    async def run(*statements: str) -> None:
        connection = await asyncpg.connect(embedded_postgres.admin_url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    return run


def with_role(url: str, role: str, password: str = "secret") -> str:
    """The address for another role."""
    return "postgresql://" + f"{role}:{password}@" + url.partition("@")[2]


async def test_a_database_that_is_not_there_or_not_ours(world: World, sql, embedded_postgres) -> None:
    url = world.chat["CHAT_DATABASE_URL"]
    name = url.partition("@/")[2].partition("?")[0]
    world.chat["CHAT_DATABASE_URL"] = url.replace(f"@/{name}?", "@/nowhere?")
    assert await world.codes(live=False) == ["database_missing"]
    world.chat["CHAT_DATABASE_URL"] = with_role(url, "chatapp", "wrong")
    assert await world.codes(live=False) == ["database_password"]
    await sql("create role doctor_none login password 'secret'")
    world.chat["CHAT_DATABASE_URL"] = with_role(url, "doctor_none")
    assert (await world.codes(live=False))[0] in {"database_no_rights", "database_refused"}
    await sql("drop role doctor_none")
    world.chat["CHAT_DATABASE_URL"] = embedded_postgres.admin_url.replace("/postgres?", f"/{name}?")
    assert await world.codes(live=False) == ["database_superuser"]


async def test_what_a_role_is_set_to(world: World, sql) -> None:
    """Each is set on the role, and found in the session."""
    url = world.chat["CHAT_DATABASE_URL"]
    name = url.partition("@/")[2].partition("?")[0]
    for change, undo, code in (
        ("set synchronous_commit = off", "reset synchronous_commit", "synchronous_commit_off"),
        ("set default_transaction_read_only = on", "reset default_transaction_read_only", "database_read_only"),
        ("connection limit 5", "connection limit -1", "connections_few"),
    ):
        where = f"in database {name} " if "set" in change.split()[0] else ""
        await sql(f"alter role chatapp {where}{change}")
        found = await world.codes(live=False)
        await sql(f"alter role chatapp {where}{undo}")
        assert found == [code]


async def test_schemas(world: World, sql, empty_database_url: str, database_url: str) -> None:
    world.chat["CHAT_DATABASE_URL"] = empty_database_url
    assert await world.codes(live=False) == ["schema_empty"]
    connection = await asyncpg.connect(database_url)
    await connection.execute("update alembic_version set version_num = 'from_the_future'")
    await connection.close()
    world.chat["CHAT_DATABASE_URL"] = database_url
    assert await world.codes(live=False) == ["schema_newer"]
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("revoke create on schema public from public")
    await connection.close()
    await sql("create role doctor_reader login password 'secret'")
    world.chat["CHAT_DATABASE_URL"] = with_role(empty_database_url, "doctor_reader")
    assert await world.codes(live=False) == ["database_no_create"]
    await sql("drop role doctor_reader")


FACTS = {
    "old": ({"version": 130_011, "version_name": "13.11"}, "database_old"),
    "other encoding": ({"encoding": "SQL_ASCII"}, "database_encoding"),
    "clock": ({"clock_difference_s": -90.0}, "database_clock"),
    "older schema": ({"schema": "behind"}, "schema_behind"),
}


@pytest.mark.parametrize(("change", "code"), FACTS.values(), ids=FACTS)
async def test_databases_that_are_not_at_hand(world: World, monkeypatch, change: dict, code: str) -> None:
    look = database.look

    async def changed(url: str) -> database.Facts:
        return dataclasses.replace(await look(url), **change)

    monkeypatch.setattr(database, "look", changed)
    assert await world.codes(live=False) == [code]


async def test_a_machine_that_is_full(world: World, monkeypatch) -> None:
    look = machine.look
    for change, code in (
        ({"free_bytes": 100}, "disk_full"),
        ({"free_bytes": machine.DISK_FULL_BYTES}, "disk_low"),
        ({"files_max": 1024}, "files_few"),
    ):
        monkeypatch.setattr(machine, "look", lambda folder, change=change: dataclasses.replace(look(folder), **change))
        assert await world.codes(live=False) == [code]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    monkeypatch.setattr(machine, "look", look)
    assert await world.codes(live=False) == ["files_few"]


async def test_an_embedded_database_of_another_version_or_of_nobody(world: World, tmp_path: Path) -> None:
    cluster = tmp_path / "data" / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("16\n")
    world.chat |= {"KEFU_DATA_DIR": str(tmp_path / "data")}
    assert await world.codes(live=False) == ["embedded_version"]
    shutil.move(cluster, cluster.with_name("photos"))
    assert await world.codes(live=False) == ["embedded_foreign"]


async def test_a_check_that_breaks_is_a_finding(world: World, monkeypatch) -> None:
    """No traceback, and the others go on."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr(database, "check", broken)
    found = await world.doctor(live=False)
    assert [one.code for one in found] == ["check_failed"]
    assert "secret words" not in found[0].found("en")
