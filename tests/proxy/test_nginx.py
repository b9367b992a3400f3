"""What the printed configuration does in a real nginx: HTTPS, headers, compression, caching, limits, rollback."""

from __future__ import annotations

import asyncio
import http.server
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import aiohttp
import httpx
import pytest
import socketio

from proxy.conftest import CHAT_DOMAIN, DOCS, DOMAIN, LOGIN, PASSWORD, Installation, example, states
from proxy.processes import until

SECURITY = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
}
OPEN = "/?EIO=4&transport=polling"
LOGGED_S_MAX = 5


@pytest.fixture
def client(installation: Installation) -> Iterator[httpx.Client]:
    """A browser on the path layout."""
    front = installation.fronts["path"]
    trust = ssl.create_default_context(cafile=str(installation.ca))
    with httpx.Client(base_url=front.local(front.page), verify=trust) as made:
        yield made


def test_http_goes_to_https_except_for_certbot(installation: Installation) -> None:
    proof = installation.folder / "www/.well-known/acme-challenge/proof"
    proof.parent.mkdir(parents=True, exist_ok=True)
    proof.write_text("signed")
    plain = f"http://127.0.0.1:{installation.http_port}"
    assert httpx.get(f"{plain}/.well-known/acme-challenge/proof").text == "signed"
    moved = httpx.get(f"{plain}/admin/chat?lang=zh-CN", headers={"Host": "elsewhere.example"})
    assert moved.status_code == 301
    assert moved.headers["location"] == f"{installation.fronts['path'].page}/admin/chat?lang=zh-CN"


def test_the_other_name_goes_to_the_one_that_is_served(installation: Installation) -> None:
    """By http and by https, in one step, under a certificate that holds it."""
    page = installation.fronts["path"].page
    port = int(page.rpartition(":")[2])
    plain = httpx.get(f"http://127.0.0.1:{installation.http_port}/a?b=c", headers={"Host": f"www.{DOMAIN}"})
    trust = ssl.create_default_context(cafile=str(installation.ca))
    with httpx.Client(verify=trust) as client:
        secure = client.get(
            f"https://127.0.0.1:{port}/a?b=c",
            headers={"Host": f"www.{DOMAIN}"},
            extensions={"sni_hostname": f"www.{DOMAIN}"},
        )
    assert {(answer.status_code, answer.headers["location"]) for answer in (plain, secure)} == {(301, f"{page}/a?b=c")}
    assert secure.headers["strict-transport-security"] == SECURITY["strict-transport-security"]


def test_http2_is_offered(installation: Installation) -> None:
    context = ssl.create_default_context(cafile=str(installation.ca))
    context.set_alpn_protocols(["h2", "http/1.1"])
    for name, host in (("path", DOMAIN), ("subdomain", CHAT_DOMAIN)):
        port = int(installation.fronts[name].chat.rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port)) as opened,
            context.wrap_socket(opened, server_hostname=host) as secure,
        ):
            assert secure.selected_alpn_protocol() == "h2"
            assert secure.version() == "TLSv1.3"


@pytest.mark.parametrize("path", ["/", "/chat/widget/widget.js", "/chat/nowhere", "/ws-visitor", "/admin/login"])
def test_each_security_header_comes_once(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    # chat-server says of its own answers, which are no pages, that nothing is to be referred to.
    own = {"referrer-policy": "no-referrer"} if path.startswith("/chat/") else {}
    assert {name: answer.headers.get_list(name) for name in SECURITY} == {
        name: [value] for name, value in (SECURITY | own).items()
    }


def test_only_files_are_compressed(client: httpx.Client) -> None:
    """This nginx compresses everything that is not excepted."""
    asked = {"Accept-Encoding": "gzip"}
    form = client.get("/admin/login", headers=asked)
    csrf = re.search(r'name="csrf" value="([^"]+)"', form.text)[1]
    entered = client.post("/admin/login", data={"csrf": csrf, "login": LOGIN, "password": PASSWORD})
    assert entered.headers["location"] == "/admin/chat"
    token = client.get("/api/admin/chat/token", headers=asked)
    assert token.json()["token"]
    for secret in (form, token, client.get("/admin/chat", headers=asked), client.get("/chat/ready", headers=asked)):
        assert secret.status_code == 200
        assert "content-encoding" not in secret.headers, secret.url
    opened = client.get("/ws-visitor" + OPEN, headers=asked)
    assert opened.text.startswith('0{"sid":')
    assert "content-encoding" not in opened.headers
    assert client.get("/chat/widget/widget.js", headers=asked).headers["content-encoding"] == "gzip"


def test_sockets_answer_with_and_without_a_slash_and_only_within_limits(
    installation: Installation, client: httpx.Client
) -> None:
    log = installation.nginx.folder / "access.log"
    before = len(log.read_text())
    for path in ("/ws-visitor", "/ws-visitor/", "/ws-admin", "/ws-admin/"):
        assert client.get(path + OPEN.removeprefix("/")).status_code == 200
    sid = json.loads(client.get("/ws-visitor" + OPEN).text[1:])["sid"]
    assert client.post(f"/ws-visitor{OPEN}&sid={sid}", content="4" * 70_000).status_code == 413
    assert client.post("/chat/nowhere", content=b"0" * 70_000).status_code == 404
    assert client.get("/chat/health").status_code == 200
    logged = ""
    deadline = time.monotonic() + LOGGED_S_MAX
    while "/chat/health" not in logged and time.monotonic() < deadline:  # nginx logs after it has answered
        logged = log.read_text()[before:]
    assert "/chat/health" in logged
    assert "sid=" not in logged


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the headers that came."""

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_what_the_server_behind_is_told(installation: Installation, client: httpx.Client) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever).start()
    port = server.server_address[1]
    before = installation.configuration()
    try:
        installation.nginx.site("path", before.replace(f"127.0.0.1:{installation.chat_port}", f"127.0.0.1:{port}"))
        installation.nginx.reload()
        until(lambda: "x-real-ip" in ask_again(client, "/chat/echo").text, "nginx keeps its old configuration")
        answer = client.get("/chat/echo", headers={"X-Forwarded-For": "192.0.2.9", "X-Real-IP": "192.0.2.9"})
        told = answer.json()
        asked = {"Connection": "keep-alive, Upgrade", "Upgrade": "WebSocket"}
        upgrade = client.get("/ws-visitor/", headers=asked).json()
        smuggled = client.get("/chat/echo", headers=asked | {"Upgrade": "h2c"}).json()
    finally:
        installation.nginx.site("path", before)
        installation.nginx.reload()
        server.shutdown()
        server.server_close()
    assert told["x-real-ip"] == "127.0.0.1"
    assert told["x-forwarded-for"] == "192.0.2.9, 127.0.0.1"
    assert told["x-forwarded-proto"] == "https"
    assert told["host"] == f"localhost:{client.base_url.port}"
    assert "connection" not in told
    assert (upgrade["connection"], upgrade["upgrade"]) == ("upgrade", "WebSocket")
    assert "connection" not in smuggled
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
    until(lambda: ask_again(client, "/chat/health").status_code == 200, "nginx does not go back")


def test_back_and_forward_again(installation: Installation, client: httpx.Client) -> None:
    """The document's rollback: chat-server gone, its locations removed, the main site unharmed. Then all returns."""
    front = installation.fronts["path"]
    accepted = installation.accept(front, "--json")
    assert accepted.exit_code == 0, accepted.output
    conversation_id = json.loads(accepted.stdout)["conversationId"]
    log_in(client)
    loader = client.get("/chat/widget/widget.js").text
    panel = "/chat/widget/" + re.search(r"assets/panel-[\w-]+\.js", loader)[0]
    assert client.get(panel).status_code == 200

    installation.server.stop()
    assert client.get(panel).headers["cache-control"] == "public, max-age=31536000, immutable"  # nginx has kept it
    lost = client.get("/chat/health")
    assert lost.status_code == 502
    assert lost.headers["strict-transport-security"]
    try:
        installation.nginx.site("path", installation.configuration("--part=rollback"))
        installation.nginx.reload()
        until(lambda: ask_again(client, "/chat/health").status_code == 404, "the chat's locations stay")
        assert client.get("/").status_code == 200
        away = client.get("/admin/chat", headers={"Accept-Language": "zh-CN"})
        assert away.status_code == 200
        assert "Live Chat 服务未连接" in away.text
        assert client.get("/api/admin/chat/token").json()["token"]
        gone = installation.accept(front, "--json")
        assert gone.exit_code == 1
        assert states(gone)["health"] == "failed"
    finally:
        installation.start_server()
        installation.server.until_log_has("P0_OK")
        installation.nginx.site("path", installation.configuration())
        installation.nginx.reload()
    until(lambda: ask_again(client, "/chat/ready").status_code == 200, "chat-server is not back")
    until(lambda: "console.js" in ask_again(client, "/admin/chat").text, "the console is not back")
    assert installation.accept(front).exit_code == 0
    assert conversation_id in inbox(installation, client.get("/api/admin/chat/token").json()["token"])


def ask_again(client: httpx.Client, path: str) -> httpx.Response:
    """An answer, also while nginx reloads: as browsers do, a connection that it closes meanwhile is replaced."""
    try:
        return client.get(path)
    except httpx.RemoteProtocolError:
        return client.get(path)


def log_in(client: httpx.Client) -> None:
    csrf = re.search(r'name="csrf" value="([^"]+)"', client.get("/admin/login").text)[1]
    client.post("/admin/login", data={"csrf": csrf, "login": LOGIN, "password": PASSWORD})


def inbox(installation: Installation, token: str) -> list[str]:
    """The closed conversations, as an independent client reads them through nginx."""
    front = installation.fronts["path"]

    async def ask() -> list[str]:
        trust = ssl.create_default_context(cafile=str(installation.ca))
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session,
            socketio.AsyncSimpleClient(http_session=session) as client,
        ):
            await client.connect(front.local(front.chat), socketio_path="/ws-admin", auth={"token": token})
            answer = await client.call("admin_inbox", {"filter": "closed"})
            return [row["conversationId"] for row in answer["rows"]]

    return asyncio.run(ask())


def test_the_part_for_certbot_needs_no_certificate(installation: Installation) -> None:
    before = installation.configuration()
    part = installation.configuration("--layout=path", "--part=challenge", "--certificates=/nowhere")
    assert "443" not in part
    assert "ssl" not in part
    try:
        installation.nginx.site("path", part)
        assert installation.nginx.check() == ""
    finally:
        installation.nginx.site("path", before)


@pytest.mark.parametrize("page", ["nginx", "accept"])
def test_pages_of_the_docs_show_the_same_code_in_both_languages(page: str) -> None:
    blocks = [
        re.findall(r"^ *```.*?^ *```", (DOCS / language / f"{page}.md").read_text(), re.MULTILINE | re.DOTALL)
        for language in ("en", "zh-CN")
    ]
    assert blocks[0] == blocks[1]
    assert example("nginx", "caddy")
