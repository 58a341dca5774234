"""`make bench`: measure everything, print the table, keep the result. `--help` names the options."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import structs

from benchmarks import machine, pages, polling, table
from benchmarks.loader import LoadError, compile_load
from benchmarks.parts import PARTS
from benchmarks.result import Result, keep, kept
from benchmarks.servers import RIVALS, ROOT, StartError, usable
from benchmarks.works import Bench, Options
from chatbox.version import VERSION

SHORT = Options(
    pairs=1,
    seconds=2.0,
    warmup=0.5,
    idle=500,
    hellos=500,
    pages=500,
    history=(10_000, 100_000),
    receivers=(10, 100, 1000),
    rooms=(1, 10, 100),
    connections=(200, 500),
)
IN_MEMORY = {"tmpfs", "ramfs"}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--short", action="store_true", help="one small run of each: shows that all works")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
                        help=f"of {', '.join(PARTS)}")  # fmt: skip
    parser.add_argument("--rivals", nargs="*", choices=RIVALS, default=list(RIVALS), metavar="NAME",
                        help=f"of {', '.join(RIVALS)}")  # fmt: skip
    for field in structs.fields(Options):
        several = {"nargs": "+"} if isinstance(field.default, tuple) else {}
        kind: Any = float if field.type is float else int
        parser.add_argument(f"--{field.name}", type=kind, metavar="N", **several)  # type: ignore[arg-type]
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "chatbox-benchmarks",
                        help="where databases are made and kept; on a real disk")  # fmt: skip
    parser.add_argument("--from", dest="kept", nargs="+", type=Path, metavar="FILE",
                        help="show kept results, put together, instead of measuring")  # fmt: skip
    parser.add_argument(
        "--write-docs", action="store_true", help="write it into docs/benchmarks.md and docs/curves"
    )
    return parser.parse_args()


def options_of(given: argparse.Namespace) -> Options:
    chosen = {}
    for field in structs.fields(Options):
        value = getattr(given, field.name)
        if value is not None:
            chosen[field.name] = tuple(sorted(value)) if isinstance(value, list) else value
    return structs.replace(SHORT if given.short else Options(), **chosen)


def measure(given: argparse.Namespace) -> Result:
    given.folder.mkdir(parents=True, exist_ok=True)
    kind = machine.file_system(given.folder)
    if kind in IN_MEMORY:
        sys.exit(f"{given.folder} is on {kind}, where nothing is durable. Name a folder on a disk: --folder.")
    machine.raise_file_limit()
    options = options_of(given)
    bench = Bench(options, compile_load(given.folder), usable(given.rivals, given.folder), given.folder)
    date = datetime.now(UTC).isoformat(timespec="seconds")
    result = Result(date, VERSION, machine.describe(given.folder), options)
    for name in given.only:
        print(f"{name}, {options.pairs} rounds", flush=True)
        began = time.monotonic()
        try:
            PARTS[name](bench, result)
        except (LoadError, StartError) as error:
            result.failures.append(f"{name}: {error}")
            print(f"  This part failed: {error}", flush=True)
        result.took[name] = round(time.monotonic() - began, 1)
        print(f"  took {result.took[name]:.0f} s", flush=True)
    return result


def main() -> int:
    given = arguments()
    result = kept(given.kept) if given.kept else measure(given)
    for shown in (pages.figures(result), polling.lines(result.absolute)):
        print("\n".join(["", *shown]))
    if not given.kept:
        print(f"\nKept in {keep(result).relative_to(ROOT)}")
    if given.write_docs:
        for path in pages.write(result):
            print(f"Written: {path.relative_to(ROOT)}")
    for row in table.missed(result.figures):
        print(f"Missed: {row.work}: {row.show(result.figures[row.key])}, at least {row.show(row.least)}")
    for failure in result.failures:
        print(f"Failed: {failure}")
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
