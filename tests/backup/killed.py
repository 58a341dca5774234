"""Does one thing again and again in copies of a folder, and kills it each time at a later step.

`python -m tests.backup.killed FUNCTION BASE COPIES [ARCHIVE]`: copy number n of BASE is where the process
died at the n-th change to the file system; in the last one it came to its end. Prints how many there are.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatbox.backup.applying import apply_staged
from chatbox.backup.staging import stage_file

STEPS = ("rename", "replace", "unlink", "mkdir", "rmdir", "fsync")
KILLED = 9


def stage(folder: Path) -> None:
    stage_file(Path(sys.argv[4]), folder, folder / "uploads", 2_000_000_000_000)


def apply(folder: Path) -> None:
    apply_staged(folder, folder / "uploads")


def die_at(step: int) -> None:
    """Die, as by kill -9, instead of taking the step of this number."""
    left = step

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **named: Any) -> Any:
            nonlocal left
            if left == 0:
                os._exit(KILLED)
            left -= 1
            return function(*args, **named)

        return run

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))


def main() -> None:
    work = {"stage": stage, "apply": apply}[sys.argv[1]]
    base, copies = Path(sys.argv[2]), Path(sys.argv[3])
    step, status = 0, KILLED
    while status:
        folder = copies / str(step)
        shutil.copytree(base, folder)
        child = os.fork()
        if not child:
            die_at(step)
            work(folder)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status not in (0, KILLED):
            sys.exit(f"step {step} ended with {status}")
        step += 1
    print(step)


if __name__ == "__main__":
    main()
