"""What answers mean that no proxy of the other tests gives."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from kefu.doctor import address, database, server_url, sockets
from kefu.doctor.address import MARK, Seen
from kefu.doctor.findings import KINDS
from kefu.doctor.guard import guarded
from kefu.doctor.request import Answer

TESTS = Path(__file__).parents[2]
SUITES = [
    *(TESTS / "unit/doctor").glob("*.py"),
    *(TESTS / "integration/doctor").glob("*.py"),
    *TESTS.glob("*/*doctor.py"),
]


def answer(status: int, body: object = None) -> Answer:
    headers = [("content-type", "application/json")] if body is not None else []
    return Answer(status, headers, json.dumps(body).encode() if body is not None else b"", 0, ("127.0.0.1", 1))


@pytest.mark.parametrize(
    ("status", "body", "codes"),
    [
        (200, {"ok": True}, []),
        (503, {"ok": False, "reason": "database"}, ["not_ready"]),
        (200, {"ok": True, "degraded": "bus"}, ["bus_away"]),
    ],
)
def test_ready(status: int, body: object, codes: list[str]) -> None:
    assert [one.code for one in server_url.judge_ready(answer(status, body))] == codes


@pytest.mark.parametrize(
    ("status", "body", "transport", "code"),
    [
        (400, {"code": 1, "message": "Session ID unknown"}, "polling", "polling_not_sticky"),
        (400, {"code": 3, "message": "Bad request"}, "polling", "socket_failed"),
        (400, {"code": 3, "message": "Bad request"}, "websocket", "upgrade_missing"),
        (426, None, "websocket", "upgrade_missing"),
        (403, {"code": 4, "message": "Forbidden"}, "websocket", "origin_not_listed"),
        (403, None, "websocket", "socket_forbidden"),
        (504, None, "polling", "upstream_away"),
        (500, None, "polling", "socket_failed"),
    ],
)
def test_refused_handshakes(status: int, body: object, transport: str, code: str) -> None:
    (found,) = sockets.judge_refusal("/ws-visitor", answer(status, body), {}, transport=transport)
    assert found.code == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (asyncpg.TooManyConnectionsError("too many"), "database_full"),
        (asyncpg.InvalidAuthorizationSpecificationError("no pg_hba.conf entry"), "database_refused"),
        (TimeoutError(), "database_unreachable"),
        (ConnectionRefusedError("refused"), "database_unreachable"),
    ],
)
def test_databases_that_let_nobody_in(error: Exception, code: str) -> None:
    found = database.unreachable("postgresql://chatapp:hunter2@db.example/kefu", error)
    assert found.code == code
    assert "hunter2" not in repr(found)


def test_addresses_are_judged_by_what_came() -> None:
    def seen(peer: tuple[str, int], forwarded: str | None, *, trusted: bool = True) -> Seen:
        return Seen(peer, trusted, forwarded, None, ("10.0.0.0/8",))

    mine, proxy = ("192.0.2.1", 5), ("10.0.0.9", 6)
    assert address.judge(seen(mine, None), mine, seen(mine, MARK)) == []
    assert address.judge(seen(proxy, "192.0.2.1"), mine, seen(proxy, f"{MARK}, 192.0.2.1")) == []
    (forged,) = address.judge(seen(proxy, ""), mine, seen(proxy, MARK))
    assert forged.code == "forwarded_forged"
    behind_nat = seen(("203.0.113.1", 7), None, trusted=False)
    assert address.judge(behind_nat, mine, behind_nat) == []


async def test_a_check_without_end_is_a_finding() -> None:
    (found,) = await guarded("something", lambda: asyncio.sleep(60), 0.01)
    assert (found.code, found.facts["check"]) == ("check_slow", "something")


def test_every_code_is_named_by_a_test() -> None:
    """What no test can break is no finding."""
    tested = "\n".join(suite.read_text(encoding="utf-8") for suite in SUITES)
    assert [code for code in KINDS if code not in tested] == []
