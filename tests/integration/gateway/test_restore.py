"""A restore under the feet of clients: what they hold is of another history, so they get an explicit reset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kefu.store.archive import ArchiveReader
from kefu.store.carry import back_up, put_in

pytestmark = pytest.mark.asyncio(loop_scope="module")


def ignore(*_: Any) -> None:
    """Progress that nobody looks at."""


async def test_clients_reset_after_a_restore(serve, tmp_path: Path) -> None:
    """Promise 4: `afterSeq` of the old epoch is answered by a reset with what is really there, of the new by a diff."""
    archive, session = tmp_path / "a.zip", "s_0123456789abcdef-restore"
    server = await serve()
    visitor, hello = await server.greeted(sessionId=session)
    talk, epoch = hello["conversationId"], hello["epoch"]
    sent = [await visitor.ask("visitor_message", {"conversationId": talk, "bodyText": f"text {n}"}) for n in (1, 2)]
    await back_up(server.url, archive, ignore, ignore)
    lost = await visitor.ask("visitor_message", {"conversationId": talk, "bodyText": "after the backup"})
    place = {"afterSeq": 2, "afterId": sent[1]["id"], "epoch": epoch}
    _, resumed = await server.greeted(sessionId=session, visitorToken=hello["visitorToken"], **place)
    assert not resumed.get("reset")
    assert [message["id"] for message in resumed["messages"]] == [lost["id"]]
    await server.stop()

    with ArchiveReader(archive) as source:
        await put_in(server.url, source, ignore, replace=True, verify=True)

    server = await serve()
    client, again = await server.greeted(sessionId=session, visitorToken=hello["visitorToken"], **place)
    assert again["epoch"] != epoch
    assert again["conversationId"] == talk
    assert again["reset"]
    assert [message["bodyText"] for message in again["messages"]] == ["text 1", "text 2"]
    # The same place in the new epoch is a place to go on from.
    assert again["messages"][1]["id"] == sent[1]["id"]
    synced = await client.ask("visitor_sync", {"conversationId": talk, "afterSeq": 3, "afterId": lost["id"]})
    assert synced["reset"]
    assert [message["bodyText"] for message in synced["messages"]] == ["text 1", "text 2"]
    synced = await client.ask("visitor_sync", {"conversationId": talk, "afterSeq": 2, "afterId": sent[1]["id"]})
    assert not synced.get("reset")
    agent = await server.agent()
    joined = await agent.ask(
        "admin_sync", {"conversationId": talk, "afterSeq": 3, "afterId": lost["id"], "epoch": epoch}
    )
    assert joined["reset"]
    # Numbers go on where the restored history ends.
    new = await client.ask("visitor_message", {"conversationId": talk, "bodyText": "new"})
    assert new["seq"] == 3
    assert await server.texts(talk) == ["text 1", "text 2", "new"]
    # The inbox's marks of the new history work: a write after the mark is found.
    inbox = await agent.ask("admin_inbox", {"filter": "unassigned"})
    assert [row["conversationId"] for row in inbox["rows"]] == [talk]
