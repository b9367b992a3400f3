"""`kefu import node-chat` on a database of the older server: what comes over, what is kept, what a second run does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from kefu.cli.main import app, register
from kefu.node_chat import move
from kefu.node_chat.target import Target

from .older import SESSION, Older, at

Sql = Callable[..., list[asyncpg.Record]]
SECRET = "7d1f0c9ab26e4458b3c2d6e8f90a1b2c3d4e5f60"


@pytest.fixture(scope="module", autouse=True)
def _command() -> None:
    register("import")


@pytest.fixture
def sql(database_url: str) -> Sql:
    def ask(statement: str, *arguments: Any) -> list[asyncpg.Record]:
        async def run() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(database_url)
            try:
                return await connection.fetch(statement, *arguments)
            finally:
                await connection.close()

        return asyncio.run(run())

    return ask


@pytest.fixture
def move_in(older: Older, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("CHAT_DATABASE_URL", database_url)
    monkeypatch.setenv("CHAT_ADMIN_JWT_SECRET", SECRET)
    monkeypatch.setenv("CHAT_ALLOWED_ORIGINS", "https://shop.example")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*options: str) -> Result:
        return CliRunner().invoke(app, ["import", "node-chat", "--from", older.url, *options])

    return run


def report(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def fill(older: Older) -> None:
    """A visitor with an open and a closed conversation, and one of every other table."""
    older.conversation("c1", minutes=0, status="closed", closedAt=None, visitorName="Li 李", ip="203.0.113.9")
    older.message("c1", 1, "visitor", "first")
    older.message("c1", 2, "admin", "answer", adminId="7")
    older.conversation("c2", minutes=60, entryUrl="https://www.shop.example/tea?x=1", visitorEmail="li@shop.example")
    older.message("c2", 61, "visitor", "again")
    older.message("c2", 62, "admin", "yes?", adminId="7", metadataJson='{"quickReplies":["a","b"]}')
    older.message("c2", 63, "visitor", "the tea\r\nis cold")
    older.message("c2", 64, "system", "moved")
    older.note("c2", 62, "regular", adminId="7")
    older.row("ConversationTag", conversationId="c2", tag="vip")
    older.row("ConversationWaitLog", id="w1", conversationId="c2", waitedMs=5)
    older.row("Ticket", id="t1", contact="li@shop.example", body="call me")
    older.row("CannedReply", id="r1", title="hi", body="Hello")
    older.row("IpBlock", id="b1", ip="198.51.100.7")
    older.row("Event", id="e1", payload={"a": "x"})
    older.row("Locale", id="l1", code="zh")


def test_everything_comes_over_or_into_the_archive(older: Older, move_in, sql: Sql) -> None:
    fill(older)
    told = report(move_in("--json"))
    assert told["found"] == {
        "Conversation": 2,
        "Message": 6,
        "Note": 1,
        **dict.fromkeys(("ConversationTag", "ConversationWaitLog", "Ticket", "CannedReply", "IpBlock", "Event"), 1),
        "Locale": 1,
    }
    assert {name: told["taken"][name] for name in ("Conversation", "Message", "Note", "visitor")} == {
        "Conversation": 2,
        "Message": 6,
        "Note": 1,
        "visitor": 1,
    }
    assert told["unknownTables"] == ["Campaign"]
    assert told["columns"] == {"Conversation": {"ip": 1}}
    closed, opened = sql("select * from conversation order by id")
    assert (closed["status"], closed["seq"], closed["unread"], closed["waiting_since"]) == ("closed", 2, 0, None)
    assert closed["visitor_id"] == opened["visitor_id"]
    assert (opened["status"], opened["seq"], opened["unread"], opened["note_seq"]) == ("open", 4, 1, 1)
    assert (opened["preview"], opened["preview_sender"]) == ("moved", "system")
    assert opened["waiting_since"].isoformat() == "2025-03-01T10:03:00+00:00"
    messages = sql("select * from message where conversation_id = 'c2' order by seq")
    assert [(row["seq"], row["sender_type"], row["body_text"]) for row in messages] == [
        (1, "visitor", "again"),
        (2, "admin", "yes?"),
        (3, "visitor", "the tea\nis cold"),
        (4, "system", "moved"),
    ]
    assert messages[1]["sender_id"] == "7"
    assert json.loads(messages[1]["metadata"]) == {"quickReplies": ["a", "b"]}
    assert sql("select after_seq, agent_id from note")[0] == (2, "7")
    (visitor,) = sql("select name, email from visitor")
    assert tuple(visitor) == ("Li 李", "li@shop.example")
    kept = {row["source_table"]: json.loads(row["content"]) for row in sql("select * from import_archive")}
    assert kept.keys() == {"Conversation", *move.ARCHIVED}
    assert kept["Conversation"] == {"ip": "203.0.113.9"}
    assert kept["Ticket"]["body"] == "call me"


def test_what_it_says_before_the_switch(older: Older, move_in, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(older)
    told = move_in("--dry-run", "--lang", "en").output
    assert "Origins are enforced now" in told
    assert "CHAT_ALLOWED_ORIGINS=https://shop.example,https://www.shop.example" in told
    assert "minimum length" in told
    monkeypatch.setenv("CHAT_ADMIN_JWT_SECRET", "short")
    assert "CHAT_ADMIN_JWT_SECRET 不能使用" in move_in("--dry-run", "--lang", "zh").output
    assert "short" not in move_in("--dry-run").output


def test_columns_without_a_place_are_named(older: Older, move_in) -> None:
    older.sql('alter table "Message" add column "ua" text, add column "edited" boolean')
    older.conversation("c1", ip="203.0.113.9", updatedAt=at(5))
    older.conversation("c2", "v_another_session_0123456789", ip="203.0.113.10")
    older.message("c1", 1, "visitor", "hello", ua="Firefox", edited=False)
    older.message("c1", 2, "visitor", "nothing more")
    told = move_in("--dry-run", "--lang", "en").output
    assert "  Conversation: 2 × columns that have no place: ip (2), updatedAt (1)\n" in told
    assert "  Message: 1 × columns that have no place: edited (1), ua (1)\n" in told
    assert "Conversation: 2 × 有些列在 Kefu 中没有对应位置：ip (2)" in move_in("--dry-run", "--lang", "zh").output


def test_the_address_may_come_from_the_environment(older: Older, move_in, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where other users of the machine do not see its password."""
    fill(older)
    monkeypatch.setenv("KEFU_IMPORT_FROM", older.url)
    told = CliRunner().invoke(app, ["import", "node-chat", "--dry-run", "--json"])
    assert report(told)["found"]["Conversation"] == 2


def test_a_dry_run_writes_nothing(older: Older, move_in, sql: Sql) -> None:
    fill(older)
    told = report(move_in("--json", "--dry-run"))
    assert told["dryRun"] is True
    assert told["taken"]["Message"] == 6
    for table in ("conversation", "message", "visitor", "note", "agent", "import_archive"):
        assert sql(f"select count(*) from {table}")[0][0] == 0, table


def test_a_second_run_takes_what_came_since(older: Older, move_in, sql: Sql) -> None:
    fill(older)
    report(move_in("--json"))
    older.message("c2", 70, "visitor", "still there?")
    older.conversation("c3", "v_another_session_0123456789", 80)
    older.message("c3", 81, "visitor", "hello")
    told = report(move_in("--json"))
    assert (told["taken"]["Conversation"], told["taken"]["Message"]) == (1, 2)
    assert told["taken"]["Note"] == told["taken"]["archive"] == 0
    rows = sql("select seq, body_text from message where conversation_id = 'c2' order by seq")
    assert [row["seq"] for row in rows] == [1, 2, 3, 4, 5]
    assert sql("select unread, seq from conversation where id = 'c2'")[0] == (2, 5)
    assert report(move_in("--json"))["taken"]["Message"] == 0


def test_a_run_that_was_cut_off_is_continued(older: Older, move_in, sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        older.conversation(f"c{number}", f"v_session_of_number_{number}_", number)
        older.message(f"c{number}", number, "visitor", f"text {number}")
    monkeypatch.setattr(move, "BATCH_CONVERSATIONS", 2)
    write, written = Target.write, []

    async def twice(self: Target, *args: Any, **named: Any) -> Any:
        if len(written) == 2:
            raise ConnectionResetError("cut off")
        written.append(1)
        return await write(self, *args, **named)

    monkeypatch.setattr(Target, "write", twice)
    assert move_in("--json").exit_code != 0
    assert sql("select count(*) from conversation")[0][0] == 4
    monkeypatch.setattr(Target, "write", write)
    assert report(move_in("--json"))["taken"]["Conversation"] == 2
    assert [row["body_text"] for row in sql("select body_text from message order by body_text")] == [
        f"text {number}" for number in range(6)
    ]


def test_one_open_conversation_a_visitor(older: Older, move_in, sql: Sql) -> None:
    for number, name in enumerate(("old", "older", "new")):
        older.conversation(name, minutes=number)
        older.message(name, number, "visitor", name)
    told = report(move_in("--json"))
    assert told["reasons"] == [{"table": "Conversation", "reason": move.SEVERAL_OPEN, "rows": 2}]
    assert [row["id"] for row in sql("select id from conversation where status = 'open'")] == ["new"]


def test_a_visitor_who_writes_here_already_keeps_that_conversation_open(older: Older, move_in, sql: Sql) -> None:
    older.conversation("c1", minutes=1)
    older.message("c1", 1, "visitor", "before the switch")
    report(move_in("--json"))
    older.conversation("c2", minutes=2)
    older.message("c2", 2, "visitor", "at the older server, meanwhile")
    report(move_in("--json"))
    assert [row["id"] for row in sql("select id from conversation where status = 'open'")] == ["c1"]
    assert sql("select count(*) from message")[0][0] == 2


def test_a_weak_session_opens_nothing(older: Older, move_in, sql: Sql) -> None:
    for number in range(3):
        older.conversation(f"c{number}", "v_fallback_session", number)
        older.message(f"c{number}", number, "visitor", "who am I?")
    report(move_in("--json"))
    assert sql("select count(distinct visitor_id) from conversation")[0][0] == 3
    assert sql("select count(*) from visitor where session_hash is not null")[0][0] == 0
    assert report(move_in("--json"))["taken"]["visitor"] == 0


def test_rows_that_do_not_fit_are_kept_with_the_reason(older: Older, move_in, sql: Sql) -> None:
    older.conversation("c1")
    older.message("c1", 1, "visitor", "fine")
    older.message("c1", 2, "visitor", " ")
    older.message("c1", 3, "robot", "beep")
    older.message("c1", 4, "admin", "from nobody", metadataJson="not json")
    older.message("gone", 5, "visitor", "orphan")
    older.note("gone", 6, "orphan too", adminId="7")
    older.conversation("x" * 65, "v_another_session_0123456789")
    older.message("x" * 65, 7, "visitor", "in a conversation that cannot be")
    older.row("Event", id="e2", payload={"zero": "a\\u0000b"})
    told = report(move_in("--json"))
    assert [row["body_text"] for row in sql("select body_text from message order by seq")] == ["fine", "from nobody"]
    assert sql("select sender_id from message where seq = 2")[0][0] == "imported"
    assert sql("select disabled from agent where id = 'imported'")[0][0] is True
    reasons = {(row["table"], row["reason"]): row["rows"] for row in told["reasons"]}
    assert reasons == {
        ("Message", "bodyText is empty"): 1,
        ("Message", "senderType is none of visitor, admin, system"): 1,
        ("Message", move.NO_CONVERSATION): 2,
        ("Note", move.NO_CONVERSATION): 1,
        ("Conversation", "id is missing, longer than 64 characters or not printable"): 1,
    }
    kept = sql("select source_table, content->>'bodyText' as text from import_archive where source_table = 'Message'")
    assert {row["text"] for row in kept} == {" ", "beep", "orphan", "in a conversation that cannot be"}


def test_the_same_client_id_twice_loses_no_message(older: Older, move_in, sql: Sql) -> None:
    older.sql('alter table "Message" add column "clientId" text')
    older.conversation("c1")
    older.message("c1", 1, "visitor", "one", clientId="same")
    older.message("c1", 2, "visitor", "two", clientId="same")
    report(move_in("--json"))
    assert [row["body_text"] for row in sql("select body_text from message order by seq")] == ["one", "two"]


def test_the_older_database_must_be_one(move_in, older: Older, monkeypatch: pytest.MonkeyPatch) -> None:
    older.sql('drop table "Message"')
    told = move_in()
    assert told.exit_code == 1
    assert 'it has no table "Message"' in told.output
    assert "Traceback" not in told.output


@pytest.mark.parametrize("url", ["file:./dev.db", "postgresql://nobody:secret-word@127.0.0.1:1/none"])
def test_an_address_that_does_not_answer(database_url: str, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("CHAT_DATABASE_URL", database_url)
    told = CliRunner().invoke(app, ["import", "node-chat", "--from", url])
    assert told.exit_code == 1
    assert "cannot be reached" in told.output or "expected a postgresql://" in told.output
    assert "secret-word" not in told.output


def test_the_session_is_stored_as_a_hash(older: Older, move_in, sql: Sql) -> None:
    fill(older)
    report(move_in("--json"))
    assert SESSION.encode() not in bytes(sql("select session_hash from visitor")[0][0])
