"""The database goes away and comes back (promise 9): nothing crashes, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid

import aiohttp
import asyncpg
import pytest

from kefu.actions import compare
from kefu.chat.messages import Draft
from kefu.store.append import Appender
from kefu.store.ids import new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Switch:
    """Lets connections to one database in or not."""

    def __init__(self, admin_url: str, url: str) -> None:
        self._admin_url = admin_url
        self._name = url.partition("@/")[2].partition("?")[0]

    async def kill(self) -> None:
        await self._run(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{self._name}'")

    async def off(self) -> None:
        await self._run(f"alter database {self._name} allow_connections false")
        await self.kill()

    async def on(self) -> None:
        await self._run(f"alter database {self._name} allow_connections true")

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self._admin_url)
        await connection.execute(statement)
        await connection.close()


@pytest.fixture
def database(embedded_postgres, database_url) -> Switch:
    return Switch(embedded_postgres.admin_url, database_url)


async def status(server, path: str) -> int:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{server.port}{path}") as answer:
        return answer.status


def new(text: str) -> dict[str, str]:
    return {"bodyText": text, "clientId": str(uuid.uuid4())}


async def test_away_and_back(serve, database, database_url, until) -> None:
    """Promise 9: sends answer UNAVAILABLE with `retryAfterMs`; afterwards everything works on the same sockets."""
    server = await serve(database_url, append_deadline_ms=500)
    client, ack = await server.greeted()
    conversation = {"conversationId": ack["conversationId"]}
    agent, stranger, fresh = await server.agent(), await server.agent_socket(), await server.visitor()
    await agent.ask("admin_join", conversation)
    before, during = new("before"), [new(f"during {number}") for number in range(5)]
    assert (await client.ask("visitor_message", before))["ok"]

    await database.off()
    refused = await asyncio.gather(
        *(client.ask("visitor_message", message) for message in during),
        client.ask("visitor_sync", {}),
        client.ask("visitor_read", {"seq": 1}),
        fresh.ask("visitor_hello", {"sessionId": f"s_{uuid.uuid4()}"}),
        agent.ask("admin_message", conversation | new("reply")),
        agent.ask("admin_note", conversation | new("note")),
        agent.ask("admin_join", conversation),
        agent.ask("admin_sync", conversation),
        agent.ask("admin_inbox", {}),
        agent.ask("admin_close", conversation),
        agent.ask("admin_read", conversation | {"seq": 1}),
        stranger.ask("admin_auth", {"token": server.token()}),
    )
    assert {answer.get("error") for answer in refused} == {"UNAVAILABLE"}
    assert all(answer["retryAfterMs"] > 0 for answer in refused)
    await client.emit("visitor_message", {"bodyText": "no ack"})
    assert (await client.get("error"))[0]["error"] == "UNAVAILABLE"
    assert (await status(server, "/chat/health"), await status(server, "/chat/ready")) == (200, 503)
    assert (await client.ask("visitor_typing", {}))["ok"], "what needs no database goes on"
    assert client.connected
    assert agent.connected

    await database.on()
    assert await status(server, "/chat/ready") == 200
    for message in (before, *during):
        assert (await client.ask("visitor_message", message))["ok"]
    assert (await stranger.ask("admin_auth", {"token": server.token()}))["ok"]
    assert (await fresh.ask("visitor_hello", {"sessionId": f"s_{uuid.uuid4()}"}))["ok"]
    assert (await agent.ask("admin_note", conversation | new("note")))["ok"]
    assert (await agent.ask("admin_inbox", {}))["ok"]
    assert await server.texts(ack["conversationId"]) == ["before", *(message["bodyText"] for message in during)]

    (row,) = await server.sql("select visitor_id from conversation where id = $1", ack["conversationId"])
    elsewhere = Appender(database_url, reopen=dt.timedelta(hours=1))
    draft = Draft(ack["conversationId"], "visitor", row["visitor_id"], str(uuid.uuid4()), new_id(), "elsewhere", None)
    elsewhere.submit(draft, lambda _: None)
    await elsewhere.close()
    await until(lambda: "elsewhere" in client.everything())  # the comparison lives on too
    await server.stop()


async def test_connections_killed(serve, database, database_url) -> None:
    """Promise 9: PostgreSQL restarts between two messages: the append hides it, a query is refused at most once."""
    server = await serve(database_url)
    client, ack = await server.greeted()
    agent = await server.agent()
    await asyncio.gather(*(agent.ask("admin_inbox", {}) for _ in range(5)))
    for number in range(3):
        assert (await client.ask("visitor_message", new(str(number))))["ok"]
        await database.kill()
    assert (await client.ask("visitor_message", new("last")))["ok"]
    assert await server.texts(ack["conversationId"]) == ["0", "1", "2", "last"]
    answers = [await agent.ask("admin_inbox", {}) for _ in range(8)]
    assert [answer["ok"] for answer in answers[1:]] == [True] * 7
    await server.stop()


async def test_a_retried_batch_is_published(serve, database, database_url) -> None:
    """Group commit: messages in flight when the connection is lost are stored once and reach both sides."""
    server = await serve(database_url)
    client, ack = await server.greeted()
    agent = await server.agent()
    await agent.ask("admin_join", {"conversationId": ack["conversationId"]})
    asking = [asyncio.create_task(client.ask("visitor_message", new(str(number)))) for number in range(15)]
    for _ in range(4):
        await database.kill()
        await asyncio.sleep(0.01)
    answers = await asyncio.gather(*asking)
    assert all(answer["ok"] for answer in answers)
    assert sorted(answer["seq"] for answer in answers) == list(range(1, 16))
    texts = await server.texts(ack["conversationId"])
    assert texts == [str(number) for number in range(15)]
    for socket in (client, agent):
        heard = {message["seq"]: message["bodyText"] for message in await socket.get("message_new", 15)}
        assert [heard[seq] for seq in range(1, 16)] == texts
    await server.stop()


async def test_a_commit_whose_answer_is_lost_is_published(serve, database_url, monkeypatch, until) -> None:
    """Group commit: the message is acked as new and heard by both sides before the next one, not after a comparison."""
    server = await serve(database_url)
    client, ack = await server.greeted()
    tab, _ = await server.greeted(visitorToken=ack["visitorToken"])
    agent = await server.agent()
    await agent.ask("admin_join", {"conversationId": ack["conversationId"]})
    lose_one_answer(server, monkeypatch)
    answers = await asyncio.gather(*(client.ask("visitor_message", new(text)) for text in ("lost answer", "next")))
    assert [(answer["seq"], answer["duplicate"]) for answer in answers] == [(1, False), (2, False)]
    for socket in (client, tab, agent):
        heard = [message["bodyText"] for message in await socket.get("message_new", 2)]
        assert heard == ["lost answer", "next"]
    # The first row may be announced before the second message is committed, the next a quarter of a second later.
    await until(lambda: [row["unread"] for row in agent.of("conversation_update")][-1:] == [2])
    await server.stop()


async def test_a_reopening_whose_answer_is_lost_is_told(serve, database_url, monkeypatch) -> None:
    """Promise 6: the visitor hears that their conversation is open again, though the commit's answer was lost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "INTERVAL_S", 3600)
        server = await serve(database_url)
        client, ack = await server.greeted()
        agent = await server.agent()
        assert (await client.ask("visitor_message", new("first")))["ok"]
        assert (await agent.ask("admin_close", {"conversationId": ack["conversationId"]}))["ok"]
        await client.get("conversation_update")
        lose_one_answer(server, monkeypatch)
        answer = await client.ask("visitor_message", new("again"))
        assert (answer["seq"], answer["duplicate"]) == (2, False)
        assert [update["status"] for update in await client.get("conversation_update", 2)] == ["closed", "open"]
        await server.stop()


def lose_one_answer(server, monkeypatch) -> None:
    """The next commit succeeds, and the connection breaks before its answer is there."""
    commit = server.chat.appender._commit

    async def lose(batch: object) -> None:
        monkeypatch.undo()
        await commit(batch)
        raise ConnectionResetError

    monkeypatch.setattr(server.chat.appender, "_commit", lose)


async def test_the_stop_answers_what_was_sent(serve, database_url, until) -> None:
    """The stop drains the flight: what was sent before it is stored, and clients are told to come back."""
    server = await serve(database_url)
    client, ack = await server.greeted()
    for number in range(10):
        await client.emit("visitor_message", {"bodyText": str(number)})
    await client.get("message_new")
    server._stop.set()
    await until(lambda: "server_restart" in client.names())
    (restart,) = client.of("server_restart")
    assert 0 < restart["reconnectInMs"] <= 10_000
    await until(lambda: not client.connected)
    await server.stop()
    assert await server.texts(ack["conversationId"]) == [str(number) for number in range(10)]
