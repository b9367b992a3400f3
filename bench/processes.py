"""What processes cost: CPU seconds and bytes, read from the kernel by pid."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import psutil

_BUSY = ("user", "nice", "system", "irq", "softirq", "steal")


class Cpu(NamedTuple):
    """CPU seconds, user and system together, since the processes and the machine began."""

    server: float
    postgres: float
    generator: float
    machine: float

    @property
    def others(self) -> float:
        """Everybody else's: programs that have nothing to do with us, and the kernel's own threads and interrupts."""
        return self.machine - self.server - self.postgres - self.generator

    def since(self, earlier: Cpu) -> Cpu:
        """What was used in between."""
        return Cpu(*(now - then for now, then in zip(self, earlier, strict=True)))


def cpu(server_pid: int, postgres_pid: int) -> Cpu:
    """Now; the generator is the calling process."""
    return Cpu(cpu_s(server_pid), family_cpu_s(postgres_pid), cpu_s(), machine_cpu_s())


def machine_cpu_s() -> float:
    """CPU seconds of everything on this machine since it began."""
    times = psutil.cpu_times()._asdict()
    return float(sum(times[kind] for kind in _BUSY if kind in times))


def cpu_s(pid: int | None = None) -> float:
    """CPU seconds of one process, the calling one if none is named."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def family_cpu_s(pid: int) -> float:
    """A parent, its living children, and those that it has buried."""
    parent = psutil.Process(pid)
    times = parent.cpu_times()
    total = float(times.user + times.system + times.children_user + times.children_system)
    for child in parent.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            total += cpu_s(child.pid)
    return total


def memory(pid: int) -> tuple[int, int]:
    """RSS and PSS of a process, bytes."""
    info = psutil.Process(pid).memory_full_info()
    return int(info.rss), int(info.pss)
