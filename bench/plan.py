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
    ack_ms: Latency
    delivery_ms: Latency


class Weight(msgspec.Struct):
    """The server's memory with so many idle connections, bytes."""

    connections: int
    rss: int
    pss: int


class IdleResult(msgspec.Struct):
    """The weighings, the first one without a connection."""

    weights: list[Weight]
