"""Carrying a plan out: the file is written or removed, and the system's commands are run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from chatbox import atomic
from chatbox.service.plans import Plan, ServiceError, Step

_PATIENCE = 120.0  # seconds for one command: a start waits until connections are taken

Say = Callable[[str], None]


def install(plan: Plan, environment: Mapping[str, str], say: Say, *, now: bool = True) -> None:
    """Write the file and have the system take it over, started too with `now`. Raises ServiceError."""
    file = Path(plan.file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(file, plan.content, mode=0o644)
    except OSError as error:
        raise ServiceError(f"{file} cannot be written: {error.strerror}.") from error
    say(f"Written: {file}")
    try:
        for step in (*plan.enable, *(plan.start if now else ())):
            _take(step, environment, say)
    except ServiceError as error:
        raise ServiceError(f"{error} {plan.notes[0]}. To undo this:  chatbox service remove") from error
    for note in plan.notes:
        say(note)


def remove(plan: Plan, environment: Mapping[str, str], say: Say, *, now: bool = True) -> None:
    """Have the system forget it, stopped too with `now`, and remove the file. Raises ServiceError."""
    first, *rest = plan.remove if now else plan.disable
    _take(first, environment, say)
    try:
        Path(plan.file).unlink(missing_ok=True)
    except OSError as error:
        raise ServiceError(f"{plan.file} cannot be removed: {error.strerror}.") from error
    say(f"Removed: {plan.file}")
    for step in rest:
        _take(step, environment, say)


def ask(words: tuple[str, ...], environment: Mapping[str, str]) -> tuple[int, str]:
    """The exit code of a command, and what it printed. A command that is not there has 127."""
    try:
        ended = subprocess.run(
            words, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=_PATIENCE, check=False,
        )  # fmt: skip
    except OSError as error:
        return 127, f"{words[0]}: {error.strerror}"
    except subprocess.TimeoutExpired:
        return 124, f"{words[0]} did not end within {_PATIENCE:.0f} seconds"
    return ended.returncode, ended.stdout


def _take(step: Step, environment: Mapping[str, str], say: Say) -> None:
    code, output = ask(step.words, environment)
    if code and step.otherwise is None:
        why = " ".join(output.split()) or f"exit code {code}"
        raise ServiceError(f'"{" ".join(step.words)}" failed: {why}')
    if text := step.otherwise if code else step.done:
        say(text)
