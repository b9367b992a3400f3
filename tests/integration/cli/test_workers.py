"""`kefu server --workers` and `kefu up --workers`: one port, several processes, each session found."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import aiohttp
import psutil
import pytest
import socketio
from prometheus_client.parser import text_string_to_metric_families

from integration.nats_server import NatsServer
from kefu.tokens import issue_agent_token

from .conftest import SECRET, Program, free_ports

WORKERS = 3
METRICS_TOKEN = "1f0c9ab26e4458b3c2d6e8f90a1b2c3d4e5f60aa"


@pytest.fixture
def nats():
    server = NatsServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def environment(database_url: str, nats) -> dict[str, str]:
    return {
        "CHAT_DATABASE_URL": database_url,
        "CHAT_ADMIN_JWT_SECRET": SECRET,
        "CHAT_SERVER_PORT": str(free_ports(1)[0]),
        "KEFU_NATS_URL": nats.url,
        "KEFU_METRICS_TOKEN": METRICS_TOKEN,
        "KEFU_NEW_PER_ADDRESS_PER_HOUR": "10000",
        "KEFU_ADDRESS_RATE_PER_MIN": "100000",
        "CHAT_WS_RATE_PER_MIN": "100000",
        "KEFU_WS_RATE_BURST": "100000",
    }


@pytest.fixture
def server(start, environment) -> Program:
    program = start("server", "--workers", str(WORKERS), **environment)
    program.wait_for(f"WORKERS_OK {WORKERS}")
    return program


def workers(program: Program) -> list[psutil.Process]:
    children = psutil.Process(program.process.pid).children()
    return [child for child in children if "kefu.cli.worker" in child.cmdline()]


def connections(worker: psutil.Process) -> int:
    return sum(connection.status == "ESTABLISHED" for connection in worker.net_connections("inet"))


class Client:
    """A socket of python-socketio; `got` holds what it heard."""

    def __init__(self, port: str, path: str, transports: list[str]) -> None:
        self.got: list[tuple[str, dict]] = []
        self._url, self._path, self._transports = f"http://127.0.0.1:{port}", path, transports
        self.socket = socketio.AsyncClient(reconnection=False)
        self.socket.on("*", lambda event, *args: self.got.append((event, args[0] if args else None)))

    async def connect(self, auth=None) -> Client:
        await self.socket.connect(
            self._url, transports=self._transports, socketio_path=self._path, auth=auth, wait_timeout=10
        )
        return self

    async def ask(self, event: str, payload):
        return await self.socket.call(event, payload, timeout=10)

    def texts(self) -> list[str]:
        return [payload["bodyText"] for event, payload in self.got if event == "message_new"]


async def until(check, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not check():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_every_session_is_found_and_everybody_hears(server, environment) -> None:
    """Websockets, polling and upgrades over three workers: hundreds of requests, no unknown sid, everything heard."""
    port = environment["CHAT_SERVER_PORT"]
    ways = [["websocket"], ["polling"], ["polling", "websocket"]]
    visitors = [await Client(port, "/ws-visitor", ways[number % 3]).connect() for number in range(18)]
    token = issue_agent_token(SECRET, agent_id="ann", role="agent", name="Ann")
    agents = [await Client(port, "/ws-admin", ways[number % 3]).connect({"token": token}) for number in range(3)]
    acks = [await visitor.ask("visitor_hello", {"sessionId": f"s_{uuid.uuid4()}"}) for visitor in visitors]
    for agent in agents:
        for ack in acks:
            joined = await agent.ask("admin_join", {"conversationId": ack["conversationId"]})
            assert joined["ok"], joined

    async def talk(visitor: Client) -> None:
        for number in range(15):
            answer = await visitor.ask("visitor_message", {"bodyText": str(number), "clientId": str(uuid.uuid4())})
            assert (answer["ok"], answer["seq"]) == (True, number + 1)

    await asyncio.gather(*map(talk, visitors))
    expected = [str(number) for number in range(15)]
    for visitor in visitors:
        await until(lambda visitor=visitor: visitor.texts() == expected)
        assert visitor.socket.connected
    for agent in agents:
        await until(lambda agent=agent: len(agent.texts()) == 15 * len(visitors), 15)
    assert {client.socket.transport() for client in visitors[2::3]} == {"websocket"}
    assert {client.socket.transport() for client in visitors[1::3]} == {"polling"}
    spread = [connections(worker) for worker in workers(server)]
    assert len(spread) == WORKERS
    assert sum(count > 3 for count in spread) >= 2, "the kernel spreads connections over the workers"
    await asyncio.gather(*(client.socket.disconnect() for client in [*visitors, *agents]))


async def test_requests_of_one_session_on_many_connections(server, environment) -> None:
    """Each request of a polling session on a connection of its own, so at any worker; forged numbers find nothing."""
    base = f"http://127.0.0.1:{environment['CHAT_SERVER_PORT']}/ws-visitor/?EIO=4&transport=polling"

    async def request(method: str, url: str, body: str | None = None) -> tuple[int, str]:
        async with aiohttp.ClientSession() as http, http.request(method, url, data=body) as answer:
            return answer.status, await answer.text()

    async def session(number: int) -> str:
        _, opened = await request("GET", base)
        sid = opened.partition('"sid":"')[2].partition('"')[0]
        own = f"{base}&sid={sid}"
        assert await request("POST", own, "40") == (200, "ok")
        status, connected = await request("GET", own)
        assert (status, connected[:2]) == (200, "40")
        for _ in range(8):
            waiting = asyncio.create_task(request("GET", own))
            assert await request("POST", own, f'42{number}["visitor_typing",{{}}]') == (200, "ok")
            status, answer = await waiting
            packets = answer.split("\x1e")
            if "2" in packets:  # a ping came first, alone or not
                assert await request("POST", own, "3") == (200, "ok")
            if packets == ["2"]:
                status, answer = await request("GET", own)
                packets = answer.split("\x1e")
            assert (status, packets[-1][:2]) == (200, "43"), answer
        return sid

    sids = await asyncio.gather(*(session(number) for number in range(20)))
    assert {sid.partition(".")[0] for sid in sids} >= {"0", "1"}
    secret = sids[0].partition(".")[2]
    for forged in (f"7.{secret}", f"999.{secret}", f"1.{'x' * 22}", "0.", "..", f"-1.{secret}", "1./../0", secret):
        status, _ = await request("GET", f"{base}&sid={forged}")
        assert status == 400, forged
    async with aiohttp.ClientSession() as http:
        big = await http.post(f"{base}&sid={sids[0]}", data=b"4" * 200_000)
        assert big.status == 413


def metrics(port: str, query: str = "", token: str = METRICS_TOKEN) -> dict[str, list[tuple[dict[str, str], float]]]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/chat/metrics{query}")
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read().decode()
    helps = [line.split(" ")[2] for line in text.splitlines() if line.startswith("# HELP ")]
    assert len(helps) == len(set(helps)), "each metric once"
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


async def test_the_public_port_shows_the_metrics_of_all(server, environment) -> None:
    """Whichever worker is asked: every number of each, told apart; the sums are those of the whole server."""
    port = environment["CHAT_SERVER_PORT"]
    visitors = [await Client(port, "/ws-visitor", ["websocket"]).connect() for _ in range(24)]
    for visitor in visitors:
        await visitor.ask("visitor_hello", {"sessionId": f"s_{uuid.uuid4()}"})
        await visitor.ask("visitor_message", {"bodyText": "hello", "clientId": str(uuid.uuid4())})
    everybody = {str(number) for number in range(WORKERS)}
    for _ in range(6):
        found = metrics(port)
        for name in ("kefu_build_info", "process_cpu_seconds_total", "kefu_append_queue_messages"):
            assert sorted(labels["worker"] for labels, _ in found[name]) == sorted(everybody), name
        stored = [count for labels, count in found["kefu_messages_total"] if labels["outcome"] == "stored"]
        assert sum(stored) == len(visitors)
        sockets = [
            (labels["worker"], count)
            for labels, count in found["kefu_connections"]
            if (labels["path"], labels["transport"]) == ("/ws-visitor", "websocket")
        ]
        assert sum(count for _, count in sockets) == len(visitors)
    alone = metrics(port, "?this-worker")
    assert len({labels["worker"] for labels, _ in alone["kefu_build_info"]}) == 1
    with pytest.raises(urllib.error.HTTPError, match="401"):
        metrics(port, token="x" * 32)
    workers(server)[2].send_signal(signal.SIGSTOP)  # one that does not answer is left out, soon
    began = time.monotonic()
    answered = [labels["worker"] for labels, _ in (await from_one_that_lives(port))["kefu_build_info"]]
    assert len(answered) == WORKERS - 1
    assert time.monotonic() - began < 8
    workers(server)[2].send_signal(signal.SIGCONT)
    await asyncio.gather(*(visitor.socket.disconnect() for visitor in visitors))


async def from_one_that_lives(port: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The kernel gives some connections to the worker that does not answer."""
    asked = {asyncio.create_task(asyncio.to_thread(metrics, port)) for _ in range(8)}
    done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    return done.pop().result()


def test_too_few_connections_are_told_at_the_start(server, start, environment) -> None:
    """The pools of all workers against what the database allows: one line, and it serves."""
    assert "the database allows" not in server.text
    server.end()
    program = start("server", "--workers", str(WORKERS), **environment, KEFU_DB_POOL_MAX="60")
    program.wait_for(f"WORKERS_OK {WORKERS}")
    lines = [line for line in program.lines if "the database allows" in line]
    assert len(lines) == 1
    assert "allows 117 connections, chat-server's 3 and the main site take up to 243" in lines[0]
    assert "max_connections = 248" in lines[0]
    assert "KEFU_DB_POOL_MAX lower than 60" in lines[0]


def test_a_killed_worker_comes_back_and_the_others_go_on(server, environment) -> None:
    """A crash takes one worker's sockets with it, nobody else's, and its place is filled again."""
    before = workers(server)
    before[1].send_signal(signal.SIGKILL)
    server.wait_for(r"worker \d ended with -9; it is started again")
    deadline = time.monotonic() + 20
    while len([worker for worker in workers(server) if worker.pid != before[1].pid]) < WORKERS:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for _ in range(30):
        with urllib.request.urlopen(
            f"http://127.0.0.1:{environment['CHAT_SERVER_PORT']}/chat/ready", timeout=20
        ) as answer:
            assert answer.status == 200


def test_the_stop_is_clean_and_leaves_nobody(server, environment) -> None:
    """SIGTERM ends all within the deadline; the port is free again, and no folder or process stays."""
    pids = [worker.pid for worker in workers(server)]
    assert len(pids) == WORKERS
    began = time.monotonic()
    assert server.end(signal.SIGTERM) == 0
    assert time.monotonic() - began < 10
    assert not any(psutil.pid_exists(pid) for pid in pids)
    socket.create_server(("127.0.0.1", int(environment["CHAT_SERVER_PORT"]))).close()
    assert "Traceback" not in server.text


def test_a_killed_supervisor_takes_its_workers_along(server) -> None:
    """Nobody holds the port for a server that is gone."""
    children = workers(server)
    server.process.kill()
    _, alive = psutil.wait_procs(children, 15)
    assert not alive


@pytest.mark.parametrize("second", [["--workers", "2"], []])
def test_a_second_server_is_told_that_the_port_is_taken(server, start, environment, second: list[str]) -> None:
    other = start("server", *second, **environment)
    assert other.wait() == 1
    assert environment["CHAT_SERVER_PORT"] in other.text
    assert "in use" in other.text
    assert len(other.lines) == 1


def test_a_port_taken_by_any_program_stops_the_start(start, environment) -> None:
    with socket.create_server(("127.0.0.1", int(environment["CHAT_SERVER_PORT"]))):
        program = start("server", "--workers", "2", **environment)
        assert program.wait() == 1
    assert "in use" in program.text
    assert len(program.lines) == 1


def test_workers_need_the_bus(start, environment) -> None:
    del environment["KEFU_NATS_URL"]
    program = start("server", "--workers", "2", **environment)
    assert program.wait() == 1
    assert program.text == "kefu: KEFU_NATS_URL is not set: several workers need NATS to hear each other\n"


def test_up_with_workers_brings_nats_along(start, data_dir: Path, database_url: str) -> None:
    """One command: workers, a NATS with a password nobody else knows, and nothing of it left behind."""
    ports = free_ports(2)
    program = start(
        "up",
        "--workers",
        "2",
        CHAT_DATABASE_URL=database_url,
        KEFU_DATA_DIR=str(data_dir),
        CHAT_SERVER_PORT=str(ports[0]),
        KEFU_SITE_PORT=str(ports[1]),
        KEFU_ADMIN_PASSWORD="correct horse battery",
    )
    program.wait_for("Kefu is running")
    config = data_dir / "nats.conf"
    assert config.stat().st_mode & 0o777 == 0o600
    password = config.read_text().partition('password: "')[2].partition('"')[0]
    children = psutil.Process(program.process.pid).children()
    (broker,) = [child for child in children if "nats-server" in child.name()]
    assert password not in " ".join(part for child in children for part in child.cmdline())
    assert {connection.laddr.ip for connection in broker.net_connections("inet")} == {"127.0.0.1"}
    with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/chat/ready", timeout=5) as answer:
        assert answer.read() == b'{"ok":true}'
    broker.kill()
    program.wait_for("nats-server ended with -9; it is started again")
    deadline = time.monotonic() + 15
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/chat/ready", timeout=5) as answer:
            if answer.read() == b'{"ok":true}' and time.monotonic() > deadline - 14:
                break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert program.end() == 0
    assert not config.exists()
    assert not any(psutil.pid_exists(child.pid) for child in children)
