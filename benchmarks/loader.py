"""The load generator, from Python: compiled, run on its core, its result read."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, json

from benchmarks.machine import LOAD_CORE, pinned
from benchmarks.servers import Running

HERE = Path(__file__).parent
SOURCES = ("load.c", "options.h", "machine.h", "wire.h", "client.h", "poll.h", "tally.h")


class LoadError(Exception):
    """A run whose figures must not be used."""


class Load(Struct, frozen=True):
    """What the load generator does. `flight`: messages that each sender waits for at a time; with a `rate`,
    messages per second of all senders together, sent when they are due whatever comes back. With `poll` there
    are no WebSockets: each asks over HTTP every so many seconds what is new."""

    connections: int
    senders: int = 10
    groups: int = 1
    flight: int = 1
    rate: float = 0.0
    poll: float = 0.0


class Times(Struct, frozen=True):
    """Microseconds: the value that this share of all deliveries is at or below."""

    p50: float
    p95: float
    p99: float
    p999: float
    max: float


class Run(Struct, frozen=True):
    """What came of one run. `latency_us` is of all deliveries, `round_trip_us` of those to their own sender;
    both from the moment that the message was due. Lost, doubled and reordered count over the whole run.
    `wire_in` and `wire_out`: bytes to and from all clients meanwhile, with the headers of TCP and IP."""

    connections: int
    senders: int
    seconds: float
    setup_seconds: float
    connections_per_second: float
    setup_own_cpu_share: float
    posts: int
    deliveries: int
    posts_per_second: float
    deliveries_per_second: float
    latency_us: Times
    round_trip_us: Times
    lost: int
    doubled: int
    reordered: int
    errors: int
    closed: int
    replies: int
    frames: int
    bytes: int
    wire_in: int
    wire_out: int
    own_cpu_share: float
    own_us_per_delivery: float
    server_cpu: list[float]  # seconds of each server
    per_sender: list[int]

    @property
    def server_cpu_seconds(self) -> float:
        return sum(self.server_cpu)

    @property
    def server_us_per_delivery(self) -> float:
        return self.server_cpu_seconds * 1e6 / self.deliveries

    @property
    def server_us_per_post(self) -> float:
        return self.server_cpu_seconds * 1e6 / self.posts

    def check(self) -> None:
        """Raises `LoadError` where something was lost, doubled, reordered, refused or cut off."""
        wrong = {
            name: getattr(self, name)
            for name in ("lost", "doubled", "reordered", "errors", "closed")
            if getattr(self, name)
        }
        if wrong:
            raise LoadError(f"the run went wrong: {wrong}")


def has_libssl() -> bool:
    """Whether the headers of OpenSSL are there, which the program is compiled with."""
    words = ["cc", "-E", "-x", "c", "-include", "openssl/ssl.h", "/dev/null"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def compile_load(folder: Path) -> Path:
    """The program, compiled into this folder unless it is there already."""
    program = folder / "load"
    newest = max((HERE / name).stat().st_mtime for name in SOURCES)
    if not program.exists() or program.stat().st_mtime < newest:
        words = ["cc", "-O2", "-std=c11", "-o", str(program), str(HERE / "load.c"), "-lssl", "-lcrypto"]
        subprocess.run(words, check=True)
    return program


def run_load(
    program: Path, server: Running, load: Load, warmup: float, seconds: float, more: Sequence[str] = ()
) -> Run:
    """One run; `more` are words for the program. Raises `LoadError` where it fails, or refuses to report
    because it was too busy."""
    words = [*_words(program, server, load), *more, "--warmup", str(warmup), "--seconds", str(seconds)]
    with pinned(LOAD_CORE):
        try:
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=seconds + 180)
        except subprocess.TimeoutExpired as error:
            raise LoadError(f"{server.name}: the run did not end") from error
    if done.returncode:
        raise LoadError(f"{server.name}: {done.stdout.strip()} {done.stderr.strip()}")
    return json.decode(done.stdout, type=Run)


@contextmanager
def connected(program: Path, server: Running, connections: int) -> Iterator[Run]:
    """So many connections that do nothing, for as long as the block lasts."""
    load = Load(connections, senders=0)
    words = [*_words(program, server, load), "--seconds", "0", "--hold"]
    with pinned(LOAD_CORE):
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise LoadError(f"{server.name}: the connections could not be made")
        yield json.decode(line, type=Run)
    finally:
        process.communicate()


def _words(program: Path, server: Running, load: Load) -> list[str]:
    words = [str(program), "--port", str(server.port)]
    words += ["--pid", str(server.pid)] if server.pid else []
    words += ["--connections", str(load.connections), "--senders", str(load.senders)]
    words += ["--groups", str(load.groups), "--flight", str(load.flight)]
    words += ["--rate", str(load.rate), "--poll", str(load.poll)]
    if server.trusted is not None:
        words += ["--tls", str(server.trusted)]
    if server.people is not None:
        words += ["--dialect", "chatbox", "--people", str(server.people)]
    return words
