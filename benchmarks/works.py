"""The works that are measured, and how: every one against its rivals in turns, the disturbed runs again."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from benchmarks import disk, history
from benchmarks.loader import Load, LoadError, Run, connected, run_load
from benchmarks.machine import Watch, settled_bytes
from benchmarks.population import Population, prepare
from benchmarks.servers import CHATBOX, SHOWN, Running, chatbox, rival

MOST_STOLEN = 0.1
TRIES = 4
SMALL = 20  # connections that come and go before memory is measured, so that everything is loaded


class Options(Struct, frozen=True):
    """How long and how large. `history` are numbers of stored messages."""

    pairs: int = 5
    seconds: float = 5.0
    warmup: float = 1.0
    idle: int = 5000
    hellos: int = 2000
    history: tuple[int, ...] = (10_000, 100_000, 1_000_000, 10_000_000)
    pages: int = 3000


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


Runs = dict[str, list[Measured]]  # by server, in the order of the rounds


class Work(NamedTuple):
    """A load on everybody, and the people that Chatbox has for it."""

    load: Load
    people: Population


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
    return _rounds(bench, FAN_OUT[name], [CHATBOX, *bench.rivals])


def fairness(bench: Bench) -> Runs:
    """Everybody sends at once, as fast as it goes."""
    return _rounds(bench, FAIRNESS, [CHATBOX])


def durable(bench: Bench) -> tuple[Runs, list[float]]:
    """Posts into many rooms, and in turns with them what the disk does with one commit per message."""
    commits: list[float] = []

    def between() -> None:
        commits.append(disk.commits_per_second(bench.folder, min(bench.options.seconds, 3.0)))

    return _rounds(bench, DURABLE, [CHATBOX], between), commits


def hellos(bench: Bench) -> Runs:
    """Connections made at once: signed in and answered `hello` by Chatbox, merely accepted by Node ws."""
    load = Load(bench.options.hellos, senders=0)
    return _rounds(bench, Work(load, HELLO), [CHATBOX, "ws"], connect_only=True)


def idle_bytes(bench: Bench) -> float:
    """Memory that one more idle connection takes of Chatbox, in bytes; everybody has one, and 20 rooms."""
    count = bench.options.idle
    people = prepare(bench.folder, Population(count, rooms=100, rooms_each=19))
    with chatbox(bench.folder, people) as server:
        with connected(bench.program, server, min(SMALL, count)):
            pass
        before = settled_bytes(server.pid)
        with connected(bench.program, server, count):
            return (settled_bytes(server.pid) - before) / count


def pages(bench: Bench) -> list[history.Pages]:
    """Pages of history from ever larger databases."""
    return [history.measure(bench.folder, size, bench.options.pages) for size in bench.options.history]


def ratio(ours: Sequence[Measured], theirs: Sequence[Measured], value: Callable[[Run], float]) -> float:
    """The median of the ratios of neighbouring runs."""
    return median_ratio([value(one.run) for one in ours], [value(one.run) for one in theirs])


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of figures that were taken in the same round."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def middle(runs: Iterable[Measured], value: Callable[[Run], float]) -> float:
    """The median over the runs of one server."""
    return statistics.median(value(measured.run) for measured in runs)


def _rounds(
    bench: Bench,
    work: Work,
    names: Sequence[str],
    between: Callable[[], None] = lambda: None,
    connect_only: bool = False,
) -> Runs:
    """So many rounds of everybody in turns. A rival that fails is left out; Chatbox must not."""
    runs: Runs = {name: [] for name in names}
    for number in range(bench.options.pairs):
        present = list(runs)
        turn = number % len(present)
        for name in (*present[turn:], *present[:turn]):
            try:
                runs[name].append(_undisturbed(bench, work, name, connect_only))
            except LoadError as error:
                if name == CHATBOX:
                    raise
                del runs[name]
                print(f"{SHOWN[name]} is left out of this work: {error}", flush=True)
        between()
    return runs


def _undisturbed(bench: Bench, work: Work, name: str, connect_only: bool) -> Measured:
    """One run on a fresh server, again where too much was stolen meanwhile."""
    for _ in range(TRIES):
        watch = Watch()
        with _server(bench, work, name) as server:
            seconds = 0.0 if connect_only else bench.options.seconds
            run = run_load(bench.program, server, work.load, bench.options.warmup, seconds)
        disturbance = watch.disturbance()
        run.check()
        if disturbance.stolen <= MOST_STOLEN:
            return Measured(run, disturbance.stolen, disturbance.others)
    raise LoadError(f"the machine was taken away for more than {MOST_STOLEN:.0%} of {TRIES} runs in a row")


def _server(bench: Bench, work: Work, name: str) -> AbstractContextManager[Running]:
    if name == CHATBOX:
        return chatbox(bench.folder, prepare(bench.folder, work.people))
    return rival(name, bench.folder)
