"""The works that are measured, and how: every one against its rivals in turns, the disturbed runs again."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from benchmarks import disk
from benchmarks.certificate import prepare_certificate
from benchmarks.loader import Load, LoadError, Run, connected, run_load
from benchmarks.machine import Watch, settled_bytes
from benchmarks.population import Population, prepare
from benchmarks.servers import CHATBOX, SECURE, SHOWN, Running, chatbox, rival

MOST_STOLEN = 0.1
TRIES = 4
SMALL = 20  # connections that come and go before memory is measured, so that everything is loaded


class Options(Struct, frozen=True):
    """How long and how large. `history` are numbers of stored messages; `receivers`, `rooms` and
    `connections` the points of the curves."""

    pairs: int = 5
    seconds: float = 3.0
    warmup: float = 0.7
    idle: int = 5000
    hellos: int = 2000
    pages: int = 3000
    history: tuple[int, ...] = (10_000, 100_000, 1_000_000, 10_000_000)
    receivers: tuple[int, ...] = (10, 30, 100, 300, 1000, 2000, 3500, 5000)
    rooms: tuple[int, ...] = (1, 3, 10, 30, 100, 300)
    connections: tuple[int, ...] = (1000, 2000, 3500, 5000)


class Bench(NamedTuple):
    """What every work needs: the options, the load generator, the rivals that run here, a folder."""

    options: Options
    program: Path
    rivals: Sequence[str]
    folder: Path


class Measured(Struct, frozen=True):
    """One run, and which share of the two cores went to others meanwhile."""

    run: Run
    stolen: float
    others: float


Runs = dict[str, list[Measured]]  # by name, in the order of the rounds


class Disturbed(LoadError):
    """The machine was never left alone for long enough."""


class Work(NamedTuple):
    """A load on everybody, and the people that Chatbox has for it."""

    load: Load
    people: Population


class Entry(NamedTuple):
    """Who does which work. `server`: one of `SHOWN`."""

    server: str
    work: Work
    connect_only: bool = False


FAN_OUT = {
    "200": Work(Load(200), Population(200)),
    "200x8": Work(Load(200, flight=8), Population(200)),
    "1000": Work(Load(1000), Population(1000)),
    "50": Work(Load(50), Population(50)),
    "open": Work(Load(500, rate=100.0), Population(500)),
}
FAIRNESS = Work(Load(200, senders=200, flight=8), Population(200))
DURABLE = Work(Load(250, senders=50, groups=50, flight=8), Population(250, rooms=50, rooms_each=1))
HELLO = Population(300, rooms=100, rooms_each=19)  # and #general: 20


def fan_out(bench: Bench, name: str) -> Runs:
    """One of `FAN_OUT`, on Chatbox and all rivals."""
    return rounds(bench, {server: Entry(server, FAN_OUT[name]) for server in (CHATBOX, *bench.rivals)})


def over_tls(bench: Bench, name: str) -> Runs:
    """One of `FAN_OUT`, on Chatbox with TLS and without."""
    return rounds(bench, {server: Entry(server, FAN_OUT[name]) for server in (CHATBOX, SECURE)})


def fairness(bench: Bench) -> Runs:
    """Everybody sends at once, as fast as it goes."""
    return rounds(bench, {CHATBOX: Entry(CHATBOX, FAIRNESS)})


def durable(bench: Bench) -> tuple[Runs, list[float]]:
    """Posts into many rooms, and in turns with them what the disk does with one commit per message."""
    commits: list[float] = []

    def between() -> None:
        commits.append(disk.commits_per_second(bench.folder, min(bench.options.seconds, 3.0)))

    return rounds(bench, {CHATBOX: Entry(CHATBOX, DURABLE)}, between), commits


def hellos(bench: Bench) -> Runs:
    """Connections made at once: signed in and answered `hello` by Chatbox, merely accepted by Node ws."""
    work = Work(Load(bench.options.hellos, senders=0), HELLO)
    return rounds(bench, {server: Entry(server, work, connect_only=True) for server in (CHATBOX, "ws")})


def idle_bytes(bench: Bench, count: int) -> float:
    """How much the memory of Chatbox grew with so many idle connections, in bytes; each is of somebody else,
    who is in 20 rooms."""
    people = prepare(bench.folder, Population(bench.options.idle, rooms=100, rooms_each=19))
    with chatbox(bench.folder, people) as server:
        with connected(bench.program, server, min(SMALL, count)):
            pass
        before = settled_bytes(server.pid)
        with connected(bench.program, server, count):
            return settled_bytes(server.pid) - before


def ratio(ours: Sequence[Measured], theirs: Sequence[Measured], value: Callable[[Run], float]) -> float:
    """The median of the ratios of neighbouring runs."""
    return median_ratio([value(one.run) for one in ours], [value(one.run) for one in theirs])


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of figures that were taken in the same round."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def middle(runs: Iterable[Measured], value: Callable[[Run], float]) -> float:
    """The median over the runs of one server."""
    return statistics.median(value(measured.run) for measured in runs)


def rounds(
    bench: Bench, entries: Mapping[str, Entry], between: Callable[[], None] = lambda: None, count: int = 0
) -> Runs:
    """So many rounds of everybody in turns, as the options say or `count`. Whoever fails is left out; the
    entry named `CHATBOX` must not. Raises `LoadError`."""
    runs: Runs = {name: [] for name in entries}
    for number in range(count or bench.options.pairs):
        present = list(runs)
        turn = number % len(present)
        for name in (*present[turn:], *present[:turn]):
            try:
                runs[name].append(undisturbed(bench, entries[name]))
            except LoadError as error:
                if name == CHATBOX:
                    raise
                del runs[name]
                print(f"  {SHOWN.get(name, name)} is left out of this work: {error}", flush=True)
        between()
    return runs


def undisturbed(bench: Bench, entry: Entry) -> Measured:
    """One run on a fresh server, again where too much was stolen meanwhile. Raises `LoadError`."""
    for _ in range(TRIES):
        watch = Watch()
        with _server(bench, entry) as server:
            seconds = 0.0 if entry.connect_only else bench.options.seconds
            run = run_load(bench.program, server, entry.work.load, bench.options.warmup, seconds)
        disturbance = watch.disturbance()
        run.check()
        if disturbance.stolen <= MOST_STOLEN:
            return Measured(run, disturbance.stolen, disturbance.others)
    raise Disturbed(f"the machine was taken away for more than {MOST_STOLEN:.0%} of {TRIES} runs in a row")


def _server(bench: Bench, entry: Entry) -> AbstractContextManager[Running]:
    if entry.server not in (CHATBOX, SECURE):
        return rival(entry.server, bench.folder)
    tls = prepare_certificate(bench.folder) if entry.server == SECURE else None
    return chatbox(bench.folder, prepare(bench.folder, entry.work.people), tls)
