"""The quick form, about ten seconds: two rows of the table beside Node ws, one round each.

It keeps the ratios in test-results/benchmark.json, and fails only below half of what is asked."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from msgspec import json

from benchmarks import table, works
from benchmarks.loader import LoadError, compile_load
from benchmarks.machine import raise_file_limit
from benchmarks.servers import CHATBOX, ROOT, StartError

OPTIONS = works.Options(pairs=1, seconds=1.2, warmup=0.3)
WORKS = ("200", "1000")
KEPT = ROOT / "test-results" / "benchmark.json"


def ratios(folder: Path) -> dict[str, float]:
    """Deliveries per second as a multiple of those of Node ws, by row. Raises `LoadError`."""
    bench = works.Bench(OPTIONS, compile_load(folder), ["ws"], folder)
    found = {}
    for name in WORKS:
        runs = works.fan_out(bench, name)
        if "ws" not in runs:
            raise LoadError("Node ws could not be measured")
        found[f"{name}.ws"] = works.ratio(runs[CHATBOX], runs["ws"], lambda run: run.deliveries_per_second)
    return found


def main() -> int:
    raise_file_limit()
    try:
        with tempfile.TemporaryDirectory(prefix="chatbox-quick-") as folder:
            found = ratios(Path(folder))
    except (LoadError, StartError) as error:
        print(f"The benchmark stopped: {error}", file=sys.stderr)
        return 1
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_bytes(json.encode(found))
    failed = False
    for row in table.ROWS:
        if row.key in found and row.least is not None:
            value = found[row.key]
            failed |= value < row.least / 2
            print(f"{row.work}: {row.show(value)}; at least {row.show(row.least)} on a quiet machine")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
