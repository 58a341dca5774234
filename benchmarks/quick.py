"""The quick form, in `make test`: two rows of the table beside Node ws, about twenty seconds.

It keeps the ratios in test-results/benchmark.json. It fails only below half of what is asked, three times in
a row, on a machine that did nothing else meanwhile and whose disk is not the reason."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct, json

from benchmarks import disk, table, works
from benchmarks.loader import LoadError, compile_load, has_libssl
from benchmarks.machine import LOAD_CORE, raise_file_limit
from benchmarks.servers import CHATBOX, ROOT, StartError

OPTIONS = works.Options(pairs=3, seconds=0.8, warmup=0.3)
WORKS = ("200", "1000")
ATTEMPTS = 3
MOST_OTHERS = 0.2  # of the two cores, above which nothing is judged
LEAST_COMMITS = 500.0  # a second: with a slower disk it is the disk that is measured
KEPT = ROOT / "test-results" / "benchmark.json"


class Attempt(Struct):
    """Some pairs of runs: their ratios, why they must not be judged, or why there are none."""

    ratios: list[float] = []
    unfit: str = ""
    error: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.ratios) if self.ratios else 0.0


class Verdict(NamedTuple):
    """The best attempt's ratio, whether it fails the build, and what to say."""

    ratio: float
    failed: bool
    words: str


def judge(attempts: Sequence[Attempt], bar: float) -> Verdict:
    """Fail only where every attempt was below the bar, or ended in an error, and could be judged."""
    best = max(attempts, key=lambda attempt: attempt.median)
    if best.median >= bar:
        return Verdict(best.median, False, "fine")
    for attempt in attempts:
        if attempt.unfit:
            return Verdict(best.median, False, f"not judged: {attempt.unfit}")
    return Verdict(best.median, True, f"TOO SLOW {len(attempts)} times" if best.ratios else best.error)


def attempts_at(measure: Callable[[], Attempt], bar: float) -> list[Attempt]:
    """Measure until the bar is reached, three times at most."""
    attempts: list[Attempt] = []
    while len(attempts) < ATTEMPTS and not (attempts and attempts[-1].median >= bar):
        attempts.append(measure())
        if attempts[-1].error:
            print(f"  {attempts[-1].error}", flush=True)
    return attempts


def measure(bench: works.Bench, name: str) -> Attempt:
    """Three pairs of runs, Chatbox and Node ws in turns."""
    try:
        runs = works.fan_out(bench, name)
    except works.Disturbed as error:
        return Attempt(unfit=str(error))
    except (LoadError, StartError) as error:
        return Attempt(error=str(error))
    if "ws" not in runs:
        return Attempt(error="Node ws could not be measured")
    pairs = zip(runs[CHATBOX], runs["ws"], strict=True)
    ratios = [ours.run.deliveries_per_second / theirs.run.deliveries_per_second for ours, theirs in pairs]
    return Attempt(ratios, unfit=_unfit(bench, runs))


def _unfit(bench: works.Bench, runs: works.Runs) -> str:
    others = max(measured.others for several in runs.values() for measured in several)
    if others > MOST_OTHERS:
        return f"other programs used {others:.0%} of the two cores"
    commits = disk.commits_per_second(bench.folder, 0.3)
    return f"the disk did {commits:.0f} commits a second" if commits < LEAST_COMMITS else ""


def missing() -> str:
    """What this machine lacks for it; empty where nothing."""
    if sys.platform != "linux" or (os.cpu_count() or 1) <= LOAD_CORE:
        return "Linux and two cores"
    return "" if shutil.which("cc") and has_libssl() else "a C compiler and the headers of OpenSSL"


def main() -> int:
    if lacks := missing():
        print(f"The quick benchmark is skipped: it needs {lacks}.")
        return int(bool(os.environ.get("CHATBOX_CI")))
    raise_file_limit()
    KEPT.parent.mkdir(exist_ok=True)
    rows = {row.key: row for row in table.ROWS}
    kept: dict[str, list[Attempt]] = {}
    failed = False
    with tempfile.TemporaryDirectory(prefix="chatbox-quick-") as place:
        bench = works.Bench(OPTIONS, compile_load(Path(place)), ["ws"], Path(place))
        for name in WORKS:
            row = rows[f"{name}.ws"]
            bar = (row.least or 0) / 2
            kept[row.key] = attempts_at(lambda name=name: measure(bench, name), bar)  # type: ignore[misc]
            ratio, too_slow, words = judge(kept[row.key], bar)
            failed |= too_slow
            print(f"{row.work}: {row.show(ratio)} (at least {row.show(row.least)}): {words}", flush=True)
            KEPT.write_bytes(json.format(json.encode(kept), indent=1) + b"\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
