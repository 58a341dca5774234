"""The same messages over WebSockets and over HTTP, asked for again and again: what each costs."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from benchmarks.loader import Load
from benchmarks.population import Population
from benchmarks.servers import CHATBOX
from benchmarks.works import Bench, Entry, Measured, Runs, Work, middle, rounds

RECEIVERS = 200
RATES = (1.0, 10.0)  # messages a second, of all senders together
INTERVALS = (1.0, 0.25, 0.1)  # seconds from question to question
PEOPLE = Population(RECEIVERS)
LEAST_SECONDS = 5.0  # some messages at the lower rate
MOST_ROUNDS = 3


def name_of(interval: float) -> str:
    return f"{interval:g} s"


def measure(bench: Bench, rate: float) -> Runs:
    """Everybody in one room, at this rate; by WebSocket, then with each interval."""
    entries = {CHATBOX: Entry(CHATBOX, Work(Load(RECEIVERS, rate=rate), PEOPLE))}
    for interval in INTERVALS:
        entries[name_of(interval)] = Entry(CHATBOX, Work(Load(RECEIVERS, rate=rate, poll=interval), PEOPLE))
    seconds = max(bench.options.seconds, LEAST_SECONDS)
    longer = bench._replace(options=structs.replace(bench.options, seconds=seconds, warmup=1.0))
    return rounds(longer, entries, count=min(bench.options.pairs, MOST_ROUNDS))


def absolute(rate: float, runs: Runs) -> dict[str, float]:
    """By `polling.<rate>.<name>.<what>`; `seen` is bytes on the wire for each message that a client gets."""
    found = {}
    for name, measured in runs.items():
        for what, value in _figures(measured).items():
            found[f"polling.{rate:g}.{name}.{what}"] = value
    return found


def _figures(measured: list[Measured]) -> dict[str, float]:
    return {
        "bytes": middle(measured, lambda run: (run.wire_in + run.wire_out) / run.deliveries),
        "p50_ms": middle(measured, lambda run: run.latency_us.p50 / 1000),
        "p99_ms": middle(measured, lambda run: run.latency_us.p99 / 1000),
        "cpu_percent": middle(measured, lambda run: 100 * run.server_cpu_seconds / run.seconds),
    }


def lines(absolute: Mapping[str, float]) -> list[str]:
    """The table in Markdown, and what one question costs; empty where nothing was measured."""
    found = []
    for rate in RATES:
        for name in (CHATBOX, *map(name_of, INTERVALS)):
            key = f"polling.{rate:g}.{name}"
            how = "WebSocket" if name == CHATBOX else f"asked every {name}"
            if f"{key}.bytes" in absolute:
                figures = (absolute[f"{key}.{what}"] for what in ("bytes", "p50_ms", "p99_ms", "cpu_percent"))
                size, middle, late, cpu = figures
                found.append(
                    f"| {rate:g} | {how} | {size:,.0f} | {middle:,.3g} | {late:,.3g} | {cpu:.3g} % |"
                )
            elif found:
                found.append(f"| {rate:g} | {how} | – | – | – | the server could not keep up |")
    head = [
        "| messages/s | how | bytes per message and client | p50, ms | p99, ms | CPU of the server |",
        "|---|---|---|---|---|---|",
    ]
    return [*head, *found, *_question(absolute)] if found else []


def _question(absolute: Mapping[str, float]) -> list[str]:
    """What more questions cost, in bytes and CPU: from the two longest intervals, at the lowest rate."""
    rate, (slow, fast) = RATES[0], INTERVALS[:2]
    keys = [f"polling.{rate:g}.{name_of(interval)}" for interval in (slow, fast)]
    if not all(f"{key}.bytes" in absolute for key in keys):
        return []
    more = 1 / fast - 1 / slow  # questions of each client a second
    size = (absolute[f"{keys[1]}.bytes"] - absolute[f"{keys[0]}.bytes"]) * rate / more
    cpu = (absolute[f"{keys[1]}.cpu_percent"] - absolute[f"{keys[0]}.cpu_percent"]) / more / RECEIVERS
    cost = f"{size:,.0f} bytes and {cpu * 1e4:,.0f} µs of the server's CPU"
    return ["", f"A question with its answer is {cost}, whether anything is new or not."]
