"""`make faults`: every fault of the plan in its long form; what is done is not done again.

What each number found is kept in `test-results/faults`, so that a run which was cut off goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.pages import replaced
from tests.faults.plan import PLAN, Fault

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "test-results" / "faults"
PAGE = ROOT / "docs" / "reliability.md"


def arguments() -> argparse.Namespace:
    numbers = [fault.number for fault in PLAN]
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", nargs="+", type=int, choices=numbers, metavar="N", help="these numbers")
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="N", help="from this number on")
    parser.add_argument("--again", action="store_true", help="also what was done before")
    parser.add_argument("--short", action="store_true", help="the short forms, as in make test")
    parser.add_argument("--seed", type=int, help="of everything random; one is chosen and told otherwise")
    parser.add_argument("--show", action="store_true", help="only show what was found so far")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/reliability.md")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    wanted = [f for f in PLAN if f.number >= given.first and (not given.only or f.number in given.only)]
    seed = given.seed if given.seed is not None else random.randrange(10**9)
    failed = []
    for fault in [] if given.show else wanted:
        if _kept(fault).get("passed") and not given.again:
            print(f"{fault.number:>2} {fault.title}: done before")
            continue
        if not run(fault, seed, short=given.short):
            failed.append(fault.number)
    table = lines()
    print("\n".join(table))
    if given.write_docs:
        PAGE.write_text(replaced(PAGE.read_text("utf-8"), "figures", table), "utf-8")
    if failed:
        print(f"Failed: {failed}. Logs are in {KEPT.relative_to(ROOT)}; the seed was {seed}.")
    return 1 if failed else 0


def run(fault: Fault, seed: int, *, short: bool) -> bool:
    """Run one number as a pytest of its own and keep what it found. Returns whether it passed."""
    KEPT.mkdir(parents=True, exist_ok=True)
    figures, log = KEPT / f"{fault.number:02}.figures", KEPT / f"{fault.number:02}.log"
    figures.unlink(missing_ok=True)
    amounts = {} if short else {f"CHATBOX_{name}": str(value) for name, value in fault.amounts.items()}
    environment = os.environ | {"CHATBOX_SEED": str(seed), "CHATBOX_FIGURES": str(figures)} | amounts
    tests = [str(Path(__file__).parent / test) for test in fault.tests]
    print(f"{fault.number:>2} {fault.title}, seed {seed}", flush=True)
    begin = time.monotonic()
    with log.open("wb") as file:
        command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider"]
        command += ["-o", "faulthandler_timeout=0", *tests]  # long is not stuck
        code = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=file, stderr=file, check=False
        ).returncode
    found = [json.loads(line) for line in figures.read_text().splitlines()] if figures.exists() else []
    kept = {
        "title": fault.title,
        "passed": code == 0,
        "seed": seed,
        "seconds": round(time.monotonic() - begin),
        "short": short,
        "figures": found,
    }
    (KEPT / f"{fault.number:02}.json").write_text(json.dumps(kept, indent=1) + "\n")
    print(f"   {'passed' if code == 0 else 'FAILED'} after {kept['seconds']} s", flush=True)
    return code == 0


def _kept(fault: Fault) -> dict[str, Any]:
    path = KEPT / f"{fault.number:02}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def lines() -> list[str]:
    """What was found so far, as a table in Markdown."""
    table = ["| | fault | outcome | figures |", "|---|---|---|---|"]
    for fault in PLAN:
        kept = _kept(fault)
        outcome = "not run"
        if kept:
            form = "short form, " if kept["short"] else ""
            outcome = f"{'passed' if kept['passed'] else 'FAILED'}, {form}{kept['seconds']} s"
        shown = [
            f"{one['name']} {one['value']:,.4g} {one['unit']}".rstrip() for one in kept.get("figures", [])
        ]
        table.append(f"| {fault.number} | {fault.title} | {outcome} | {'; '.join(shown)} |")
    return table


if __name__ == "__main__":
    sys.exit(main())
