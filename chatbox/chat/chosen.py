"""The settings in force: those of this machine, with what admins changed on top.

What the file or the command line says is stronger than any admin, so that whoever runs the machine has the
last word. A stored value that is not allowed any more counts for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from chatbox.errors import Conflict, Invalid
from chatbox.settings import TABLE, Given, Setting, Settings, changed, value_of

_ROWS = {row.name: row for row in TABLE}


class Chosen:
    """`given` are the settings that the machine says something of, and where; `stored` those of admins, as
    text. Whoever changes something waits for their turn."""

    def __init__(self, machine: Settings, given: Given, stored: Mapping[str, str]) -> None:
        self.turn = asyncio.Lock()
        self._machine = machine
        self._given = given
        self.take(stored)

    def take(self, stored: Mapping[str, str]) -> None:
        """From now on these are the admins' settings."""
        self.stored = dict(stored)
        values: dict[str, Any] = {}
        for name, text in stored.items():
            row = _ROWS.get(name)
            if row is None or not row.changeable or name in self._given:
                continue
            try:
                values[name] = row.kind.read(text)
            except ValueError:
                continue
        self.settings = changed(self._machine, values)

    def list(self) -> list[dict[str, Any]]:
        """Every setting, for an admin; `by` tells who said it: "default", "machine" or "admin". `source` is
        where the machine did: "chatbox.ini, line 7", or what was given at the start, such as "--set"."""
        return [self._entry(row) for row in TABLE]

    def _entry(self, row: Setting) -> dict[str, Any]:
        given = row.name in self._given
        by = "machine" if given else "admin" if row.changeable and row.name in self.stored else "default"
        return {
            "name": row.name,
            "value": row.kind.show(value_of(self.settings, row)),
            "default": row.shown_default,
            "allowed": row.kind.allowed,
            "help": row.help,
            "by": by,
            "source": self._given.get(row.name, ""),
            "changeable": row.changeable and not given,
        }

    def check(self, values: Mapping[str, str | None]) -> None:
        """Raises Invalid or Conflict, with the setting as its field, where one of these cannot be set."""
        for name, text in values.items():
            row = _ROWS.get(name)
            if row is None:
                raise Invalid("There is no such setting.", field=name)
            if not row.changeable:
                raise Conflict("This belongs to the machine. Change it in chatbox.ini.", field=name)
            if name in self._given:
                source = self._given[name]
                raise Conflict(f"This is said by {source}. Change it there, or remove it there.", field=name)
            if text is not None:
                _read(row, text)

    def with_values(self, stored: Mapping[str, str], values: Mapping[str, str | None]) -> dict[str, str]:
        """What is to be stored after a change to these values, which were checked."""
        kept = {name: text for name, text in stored.items() if name not in values}
        shown = {name: text for name, text in values.items() if text is not None}
        return kept | {name: _ROWS[name].kind.show(_read(_ROWS[name], text)) for name, text in shown.items()}


def _read(row: Setting, text: str) -> Any:
    try:
        return row.kind.read(text.strip())
    except ValueError as error:
        raise Invalid(f"It {error}.", field=row.name) from error
