"""Running always: whether this server starts with its computer, switched while it runs.

The same service as of `chatbox service install`, which is neither started nor stopped here: whoever switches
it is served by a program that runs already, in a window or as that service.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import structs

from chatbox import frozen
from chatbox.chat.machine import Always
from chatbox.errors import StartError
from chatbox.service import carry, choice
from chatbox.service.choice import Machine
from chatbox.service.plans import MISSING, Plan, ServiceError
from chatbox.service_command import command_line, describe, program, this_machine
from chatbox.settings import ROWS
from chatbox.settings_parser import Item, override
from chatbox.startup import Arguments, Start


class Switch:
    """The service of the server that was started like this. Its methods block, for up to minutes."""

    def __init__(self, start: Start, arguments: Arguments) -> None:
        self._start = start
        self._arguments = structs.replace(
            arguments, overrides=(*arguments.overrides, *_as_overrides(arguments))
        )
        self._environment = frozen.restore_library_path(os.environ)

    def look(self) -> Always:
        """How things are, and what is in the way of a change."""
        machine = this_machine()
        try:
            plan = self._plan(machine)
        except ServiceError as error:
            return Always(False, str(error), self._command(error.options))
        except StartError as error:
            return Always(False, str(error))
        owner = _owner(machine, plan, self._environment)
        if owner == "other":
            return Always(False, f"Another Chatbox of this computer runs always: {plan.file}")
        return Always(owner == "this")

    def turn(self, on: bool) -> list[str]:
        """Have it start with the computer, or no more. Returns what is good to know; raises StartError."""
        machine = this_machine()
        plan = self._plan(machine)
        owner = _owner(machine, plan, self._environment)
        if owner == "other":
            raise ServiceError(f"Another Chatbox of this computer runs always: {plan.file}")
        told: list[str] = []
        if on:
            carry.install(plan, self._environment, told.append, now=False)
        elif owner == "this":
            carry.remove(plan, self._environment, told.append, now=False)
        return told

    def _command(self, options: tuple[str, ...] | None) -> str:
        """`chatbox service install` with these options, for this data folder, as it can be typed; what is
        secret is left out."""
        if options is None:
            return ""
        words = [*program(), "service", "install", *options, "--data", str(self._start.folder.path)]
        if self._arguments.config:
            words += ["--config", str(self._start.config)]
        for item in map(override, self._arguments.overrides):
            words += ["--set", _spelt(item, ROWS[item.section, item.key].kind.quote(item.value))]
        return command_line(words)

    def _plan(self, machine: Machine) -> Plan:
        """Raises ServiceError where there can be no such service here."""
        choice.check(machine)
        service = describe(self._start, self._arguments, machine, "")
        choice.check_account(machine, "")
        choice.check_places(machine, service)
        return choice.plan(machine, service)


def _owner(machine: Machine, plan: Plan, environment: Mapping[str, str]) -> str:
    """Whose service is installed: of "this" data folder, of an "other", or "" where there is none."""
    try:
        content = Path(plan.file).read_bytes()
    except OSError:
        return ""
    known = machine.platform == "darwin"  # which looks at the file when somebody signs in, not before
    if not known and choice.state(machine, *carry.ask(plan.status, environment)) == MISSING:
        return ""
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    return "this" if plan.mark in content.decode(encoding, "replace") else "other"


def _as_overrides(arguments: Arguments) -> list[str]:
    """What was given as --port and the like. That no browser is opened, every service says itself."""
    return [_spelt(item, item.value) for item in arguments.given if item.key != "open_browser"]


def _spelt(item: Item, value: str) -> str:
    return f"{item.section}.{item.key}={value}"
