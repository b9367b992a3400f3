"""What a run of the generator is told, and what it answers: JSON on standard input and standard output."""

from __future__ import annotations

from typing import Literal

import msgspec


class Plan(msgspec.Struct):
    """One run.

    Attributes:
        mode: `closed`: each visitor sends its next message when the last one is acked. `paced`: all together send
            `rate_per_s`, whether or not the server keeps up. `idle`: visitors connect and stay silent.
        dialect: What is spoken: a key of `dialects.DIALECTS`.
        port: The server's, on loopback.
        server_pid: The process whose CPU and memory are the server's.
        postgres_pid: The parent of PostgreSQL's processes.
        agent_token: Opens the agent's socket, where the dialect asks for one.
        visitors: Sockets of visitors.
        seconds_warm: Load before the measured window.
        seconds: The measured window.
        rate_per_s: Messages a second of the paced mode.
        steps: Connections at which the idle mode weighs the server.
        greets: Idle visitors open their conversation; otherwise they only connect.
        settle_s: Rest before each weighing.
    """

    mode: Literal["closed", "paced", "idle"]
    dialect: str
    port: int
    server_pid: int
    postgres_pid: int
    agent_token: str = ""
    visitors: int = 200
    seconds_warm: float = 2.0
    seconds: float = 8.0
    rate_per_s: int = 100
    steps: tuple[int, ...] = ()
    greets: bool = True
    settle_s: float = 3.0


class Latency(msgspec.Struct):
    """Milliseconds from the send (in the paced mode: from the moment planned for it)."""

    p50: float
    p99: float


class LoadResult(msgspec.Struct):
    """What a window of messages cost. `*_us` is CPU a message; `*_cores` is CPU time over wall time."""

    messages: int
    messages_per_s: float
    server_us: float
    postgres_us: float
    generator_us: float
    server_cores: float
    generator_cores: float
    other_cores: float
    ack_ms: Latency
    delivery_ms: Latency


class Step(msgspec.Struct):
    """The server after some more connections were opened and have rested.

    Attributes:
        connections: All that are open now.
        seconds: From the first connect to the last answer of those that came in this step.
        server_us: The server's CPU a connection that came, the rest after it left out.
        generator_cores: The generator's CPU time over `seconds`.
        rss: The server's resident memory, bytes.
        pss: The same, with shared pages divided among those who share them.
    """

    connections: int
    seconds: float
    server_us: float
    generator_cores: float
    rss: int
    pss: int


class IdleResult(msgspec.Struct):
    """The steps, the first one without a connection."""

    steps: list[Step]
