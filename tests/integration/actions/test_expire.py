"""Expiry of conversations without a message (contract section 4, promise 7)."""

from __future__ import annotations

import asyncio

from kefu.actions import expire


async def test_old_empty_conversations_go_batch_by_batch(world, send, node, monkeypatch) -> None:
    """Promise 7: one without a message is deleted after 24 h, however many there are; one with a message stays."""
    monkeypatch.setattr(expire, "BATCH_MAX", 4)
    used = await world.conversation()
    await send(world.appender(), world.draft(used))
    for _ in range(9):
        await world.conversation()
    young = await world.conversation()
    await world.sql("update conversation set created_at = now() - interval '25 hours' where id <> $1", young)
    assert await expire.expire_empty(node.database) == 9
    assert await expire.expire_empty(node.database) == 0
    assert {row["id"] for row in await world.sql("select id from conversation")} == {used, young}


async def test_a_database_that_is_away_ends_nothing(node, monkeypatch, caplog, until) -> None:
    """Promise 9: the next hour tries again."""

    async def away(_: object) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr(expire, "expire_empty", away)
    running = asyncio.create_task(expire.run(node.database))
    await until(lambda: "not deleted" in caplog.text)
    assert not running.done()
    running.cancel()
