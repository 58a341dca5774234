"""The parts of `make bench`, each of which can be run by itself: what they measure goes into the result."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from benchmarks import curves, history, polling, works
from benchmarks.result import Result, accepted, cpu, deliveries, p50, p99, posts, unevenness
from benchmarks.servers import CHATBOX, SECURE
from benchmarks.works import Bench

LATENCIES = (("p50", p50), ("p99", p99), ("cpu", cpu))


def measure_fan_out(bench: Bench, result: Result) -> None:
    for name in works.FAN_OUT:
        runs = result.add(name, works.fan_out(bench, name))
        for server, measured in runs.items():
            _keep_absolute(result, f"{name}.{server}", measured)
            if server == CHATBOX:
                continue
            if name == "open":
                for key, value in LATENCIES:
                    result.figures[f"open.{key}.{server}"] = works.ratio(runs[CHATBOX], measured, value)
            else:
                result.figures[f"{name}.{server}"] = works.ratio(runs[CHATBOX], measured, deliveries)
        result.report(name)


def measure_tls(bench: Bench, result: Result) -> None:
    for name in ("200", "open"):
        runs = result.add(f"tls.{name}", works.over_tls(bench, name))
        if SECURE not in runs:
            continue
        for server, measured in runs.items():
            _keep_absolute(result, f"tls.{name}.{server}", measured)
        plain, tls = runs[CHATBOX], runs[SECURE]
        if name == "open":
            for key, value in LATENCIES:
                result.figures[f"tls.open.{key}"] = works.ratio(tls, plain, value)
        else:
            result.figures[f"tls.{name}"] = works.ratio(plain, tls, deliveries)
    result.report("tls")


def measure_fairness(bench: Bench, result: Result) -> None:
    runs = result.add("fairness", works.fairness(bench))
    result.figures["fairness"] = works.middle(runs[CHATBOX], unevenness)
    result.report("fairness")


def measure_durable(bench: Bench, result: Result) -> None:
    runs, commits = works.durable(bench)
    result.add("durable", runs)
    ours = [measured.run.posts_per_second for measured in runs[CHATBOX]]
    result.figures["durable.commits"] = works.median_ratio(ours, commits)
    result.figures["durable.cpu"] = works.middle(runs[CHATBOX], lambda run: run.server_us_per_post)
    result.absolute["durable.posts_per_second"] = works.middle(runs[CHATBOX], posts)
    result.absolute["durable.commits_per_second"] = statistics.median(commits)
    result.report("durable")


def measure_connections(bench: Bench, result: Result) -> None:
    count = bench.options.idle
    result.figures["idle"] = works.idle_bytes(bench, count) / count / 1024
    result.report("idle")
    if "ws" not in bench.rivals:
        return
    runs = result.add("hello", works.hellos(bench))
    if "ws" in runs:
        result.figures["hello.ws"] = works.ratio(runs[CHATBOX], runs["ws"], accepted)
    for server, measured in runs.items():
        result.absolute[f"hello.{server}.per_second"] = works.middle(measured, accepted)
    result.report("hello")


def measure_polling(bench: Bench, result: Result) -> None:
    for rate in polling.RATES:
        runs = result.add(f"polling.{rate:g}", polling.measure(bench, rate))
        result.absolute |= polling.absolute(rate, runs)
    result.report("polling")


def measure_curves(bench: Bench, result: Result) -> None:
    for measure in (curves.receivers, curves.rooms, curves.memory):
        found = measure(bench)
        result.curves |= found
        for name, lines in found.items():
            for line, points in lines.items():
                shown = ", ".join(f"{x:,.0f}: {y:,.4g}" for x, y in points)
                print(f"  {name}, {line}: {shown}", flush=True)


def measure_history(bench: Bench, result: Result) -> None:
    found = [history.measure(bench.folder, size, bench.options.pages) for size in bench.options.history]
    lines = {
        "page, p95": "page.p95",
        "page, p50": "page.p50",
        "hello, p95": "hello.p95",
        "hello, p50": "hello.p50",
    }
    for stored in found:
        for name, times in (("page", stored.page), ("hello", stored.hello)):
            for key, value in times._asdict().items():
                result.absolute[f"history.{stored.messages}.{name}.{key}_ms"] = value
    result.curves["history"] = {
        line: [(one.messages, result.absolute[f"history.{one.messages}.{key}_ms"]) for one in found]
        for line, key in lines.items()
    }
    result.figures["history.p95"] = found[-1].page.p95
    if len(found) > 1:
        result.figures["history.slope"] = found[-1].page.p50 / found[0].page.p50
    result.report("history")


def _keep_absolute(result: Result, name: str, runs: list[works.Measured]) -> None:
    result.absolute[f"{name}.deliveries_per_second"] = works.middle(runs, deliveries)
    result.absolute[f"{name}.p50_us"] = works.middle(runs, p50)
    result.absolute[f"{name}.p99_us"] = works.middle(runs, p99)
    result.absolute[f"{name}.cpu_us"] = works.middle(runs, cpu)


PARTS: dict[str, Callable[[Bench, Result], None]] = {
    "fan-out": measure_fan_out,
    "tls": measure_tls,
    "fairness": measure_fairness,
    "durable": measure_durable,
    "connections": measure_connections,
    "polling": measure_polling,
    "curves": measure_curves,
    "history": measure_history,
}
