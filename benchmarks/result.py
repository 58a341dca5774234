"""What one run of the benchmarks found, as it is kept, shown again and written into the pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct, field, json

from benchmarks.loader import Run
from benchmarks.servers import HERE
from benchmarks.works import Options, Runs

Points = list[tuple[float, float]]


class Result(Struct):
    """`figures` are what is asked of us, by the keys of the table's rows; `absolute` what lies behind them;
    `curves` the points of each line, by chart; `took` seconds, by part."""

    date: str
    version: str
    machine: dict[str, str]
    options: Options
    figures: dict[str, float] = field(default_factory=dict)
    absolute: dict[str, float] = field(default_factory=dict)
    curves: dict[str, dict[str, Points]] = field(default_factory=dict)
    runs: dict[str, Runs] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)
    others: float = 0.0  # the largest share of the cores that other programs used during a run

    def add(self, name: str, runs: Runs) -> Runs:
        """Keep the runs of a work."""
        self.runs[name] = runs
        shares = [measured.others for several in runs.values() for measured in several]
        self.others = max(self.others, *shares, 0.0)
        return runs

    def report(self, name: str) -> None:
        """Print what has just been found."""
        for kind in (self.figures, self.absolute):
            for key, value in kind.items():
                if key == name or key.startswith(f"{name}."):
                    print(f"  {key:40} {value:>14,.4g}", flush=True)


def keep(result: Result) -> Path:
    """Write it to benchmarks/results."""
    path = HERE / "results" / f"{result.date[:19].replace(':', '')}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(json.format(json.encode(result), indent=1) + b"\n")
    return path


def kept(paths: Sequence[Path]) -> Result:
    """What was kept, parts of several runs put together; where two measured the same, the later path wins."""
    results = [json.decode(path.read_bytes(), type=Result) for path in paths]
    whole = results[-1]
    for earlier in reversed(results[:-1]):
        for name in ("figures", "absolute", "curves", "runs", "took"):
            setattr(whole, name, getattr(earlier, name) | getattr(whole, name))
        whole.failures = earlier.failures + whole.failures
        whole.others = max(whole.others, earlier.others)
    return whole


def deliveries(run: Run) -> float:
    return run.deliveries_per_second


def posts(run: Run) -> float:
    return run.posts_per_second


def p50(run: Run) -> float:
    return run.latency_us.p50


def p99(run: Run) -> float:
    return run.latency_us.p99


def cpu(run: Run) -> float:
    return run.server_us_per_delivery


def accepted(run: Run) -> float:
    return run.connections_per_second


def unevenness(run: Run) -> float:
    return run.round_trip_us.p95 / run.round_trip_us.p50
