"""Logging in and out of the main site: sessions, forged forms, limits, languages."""

from __future__ import annotations

import re

import httpx
import pytest
import sqlalchemy as sa

from kefu.config import Settings
from kefu.mainsite import passwords, throttle
from kefu.mainsite.services import session_hash
from kefu.store.database import Database
from kefu.store.queries import agents, logins
from kefu.store.tables import login_session


def set_cookies(answer: httpx.Response) -> dict[str, str]:
    return {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}


async def sessions(database: Database) -> int:
    async with database.engine.connect() as connection:
        return (await connection.execute(sa.select(sa.func.count()).select_from(login_session))).scalar_one()


async def test_a_login_starts_a_session_and_leads_to_the_console(browser, database: Database) -> None:
    answer = await browser.log_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/chat")
    assert (await browser.get("/admin/chat")).status_code == 200
    assert (await browser.get("/admin/login")).headers["location"] == "/admin/chat"
    assert await sessions(database) == 1


async def test_the_session_cookie_is_closed_to_scripts_and_other_sites(browser, open_browser) -> None:
    plain = set_cookies(await browser.log_in())["kefu_session"]
    assert "HttpOnly" in plain
    assert "SameSite=lax" in plain
    assert "Max-Age=43200" in plain
    assert "Secure" not in plain
    secure = set_cookies(await open_browser("https://shop.example").log_in())
    assert all("Secure" in line for line in secure.values())


async def test_https_is_believed_from_a_trusted_proxy_only(open_browser) -> None:
    def is_secure(answer: httpx.Response) -> bool:
        return "Secure" in set_cookies(answer)["kefu_session"]

    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    assert not is_secure(await open_browser(address="203.0.113.5").log_in(**forwarded))
    proxied = open_browser(address="127.0.0.1")
    assert is_secure(await proxied.log_in(**forwarded))


async def test_the_database_holds_no_token_that_logs_in(browser, database: Database) -> None:
    token = set_cookies(await browser.log_in())["kefu_session"].split("=")[1].split(";")[0]
    async with database.engine.connect() as connection:
        stored = (await connection.execute(sa.select(login_session.c.token_hash))).scalar_one()
    assert bytes(stored) == session_hash(token)
    assert token.encode() not in bytes(stored)


async def test_a_wrong_password_and_an_unknown_login_look_the_same(browser) -> None:
    wrong = await browser.log_in(password="incorrect horse")
    unknown = await browser.log_in(login="nobody", password="incorrect horse")
    for answer, login in ((wrong, "ann"), (unknown, "nobody")):
        assert answer.status_code == 400
        assert "Login or password is wrong." in answer.text
        assert "kefu_session" not in set_cookies(answer)
        assert f'value="{login}"' in answer.text
    hide = r'value="[^"]*"'
    assert re.sub(hide, "", wrong.text) == re.sub(hide, "", unknown.text)


async def test_an_unknown_login_costs_a_comparison_too(browser, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    verify = passwords._matches
    monkeypatch.setattr(passwords, "_matches", lambda *given: compared.append(given) or verify(*given))
    await browser.log_in(login="nobody")
    await browser.log_in(login="an\0n")
    assert [given[1] for given in compared] == [None, None]


async def test_logins_ignore_case_and_blanks(browser) -> None:
    assert (await browser.log_in(login=" ANN ")).status_code == 303


@pytest.mark.parametrize("password", ["", "x" * 257, "x" * 10_000, "correct horse\0", "\ud83d"])
async def test_odd_passwords_are_just_wrong(browser, password: str) -> None:
    form = {"csrf": await browser.csrf(), "login": "ann", "password": password.encode("utf-8", "replace").decode()}
    assert (await browser.http.post("/admin/login", data=form)).status_code == 400


async def test_what_was_typed_is_escaped(browser) -> None:
    answer = await browser.log_in(login='"><script>alert(1)</script>')
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


async def test_a_form_without_the_pages_token_is_refused(browser, database: Database) -> None:
    for form in ({}, {"csrf": "x" * 43}):
        answer = await browser.http.post("/admin/login", data={"login": "ann", "password": "correct horse", **form})
        assert answer.status_code == 403
    token = await browser.csrf()
    form = {"csrf": token, "login": "ann", "password": "correct horse"}
    elsewhere = await browser.http.post("/admin/login", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status_code == 403
    assert await sessions(database) == 0
    assert (await browser.http.post("/admin/login", data=form)).status_code == 303


async def test_a_form_that_is_no_form_is_refused(browser) -> None:
    for content, kind in ((b"\xff\xfe{", "application/json"), (b"a" * 100_000, "application/x-www-form-urlencoded")):
        answer = await browser.http.post("/admin/login", content=content, headers={"Content-Type": kind})
        assert 400 <= answer.status_code < 500
        assert "text/html" in answer.headers["content-type"]


async def test_ten_failures_a_minute_of_an_address_are_enough(open_browser, settings: Settings) -> None:
    attacker, neighbour = open_browser(address="203.0.113.5"), open_browser(address="203.0.113.6")
    for number in range(settings.failures_per_min):
        assert (await attacker.log_in(login=f"guess{number}")).status_code == 400
    refused = await attacker.log_in()
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert "Too many failed attempts" in refused.text
    assert (await neighbour.log_in()).status_code == 303


async def test_nobody_keeps_an_agent_out(open_browser, settings: Settings) -> None:
    """One address that guesses an agent's password is refused, and the agent still comes in from another."""
    attacker = open_browser(address="203.0.113.1")
    for _ in range(settings.failures_per_min):
        await attacker.log_in(password="guess")
    assert (await attacker.log_in(password="guess")).status_code == 429
    assert (await open_browser(address="203.0.113.2").log_in()).status_code == 303


async def test_a_login_has_a_limit_from_everywhere(open_browser, settings: Settings, monkeypatch) -> None:
    monkeypatch.setattr(throttle, "LOGIN_TIMES", 1)
    for number in range(settings.failures_per_min):
        assert (await open_browser(address=f"203.0.113.{number}").log_in(password="guess")).status_code == 400
    assert (await open_browser(address="203.0.113.99").log_in(password="guess")).status_code == 429
    assert (await open_browser(address="203.0.113.98").log_in(login="other")).status_code == 400


async def test_good_logins_do_not_count(open_browser, settings: Settings) -> None:
    for _ in range(settings.failures_per_min + 2):
        assert (await open_browser().log_in()).status_code == 303


async def test_the_limit_ends_after_a_minute(open_browser, settings: Settings, monkeypatch) -> None:
    browser = open_browser()
    for _ in range(settings.failures_per_min):
        await browser.log_in(password="guess")
    assert (await browser.log_in()).status_code == 429
    monkeypatch.setattr(throttle, "WINDOW_S", 0.0)
    assert (await browser.log_in()).status_code == 303


async def test_addresses_behind_our_proxy_are_told_apart(open_browser, settings: Settings) -> None:
    proxy = open_browser(address="127.0.0.1")
    for number in range(settings.failures_per_min):
        await proxy.log_in(login=f"guess{number}", **{"X-Forwarded-For": "198.51.100.7"})
    assert (await proxy.log_in(**{"X-Forwarded-For": "198.51.100.7"})).status_code == 429
    assert (await proxy.log_in(**{"X-Forwarded-For": "198.51.100.8"})).status_code == 303


async def test_a_disabled_agent_is_told_only_with_the_right_password(browser, database: Database) -> None:
    async with database.engine.begin() as connection:
        ann = await agents.by_login(connection, "ann")
        await agents.set_disabled(connection, ann.id, disabled=True)
    assert "is wrong" in (await browser.log_in(password="incorrect horse")).text
    told = await browser.log_in()
    assert told.status_code == 403
    assert "disabled" in told.text


async def test_a_disabled_agent_loses_the_session(browser, database: Database) -> None:
    await browser.log_in()
    async with database.engine.begin() as connection:
        ann = await agents.by_login(connection, "ann")
        await agents.set_disabled(connection, ann.id, disabled=True)
    assert (await browser.get("/admin/chat")).headers["location"] == "/admin/login"
    assert (await browser.get("/api/admin/chat/token")).status_code == 401


async def test_a_session_ends_with_its_time(open_browser, database: Database) -> None:
    browser = open_browser()
    await browser.log_in()
    async with database.engine.begin() as connection:
        await connection.execute(login_session.update().values(expires_at=sa.func.now()))
    assert (await browser.get("/admin/chat")).headers["location"] == "/admin/login"
    await browser.log_in()
    assert await sessions(database) == 1, "a login that is over was kept"


async def test_a_new_login_replaces_a_planted_session(browser, database: Database) -> None:
    await browser.log_in()
    planted = browser.http.cookies["kefu_session"]
    await browser.http.get("/admin/login")
    form = {"csrf": browser.http.cookies["kefu_csrf"], "login": "ann", "password": "correct horse"}
    await browser.http.post("/admin/login", data=form)
    assert browser.http.cookies["kefu_session"] != planted
    async with database.engine.connect() as connection:
        assert await logins.agent_of(connection, session_hash(planted)) is None


async def test_logging_out_from_a_page_of_ours(browser, database: Database) -> None:
    await browser.log_in()
    answer = await browser.get("/admin/logout", sec_fetch_site="same-origin")
    assert answer.headers["location"] == "/admin/login"
    assert "Max-Age=0" in set_cookies(answer)["kefu_session"]
    assert await sessions(database) == 0
    assert (await browser.get("/admin/chat")).headers["location"] == "/admin/login"


async def test_a_link_from_elsewhere_does_not_log_out(browser, database: Database) -> None:
    await browser.log_in()
    for headers in ({}, {"sec_fetch_site": "cross-site"}):
        page = await browser.get("/admin/logout", **headers)
        assert page.status_code == 200
        assert "Log out of the console?" in page.text
    forged = await browser.http.post("/admin/logout", data={})
    assert forged.headers["location"] == "/admin/logout"
    assert await sessions(database) == 1
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    assert (await browser.http.post("/admin/logout", data={"csrf": csrf})).headers["location"] == "/admin/login"
    assert await sessions(database) == 0


async def test_the_language_follows_the_browser_and_the_switch(browser) -> None:
    chinese = await browser.get("/admin/login", accept_language="zh-TW,zh;q=0.9,en;q=0.8")
    assert '<html lang="zh-CN">' in chinese.text
    assert "欢迎回来" in chinese.text
    english = await browser.get("/admin/login", accept_language="fr, en;q=0.5, zh;q=0.1")
    assert "Welcome back" in english.text
    switched = await browser.get("/admin/login?lang=zh-CN", accept_language="en")
    assert (switched.status_code, switched.headers["location"]) == (303, "/admin/login")
    assert "Max-Age=31536000" in set_cookies(switched)["kefu_locale"]
    assert "欢迎回来" in (await browser.get("/admin/login", accept_language="en")).text
    assert "密码不正确" in (await browser.log_in(password="guess")).text
    assert (await browser.get("/admin/login?lang=klingon")).status_code == 200


async def test_a_path_with_two_slashes_leads_nowhere_else(browser) -> None:
    answer = await browser.http.get("http://shop.example//evil.example/?lang=en")
    assert not answer.headers.get("location", "").startswith("//")
