"""`kefu agent`: adding, listing, new passwords, shutting out."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from kefu.mainsite.passwords import PasswordCheck
from kefu.store.database import Database
from kefu.store.queries import agents, logins
from kefu.tokens import AgentClaims


def on(database_url: str, work):
    async def run():
        database = Database(database_url, pool_max=2)
        try:
            async with database.engine.begin() as connection:
                return await work(connection)
        finally:
            await database.close()

    return asyncio.run(run())


def agent_of(database_url: str, login: str):
    return on(database_url, lambda connection: agents.by_login(connection, login))


def knows(database_url: str, login: str, password: str) -> bool:
    return asyncio.run(PasswordCheck().matches(password, agent_of(database_url, login).password_hash))


def test_an_added_agent_can_log_in(invoke, database_url: str) -> None:
    result = invoke("agent", "add", "Ann", "--name", "Ann 安", "--role", "admin", text="correct horse\n")
    assert (result.exit_code, result.output) == (0, "added ann (admin)\n")
    ann = agent_of(database_url, "ann")
    assert (ann.login, ann.name, ann.role, ann.disabled) == ("ann", "Ann 安", "admin", False)
    assert knows(database_url, "ann", "correct horse")


def test_a_generated_password_is_printed(invoke, database_url: str) -> None:
    result = invoke("agent", "add", "bo", "--generate")
    password = result.output.splitlines()[-1].removeprefix("password: ")
    assert len(password) == 16
    assert knows(database_url, "bo", password)


def test_a_taken_login_is_told(invoke, database_url: str) -> None:
    invoke("agent", "add", "ann", text="correct horse\n")
    result = invoke("agent", "add", "ANN ", text="another horse\n")
    assert result.exit_code == 1
    assert result.stderr == "kefu: the login ann is taken\n"
    assert knows(database_url, "ann", "correct horse")


@pytest.mark.parametrize(
    ("arguments", "text", "told"),
    [
        (["ann"], "short\n", (1, "8–256 characters; this one has 5")),
        (["ann"], "", (1, "this one has 0")),
        (["ann", "--role", "boss"], "correct horse\n", (2, "expected one of owner, admin, agent, viewer")),
        (["a n n"], "correct horse\n", (2, "no blanks")),
        (["x" * 65], "correct horse\n", (2, "1–64")),
        ([], "", (2, "Missing argument")),
    ],
)
def test_what_is_no_agent(invoke, database_url: str, arguments: list[str], text: str, told: tuple[int, str]) -> None:
    result = invoke("agent", "add", *arguments, text=text)
    assert result.exit_code == told[0]
    assert told[1] in " ".join(result.stderr.split())
    assert on(database_url, agents.list_all) == []


def test_the_list_shows_everybody(invoke, database_url: str) -> None:
    invoke("agent", "add", "ann", "--role", "owner", text="correct horse\n")
    invoke("agent", "disable", "ann")
    on(database_url, lambda connection: agents.ensure_agent(connection, AgentClaims("u-7", "viewer", "Zoë", 0)))
    lines = invoke("agent", "list").output.splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [
        ["ann", "ann", "owner", "disabled"],
        ["-", "Zoë", "viewer", "active"],
    ]
    assert "never" in lines[1]
    assert lines[2].split()[-1] == "u-7"


def test_a_new_password_ends_every_login(invoke, database_url: str) -> None:
    invoke("agent", "add", "ann", text="correct horse\n")
    ann = agent_of(database_url, "ann")
    on(database_url, lambda connection: logins.start(connection, b"t" * 32, ann.id, dt.timedelta(hours=1)))
    assert on(database_url, lambda connection: logins.agent_of(connection, b"t" * 32)) is not None
    assert invoke("agent", "passwd", "ann", text="battery staple\n").output == "ann has a new password\n"
    assert knows(database_url, "ann", "battery staple")
    assert on(database_url, lambda connection: logins.agent_of(connection, b"t" * 32)) is None


def test_disabling_and_its_undoing(invoke, database_url: str) -> None:
    invoke("agent", "add", "ann", text="correct horse\n")
    assert invoke("agent", "disable", "ann").output == "ann is disabled\n"
    assert agent_of(database_url, "ann").disabled
    assert invoke("agent", "disable", "ann", "--undo").output == "ann is active again\n"
    assert not agent_of(database_url, "ann").disabled


def test_agents_of_another_site_are_named_by_id(invoke, database_url: str) -> None:
    on(database_url, lambda connection: agents.ensure_agent(connection, AgentClaims("u-7", "agent", None, 0)))
    assert invoke("agent", "passwd", "u-7", text="correct horse\n").stderr.startswith("kefu: u-7 logs in at another")
    assert invoke("agent", "disable", "u-7").output == "u-7 is disabled\n"
    assert on(database_url, lambda connection: agents.get(connection, "u-7")).disabled


@pytest.mark.parametrize("command", ["passwd", "disable"])
def test_an_unknown_agent_is_told(invoke, command: str) -> None:
    result = invoke("agent", command, "nobody", text="correct horse\n")
    assert result.exit_code == 1
    assert result.stderr == "kefu: there is no agent nobody; see: kefu agent list\n"


def test_an_unmigrated_database_is_told(invoke, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_DATABASE_URL", empty_database_url)
    result = invoke("agent", "list")
    assert result.exit_code == 1
    assert result.stderr == "kefu: the database has no tables yet; run: kefu migrate\n"


def test_tokens_name_the_agents_of_other_sites_and_rows_our_own(invoke, database_url: str) -> None:
    invoke("agent", "add", "ann", "--role", "viewer", text="correct horse\n")
    ann = agent_of(database_url, "ann")

    def ensure(*claims):
        return on(database_url, lambda connection: agents.ensure_agent(connection, AgentClaims(*claims)))

    kept = ensure(ann.id, "owner", "Other name", 0)
    assert (kept.name, kept.role) == ("ann", "viewer"), "an old token raised an agent that is managed here"
    assert kept.last_seen_at is not None
    first = ensure("u-7", "agent", None, 0)
    assert (first.name, first.role, first.disabled) == ("Agent", "agent", False)
    later = ensure("u-7", "admin", "Zoë", 0)
    assert (later.name, later.role) == ("Zoë", "admin")
    assert ensure("u-7", "admin", None, 0).name == "Zoë"
