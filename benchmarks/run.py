"""`make bench`: measure everything, print the table, keep the result. `--help` names the options."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, json, structs

from benchmarks import machine, table, works
from benchmarks.loader import LoadError, Run, compile_load
from benchmarks.servers import CHATBOX, HERE, RIVALS, ROOT, StartError, usable
from benchmarks.works import Bench, Options
from chatbox.version import VERSION

SHORT = Options(pairs=1, seconds=2.0, warmup=0.5, idle=500, hellos=500, history=(10_000, 100_000), pages=500)
IN_MEMORY = {"tmpfs", "ramfs"}


class Result(Struct):
    """What one run of the benchmarks found, as it is kept."""

    date: str
    version: str
    machine: dict[str, str]
    options: Options
    figures: dict[str, float]
    absolute: dict[str, float]
    runs: dict[str, works.Runs]
    failures: list[str] = []
    others: float = 0.0  # the largest share of the cores that other programs used during a run


def measure_fan_out(bench: Bench, result: Result) -> None:
    for name in works.FAN_OUT:
        runs = result.runs[name] = works.fan_out(bench, name)
        open_loop = name == "open"
        for server, measured in runs.items():
            result.absolute[f"{name}.{server}.deliveries_per_second"] = works.middle(measured, deliveries)
            result.absolute[f"{name}.{server}.p50_us"] = works.middle(measured, p50)
            result.absolute[f"{name}.{server}.p99_us"] = works.middle(measured, p99)
            result.absolute[f"{name}.{server}.cpu_us"] = works.middle(measured, cpu)
            if server != CHATBOX and not open_loop:
                result.figures[f"{name}.{server}"] = works.ratio(runs[CHATBOX], measured, deliveries)
            if server != CHATBOX and open_loop:
                for key, value in (("p50", p50), ("p99", p99), ("cpu", cpu)):
                    result.figures[f"open.{key}.{server}"] = works.ratio(runs[CHATBOX], measured, value)
        report(name, result)


def measure_fairness(bench: Bench, result: Result) -> None:
    runs = result.runs["fairness"] = works.fairness(bench)
    result.figures["fairness"] = works.middle(
        runs[CHATBOX], lambda run: run.round_trip_us.p95 / run.round_trip_us.p50
    )
    report("fairness", result)


def measure_durable(bench: Bench, result: Result) -> None:
    runs, commits = works.durable(bench)
    result.runs["durable"] = runs
    posts = [measured.run.posts_per_second for measured in runs[CHATBOX]]
    result.figures["durable.commits"] = works.median_ratio(posts, commits)
    result.figures["durable.cpu"] = works.middle(runs[CHATBOX], lambda run: run.server_us_per_post)
    result.absolute["durable.posts_per_second"] = sorted(posts)[len(posts) // 2]
    result.absolute["durable.commits_per_second"] = sorted(commits)[len(commits) // 2]
    report("durable", result)


def measure_connections(bench: Bench, result: Result) -> None:
    result.figures["idle"] = works.idle_bytes(bench) / 1024
    report("idle", result)
    if "ws" not in bench.rivals:
        return
    runs = result.runs["hello"] = works.hellos(bench)
    if "ws" in runs:
        result.figures["hello.ws"] = works.ratio(runs[CHATBOX], runs["ws"], accepted)
    for server, measured in runs.items():
        result.absolute[f"hello.{server}.per_second"] = works.middle(measured, accepted)
    report("hello", result)


def measure_history(bench: Bench, result: Result) -> None:
    found = works.pages(bench)
    for pages in found:
        result.absolute[f"history.{pages.messages}.p50_ms"] = pages.p50
        result.absolute[f"history.{pages.messages}.p95_ms"] = pages.p95
    result.figures["history.p95"] = found[-1].p95
    if len(found) > 1:
        result.figures["history.slope"] = found[-1].p50 / found[0].p50
    report("history", result)


PARTS: dict[str, Callable[[Bench, Result], None]] = {
    "fan-out": measure_fan_out,
    "fairness": measure_fairness,
    "durable": measure_durable,
    "connections": measure_connections,
    "history": measure_history,
}


def deliveries(run: Run) -> float:
    return run.deliveries_per_second


def p50(run: Run) -> float:
    return run.latency_us.p50


def p99(run: Run) -> float:
    return run.latency_us.p99


def cpu(run: Run) -> float:
    return run.server_us_per_delivery


def accepted(run: Run) -> float:
    return run.connections_per_second


def report(name: str, result: Result) -> None:
    """Print what has just been found."""
    for kind in (result.figures, result.absolute):
        for key, value in kind.items():
            if key == name or key.startswith(f"{name}."):
                print(f"  {key:40} {value:>14,.4g}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--short", action="store_true", help="one small run of each: shows that all works")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
                        help=f"of {', '.join(PARTS)}")  # fmt: skip
    parser.add_argument("--rivals", nargs="*", choices=RIVALS, default=list(RIVALS), metavar="NAME",
                        help=f"of {', '.join(RIVALS)}")  # fmt: skip
    for field in structs.fields(Options):
        several = {"nargs": "+"} if field.name == "history" else {}
        kind: Any = float if field.type is float else int
        parser.add_argument(f"--{field.name}", type=kind, metavar="N", **several)  # type: ignore[arg-type]
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "chatbox-benchmarks",
                        help="where databases are made and kept; on a real disk")  # fmt: skip
    parser.add_argument("--from", dest="kept", type=Path, help="show a kept result instead of measuring")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/benchmarks.md")
    return parser.parse_args()


def options_of(given: argparse.Namespace) -> Options:
    chosen = {
        field.name: getattr(given, field.name)
        for field in structs.fields(Options)
        if getattr(given, field.name) is not None
    }
    if "history" in chosen:
        chosen["history"] = tuple(sorted(chosen["history"]))
    return structs.replace(SHORT if given.short else Options(), **chosen)


def measure(given: argparse.Namespace) -> Result:
    given.folder.mkdir(parents=True, exist_ok=True)
    kind = machine.file_system(given.folder)
    if kind in IN_MEMORY:
        sys.exit(f"{given.folder} is on {kind}, where nothing is durable. Name a folder on a disk: --folder.")
    machine.raise_file_limit()
    options = options_of(given)
    bench = Bench(options, compile_load(given.folder), usable(given.rivals, given.folder), given.folder)
    result = Result(
        datetime.now(UTC).isoformat(timespec="seconds"), VERSION, machine.describe(given.folder), options,
        {}, {}, {}, [],
    )  # fmt: skip
    for name in given.only:
        print(f"{name}, {options.pairs} rounds", flush=True)
        try:
            PARTS[name](bench, result)
        except (LoadError, StartError) as error:
            result.failures.append(f"{name}: {error}")
            print(f"  This part failed: {error}", flush=True)
    everything = [one for runs in result.runs.values() for each in runs.values() for one in each]
    result.others = max((one.others for one in everything), default=0.0)
    return result


def keep(result: Result) -> Path:
    """Write it to benchmarks/results."""
    path = HERE / "results" / f"{result.date[:19].replace(':', '')}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(json.format(json.encode(result), indent=1) + b"\n")
    return path


def show(result: Result) -> list[str]:
    """The table and what to know about it."""
    told = result.machine
    found = [
        f"Measured on {result.date[:10]} with Chatbox {result.version}: {told['processor']},"
        f" {told['system']}, Python {told['python']}, Node {told['node']}, {told['file_system']};"
        f" medians of {result.options.pairs} rounds of {result.options.seconds:g} s.",
        "",
        *table.lines(result.figures, whole=True),
    ]
    if result.others > works.MOST_STOLEN:
        found += ["", f"Other programs used up to {result.others:.0%} of the two cores during a run: these"
                  " figures say little. Measure again on a quiet machine."]  # fmt: skip
    return found


def main() -> int:
    given = arguments()
    result = json.decode(given.kept.read_bytes(), type=Result) if given.kept else measure(given)
    shown = show(result)
    print("\n".join(shown))
    if not given.kept:
        print(f"\nKept in {keep(result).relative_to(ROOT)}")
    if given.write_docs:
        table.write_into(ROOT / "docs" / "benchmarks.md", shown)
    for row in table.missed(result.figures):
        print(f"Missed: {row.work}: {row.show(result.figures[row.key])}, at least {row.show(row.least)}")
    for failure in result.failures:
        print(f"Failed: {failure}")
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
