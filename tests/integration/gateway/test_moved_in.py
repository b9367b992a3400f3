"""A visitor of the older server comes back after the move and finds the old conversation; the agent answers in it."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from databases import execute, sibling
from integration.node_chat.older import SESSION, TABLES, Older
from kefu.node_chat.move import Move
from kefu.node_chat.source import open_source
from kefu.node_chat.target import Target
from kefu.store.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAME = "older_of_gateway"


def fill(older: Older) -> None:
    older.sql(TABLES)
    older.conversation("c_old", visitorName="Li")
    older.message("c_old", 1, "visitor", "is the tea back?")
    older.message("c_old", 2, "admin", "tomorrow", adminId="ann")


async def move_in(older: Older, url: str) -> None:
    database = Database(url)
    connection = await asyncpg.connect(url)
    try:
        async with open_source(older.url) as source:
            target = Target(connection, await database.installation())
            await Move(source, target, dry_run=False, advance=lambda *_: None).run()
    finally:
        await connection.close()
        await database.close()


async def test_a_returning_visitor_finds_the_old_conversation(server, embedded_postgres) -> None:
    older = Older(sibling(embedded_postgres.url, NAME))
    admin = embedded_postgres.admin_url
    await asyncio.to_thread(execute, admin, f"create database {NAME} owner chatapp")
    try:
        await asyncio.to_thread(fill, older)
        await move_in(older, server.url)
    finally:
        await asyncio.to_thread(execute, admin, f"drop database {NAME} with (force)")
    visitor, hello = await server.greeted(sessionId=SESSION)
    assert hello["conversationId"] == "c_old"
    assert [message["bodyText"] for message in hello["messages"]] == ["is the tea back?", "tomorrow"]
    ack = await visitor.ask("visitor_message", {"conversationId": "c_old", "bodyText": "thank you"})
    assert (ack["ok"], ack["seq"]) == (True, 3)
    agent = await server.agent()
    joined = await agent.ask("admin_join", {"conversationId": "c_old"})
    assert [message["seq"] for message in joined["messages"]] == [1, 2, 3]
    await agent.ask("admin_message", {"conversationId": "c_old", "bodyText": "welcome back"})
    own, answer = await visitor.get("message_new", 2)
    assert (own["seq"], answer["seq"], answer["bodyText"]) == (3, 4, "welcome back")
