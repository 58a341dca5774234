"""The machine that is measured on: its cores, who else used them meanwhile, its disk."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

SERVER_CORE = 0
LOAD_CORE = 1
_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Run this process on one core; what it starts meanwhile stays there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Times(NamedTuple):
    """Seconds since the machine started, summed over the two cores (proc(5), /proc/stat)."""

    busy: float
    idle: float
    stolen: float

    @classmethod
    def read(cls) -> Times:
        rows = [line.split() for line in Path("/proc/stat").read_text().splitlines()]
        wanted = {f"cpu{SERVER_CORE}", f"cpu{LOAD_CORE}"}
        busy = idle = stolen = 0.0
        for name, *values in rows:
            if name in wanted:
                user, nice, system, waiting_idle, waiting_disk, irq, softirq, steal = map(int, values[:8])
                busy += user + nice + system + irq + softirq
                idle += waiting_idle + waiting_disk
                stolen += steal
        return cls(busy / _TICKS, idle / _TICKS, stolen / _TICKS)

    def since(self, before: Times) -> Times:
        return Times(self.busy - before.busy, self.idle - before.idle, self.stolen - before.stolen)


class Disturbance(NamedTuple):
    """Shares of the two cores' time: taken by the hypervisor; used by processes that are not measured."""

    stolen: float
    others: float


class Watch:
    """Watches the two cores from its making on."""

    def __init__(self) -> None:
        self._times = Times.read()
        self._own = _children_cpu()

    def disturbance(self) -> Disturbance:
        """What went to others so far. Processes of ours count once they have ended."""
        times = Times.read().since(self._times)
        whole = max(times.busy + times.idle + times.stolen, 0.01)
        own = _children_cpu() - self._own
        return Disturbance(times.stolen / whole, max(0.0, times.busy - own) / whole)


def _children_cpu() -> float:
    own = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    return sum(usage.ru_utime + usage.ru_stime for usage in own)


def resident_bytes(pid: int) -> int:
    """Memory of a process that is its own or mapped by it, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid} tells no memory")


def settled_bytes(pid: int, within: float = 15.0) -> int:
    """The same, once it grew by less than half a percent within a second."""
    deadline = time.monotonic() + within
    size = resident_bytes(pid)
    while time.monotonic() < deadline:
        time.sleep(1)
        before, size = size, resident_bytes(pid)
        if abs(size - before) < 0.005 * before:
            break
    return size


def raise_file_limit() -> None:
    """As many open files as the system lets us have; each connection needs one at either end."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def file_system(folder: Path) -> str:
    """The type of the file system that a folder lies on."""
    words = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(folder)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def describe(folder: Path) -> dict[str, str]:
    """What a reader of the figures needs to know of the machine."""
    info = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "node": node,
        "file_system": file_system(folder),
    }
