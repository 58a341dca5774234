"""Does one thing again and again in copies of a folder, and kills it each time at a later step.

`python -m tests.backup.killed WORK BASE COPIES [ARCHIVE]`: copy number n of BASE is where the process died at
its n-th step, a change to the file system or a statement; in the last one it came to its end. Prints how many
there are. A process of its own, because only one without threads may be forked.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatbox.backup.applying import apply_staged
from chatbox.backup.staging import stage_file
from chatbox.store import upgrades
from tests.store.later import LATER

ROOT = Path(__file__).parents[2]
STEPS = ("rename", "replace", "unlink", "mkdir", "rmdir", "fsync")
KILLED = 9

Count = Callable[[], None]


def run_killed(work: str, base: Path, copies: Path, *more: str) -> list[Path]:
    """The copies in which the work was killed at each step; in the last one it came to its end."""
    copies.mkdir()
    command = [sys.executable, "-m", "tests.backup.killed", work, str(base), str(copies), *more]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return [copies / str(step) for step in range(int(ran.stdout))]


def stage(folder: Path, count: Count) -> None:
    stage_file(Path(sys.argv[4]), folder, folder / "uploads", 2_000_000_000_000)


def apply(folder: Path, count: Count) -> None:
    apply_staged(folder, folder / "uploads")


def upgrade(folder: Path, count: Count) -> None:
    path = folder / "chatbox.sqlite3"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.set_trace_callback(lambda _: count())
    upgrades.prepare(path, 7, connection, LATER)


def die_at(step: int) -> Count:
    """Die, as by kill -9, instead of taking the step of this number. Gives what counts other steps."""
    left = step

    def count() -> None:
        nonlocal left
        if left == 0:
            os._exit(KILLED)
        left -= 1

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **named: Any) -> Any:
            count()
            return function(*args, **named)

        return run

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    return count


def main() -> None:
    work = {"stage": stage, "apply": apply, "upgrade": upgrade}[sys.argv[1]]
    base, copies = Path(sys.argv[2]), Path(sys.argv[3])
    step, status = 0, KILLED
    while status:
        folder = copies / str(step)
        shutil.copytree(base, folder)
        child = os.fork()
        if not child:
            work(folder, die_at(step))
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status not in (0, KILLED):
            sys.exit(f"step {step} ended with {status}")
        step += 1
    print(step)


if __name__ == "__main__":
    main()
