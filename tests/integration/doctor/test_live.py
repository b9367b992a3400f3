"""What doctor finds through a URL: one thing is broken at a time, and named."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from integration.doctor.conftest import OTHER_SECRET, World
from integration.doctor.proxy import Proxy
from kefu.doctor import findings, server_url

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_nothing_is_wrong_with_a_healthy_installation(world: World) -> None:
    """Through the proxy, heartbeat awaited: not one finding."""
    world.patience = dataclasses.replace(world.patience, ping_s_max=5)
    assert await world.doctor() == []


async def test_nothing_is_wrong_without_a_proxy(world: World) -> None:
    world.url = world.site["CHAT_SERVER_INTERNAL_URL"]
    assert await world.doctor() == []


def header(name: str, *values: str) -> Callable[[list[str]], list[str]]:
    """Replaces a header of the widget's files by these values."""
    return lambda lines: [
        *(line for line in lines if not line.lower().startswith(name.lower() + ":")),
        *(f"{name}: {value}" for value in values),
    ]


def at(start: str, change: Callable[[str], str]) -> Callable[[str], str]:
    """Changes paths that begin so."""
    return lambda path: change(path) if path.startswith(start) else path


def page(policy: str, script: str = '<script src="/chat/widget/widget.js"></script>') -> tuple[str, list[str]]:
    return script, [f"Content-Security-Policy: {policy}"] if policy else []


PROXY_FAULTS = {
    "upgrade not passed on": ({"upgrade": False}, {"upgrade_missing"}),
    "visitors' location strips its path": (
        {"path": at("/ws-visitor/", lambda path: path.removeprefix("/ws-visitor"))},
        {"socket_path_changed"},
    ),
    "agents' location doubles its path": (
        {"path": at("/ws-admin/", lambda path: "/ws-admin" + path)},
        {"socket_path_changed"},
    ),
    "location without a slash, proxy_pass with one": (
        {"path": at("/ws-visitor", lambda path: path.replace("/ws-visitor", "/", 1))},
        {"socket_path_changed"},
    ),
    "chat location doubles its path": (
        {"path": at("/chat/", lambda path: "/chat" + path)},
        {"chat_path_changed", "widget_not_found"},
    ),
    "no location for sockets": ({"statuses": {"/ws-": "404 Not Found"}}, {"socket_location_missing"}),
    "sockets go to the main site": ({"statuses": {"/ws-admin": "200 OK"}}, {"socket_location_missing"}),
    "no location for chat": ({"statuses": {"/chat/": "404 Not Found"}}, {"chat_location_missing"}),
    "chat-server down behind the proxy": ({"statuses": {"/chat/": "502 Bad Gateway"}}, {"upstream_away"}),
    "sockets are redirected": (
        {"statuses": {"/ws-visitor": "301 Moved Permanently\r\nLocation: /ws-visitor"}},
        {"socket_redirected"},
    ),
    "a login before the sockets": ({"statuses": {"/ws-": "401 Unauthorized"}}, {"socket_forbidden"}),
    "websockets are held back": ({"silent": True}, {"socket_silent"}),
    "polls are buffered": ({"hold_s": 1.2}, {"socket_buffered"}),
    "polls are cached": ({"cache": True}, {"polling_cached"}),
    "no X-Forwarded-For": ({"forwarded": "none"}, {"forwarded_missing"}),
    "X-Forwarded-For as it came": ({"forwarded": "pass"}, {"forwarded_missing"}),
    "the main site is down": ({"statuses": {"/admin": "502 Bad Gateway"}}, {"main_site_away"}),
    "the main site does not answer": ({"statuses": {"/admin": "504 Gateway Time-out"}}, {"main_site_away"}),
    "nobody behind the console's page": ({"dropped": "/admin"}, {"main_site_away"}),
    "the clock": ({"date": "Sun, 06 Nov 1994 08:49:37 GMT"}, {"clock_wrong"}),
    "loader of another type": ({"answer": header("Content-Type", "text/html")}, {"widget_type"}),
    "loader without CORS": ({"answer": header("Access-Control-Allow-Origin")}, {"widget_cors"}),
    "loader with CORS twice": ({"answer": header("Access-Control-Allow-Origin", "*", "*")}, {"widget_cors_doubled"}),
    "loader for its own site": (
        {"answer": header("Cross-Origin-Resource-Policy", "same-origin")},
        {"widget_corp"},
    ),
    "loader kept for a month": ({"answer": header("Cache-Control", "max-age=2592000")}, {"widget_cache"}),
    "loader uncompressed": ({"accept_encoding": False}, {"widget_uncompressed"}),
    "parts of the loader missing": ({"statuses": {"/chat/widget/assets/": "404 Not Found"}}, {"widget_parts"}),
    "policy without scripts": ({"front": page("script-src 'none'")}, {"csp_script"}),
    "policy without sockets": ({"front": page("connect-src https://other.example")}, {"csp_connect"}),
    "policy of nothing": ({"front": page("default-src 'none'")}, {"csp_script", "csp_connect"}),
}


@pytest.mark.parametrize(("faults", "expected"), PROXY_FAULTS.values(), ids=PROXY_FAULTS)
async def test_a_proxy_that_is_set_up_wrongly(world: World, faults: dict, expected: set[str]) -> None:
    """Each fault is named, and nothing else is."""
    world.proxy.faults = dataclasses.replace(world.proxy.faults, **faults)
    if "front" in faults:
        world.page = world.url + "/"
    world.patience = dataclasses.replace(world.patience, answer_s=2)
    assert set(await world.codes()) == expected


async def test_a_timeout_below_the_heartbeat(world: World, start) -> None:
    """Both transports are cut before the ping."""
    world.proxy.faults.upstream = (await start(KEFU_PING_INTERVAL_MS="3001")).port
    world.proxy.faults.idle_s = 1.5
    world.patience = dataclasses.replace(world.patience, ping_s_max=5)
    found = await world.doctor()
    assert {one.code for one in found} == {"socket_timeout"}
    assert "proxy_read_timeout 60s;" in found[0].line


async def test_a_page_whose_origin_is_not_listed(world: World, start) -> None:
    """The line that admits the page is told, once, although the sockets refuse it too."""
    world.proxy.faults.upstream = (await start()).port
    base = world.url.replace("http://127.0.0.1", "http://localhost")
    world.page = base + "/"
    found = [one for one in await world.doctor() if one.code != "page_other_server"]
    assert [one.code for one in found] == ["origin_not_listed"]
    assert found[0].line == f"CHAT_ALLOWED_ORIGINS={world.chat['CHAT_ALLOWED_ORIGINS']},{base}"


async def test_a_server_with_the_main_sites_other_secret(world: World) -> None:
    """The running server refuses what the main site signs, whatever the files say."""
    world.site["CHAT_ADMIN_JWT_SECRET"] = world.chat["CHAT_ADMIN_JWT_SECRET"] = OTHER_SECRET
    assert await world.codes() == ["token_refused"]


async def test_a_proxy_that_is_not_trusted(world: World, start) -> None:
    """The server tells the line that trusts it."""
    server = await start(CHAT_TRUSTED_PROXIES="10.0.0.0/8")
    world.proxy.faults.upstream = server.port
    found = await world.doctor()
    assert [(one.code, one.line) for one in found] == [
        ("forwarded_untrusted", "CHAT_TRUSTED_PROXIES=10.0.0.0/8,127.0.0.1")
    ]


async def test_what_the_server_knows_of_itself(world: World, start) -> None:
    """Origins refused lately and its own settings come through the URL, and name no secret."""
    server = await start(CHAT_ALLOWED_ORIGINS="https://shop.example", KEFU_IDENTITY_SECRET=OTHER_SECRET)
    world.proxy.faults.upstream = server.port
    world.page = world.url + "/"
    await world.doctor()
    again = await world.doctor()
    assert [one.code for one in again] == ["origin_not_listed"]
    assert again[0].line == f"CHAT_ALLOWED_ORIGINS=https://shop.example,{world.url}"
    world.page, world.proxy.faults.front = "", ("", [])
    assert await world.codes() == ["origin_refused_lately"]


async def test_what_is_wrong_around_the_proxy(world: World, tls_proxy, monkeypatch) -> None:
    world.site["CHAT_SERVER_PUBLIC_URL"] = "https://old.example"
    assert await world.codes() == ["public_url_differs"]
    del world.site["CHAT_SERVER_PUBLIC_URL"]
    monkeypatch.setattr(server_url, "is_this_machine", lambda _: False)
    assert await world.codes() == ["not_https"]
    world.url = f"https://127.0.0.1:{tls_proxy.port}"
    tls_proxy.faults.cookie = "kefu_csrf=x; HttpOnly"
    assert await world.codes() == ["proto_missing"]
    world.page = world.url + "/nothing"
    tls_proxy.faults.statuses = {"/nothing": "404 Not Found"}
    tls_proxy.faults.cookie = ""
    assert await world.codes() == ["page_unreachable"]


async def test_an_address_that_sends_on(world: World, tls_proxy) -> None:
    """http to https, as most proxies do: told, and everything is looked at there."""
    there = f"https://127.0.0.1:{tls_proxy.port}"
    world.proxy.faults.statuses = {"/": f"301 Moved Permanently\r\nLocation: {there}/chat/health"}
    tls_proxy.faults.upgrade = False
    found = await world.doctor()
    assert [one.code for one in found] == ["upgrade_missing", "upgrade_missing", "url_redirected"]
    assert found[2].line == f"kefu doctor --url {there}"


async def test_nobody_answers(world: World) -> None:
    world.url = "http://127.0.0.1:9"
    assert await world.codes() == ["url_unreachable"]
    world.url = "http://nowhere.invalid"
    assert await world.codes() == ["url_unknown_host"]
    world.url = world.site["CHAT_SERVER_INTERNAL_URL"].replace("http:", "https:")
    assert await world.codes() == ["tls_failed"]


SOON = f"{dt.datetime.now(dt.UTC) + dt.timedelta(days=5):%Y%m%d}"
CERTIFICATES = {
    "of another name": ({"host": "DNS:shop.example"}, "tls_name"),
    "signed by itself": ({"by": "itself"}, "tls_self_signed"),
    "over": ({"ends": "20260101"}, "tls_expired"),
    "nearly over": ({"ends": SOON}, "tls_expiring"),
}


async def test_nothing_is_wrong_with_https(world: World, tls_proxy) -> None:
    world.url = f"https://127.0.0.1:{tls_proxy.port}"
    assert await world.doctor() == []


@pytest.mark.parametrize(("options", "code"), CERTIFICATES.values(), ids=CERTIFICATES)
async def test_a_certificate(world: World, start, authority, options: dict, code: str) -> None:
    """What is wrong with it is told, and everything behind it is still looked at."""
    faulty = Proxy()
    faulty.upstream = (await start()).port
    await faulty.start(authority(code, **options))
    world.url = world.page = f"https://127.0.0.1:{faulty.port}"
    codes = set(await world.codes())
    await faulty.stop()
    assert codes == {code, "origin_other_port"}


CONFIGURATION = """
{user} pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1; daemon off;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  server {{
    listen 127.0.0.1:{port};
    location /chat/ {{ proxy_pass http://127.0.0.1:{upstream}{strip}; {headers} }}
    location /ws-visitor/ {{ proxy_pass http://127.0.0.1:{upstream}{strip}; {headers} {upgrade} }}
    location /ws-admin/ {{ proxy_pass http://127.0.0.1:{upstream}; {headers} {upgrade} }}
    location / {{ return 404; }}
  }}
}}
"""
FORWARDED = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
UPGRADE = findings.KINDS["upgrade_missing"].line
NGINX = {
    "well": ({}, set()),
    "without upgrade": ({"upgrade": ""}, {"upgrade_missing"}),
    "stripping": ({"strip": "/"}, {"socket_path_changed"}),
    "without the client's address": ({"headers": ""}, {"forwarded_missing"}),
    "passing on what the client says": (
        {"headers": "proxy_set_header X-Forwarded-For $http_x_forwarded_for; proxy_set_header X-Real-IP $remote_addr;"},
        {"forwarded_forged"},
    ),
    "with a small limit of bodies": (
        {"headers": FORWARDED + "client_max_body_size 64;"},
        {"socket_body_limit"},
    ),
    "with a limit just below a large message": (
        {"headers": FORWARDED + "client_max_body_size 64000;"},
        {"socket_body_limit"},
    ),
    "with the limit that is named": (
        {"headers": FORWARDED + findings.KINDS["socket_body_limit"].line.format(needed=66_560)},
        set(),
    ),
    "with a short timeout": ({"headers": FORWARDED + "proxy_read_timeout 400ms;"}, {"socket_timeout"}),
}


@contextlib.asynccontextmanager
async def nginx_before(world: World, folder: Path, upstream: int | str, change: dict[str, str]) -> AsyncIterator[None]:
    """The world behind a real nginx, set up as doctor's own lines say but for the change."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        assert "CI" not in os.environ, "nginx is not installed"
        pytest.skip("nginx is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    parts = {"strip": "", "headers": FORWARDED, "upgrade": UPGRADE, **change}
    file = folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # so that it may keep large bodies in the test's folder
    file.write_text(CONFIGURATION.format(folder=folder, user=user, port=port, upstream=upstream, **parts))
    process = await asyncio.create_subprocess_exec(program, "-c", str(file), "-e", str(folder / "error.log"))
    try:
        world.url = f"http://127.0.0.1:{port}"
        await until_listening(port)
        yield
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize(("change", "expected"), NGINX.values(), ids=NGINX)
async def test_a_real_nginx(world: World, tmp_path: Path, change: dict[str, str], expected: set[str]) -> None:
    """Doctor's own lines make nginx right, and each left out is named."""
    async with nginx_before(world, tmp_path, world.chat["CHAT_SERVER_PORT"], change):
        world.patience = dataclasses.replace(
            world.patience, ping_s_max=5 if "timeout" in change.get("headers", "") else 0
        )
        assert set(await world.codes()) == expected


@pytest.mark.parametrize("written", ["http://x", "https://shop.example", '""'])
async def test_a_proxy_that_changes_the_origin(world: World, start, tmp_path: Path, written: str) -> None:
    """The proxy's line is named and no list is to be longer: it refuses all, or admits all, or hides who asks."""
    change = {"headers": f"{FORWARDED} proxy_set_header Origin {written};"}
    async with nginx_before(world, tmp_path, (await start()).port, change):
        world.page = f"http://127.0.0.1:{world.proxy.port}/"  # a listed one
        for run in range(2):
            found = [one for one in await world.doctor() if one.code != "page_other_server"]
            paths = {"/ws-visitor", "/ws-admin"} if written != '""' else {"/ws-visitor"}  # no page known for the other
            assert {one.code for one in found} == {"origin_changed"}
            assert {one.facts["path"] for one in found} == paths
            is_remembered = run == 1 and written == "http://x"
            assert not is_remembered or {one.line for one in found} == {"remove: proxy_set_header Origin http://x;"}
            assert all(one.line.startswith("remove: proxy_set_header Origin ") for one in found)


async def until_listening(port: int) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
