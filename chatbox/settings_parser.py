"""What a file and the command line say, checked against the table of settings: all that is wrong at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

from msgspec import Struct

from chatbox.errors import StartError
from chatbox.kinds import did_you_mean
from chatbox.settings import ROWS, SECTIONS, Given, Setting, Settings

_PAIR = ("s3.access_key", "s3.secret_key")


class Item(Struct, frozen=True):
    """One value as it was given. A section's header in a file is an item with an empty key."""

    section: str
    key: str
    value: str
    file: str  # or the name of the command line option
    line: int | None = None  # from 1; None outside of files


class Problem(Struct, frozen=True):
    """One thing that is wrong with the settings, for a person."""

    message: str
    file: str
    line: int | None = None
    section: str = ""
    key: str = ""
    did_you_mean: str | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        guess = f' Did you mean "{self.did_you_mean}"?' if self.did_you_mean else ""
        return f"{place}: {self.message}{guess}"


class SettingsError(StartError):
    """The settings cannot be used: `problems` has everything that is wrong with them."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def override(text: str, option: str = "--set") -> Item:
    """Read SECTION.KEY=VALUE from the command line. Raises SettingsError."""
    found = re.fullmatch(r"\s*(\w+)\.(\w+)\s*=(.*)", text, re.DOTALL)
    if not found:
        raise SettingsError([Problem(f'expected SECTION.KEY=VALUE, got "{text}".', option)])
    return Item(found[1].casefold(), found[2].casefold(), found[3].strip(), option)


def last_value(items: Iterable[Item], section: str, key: str) -> str:
    """The value given last for a setting, unchecked; empty where there is none."""
    given = [item.value for item in items if (item.section, item.key) == (section, key)]
    return given[-1] if given else ""


def places_given(*items: Iterable[Item]) -> Given:
    """The settings that a file or the command line says something of, and where: "chatbox.ini, line 7" or
    "--port". Of two the last counts."""
    return {f"{item.section}.{item.key}": _place(item) for each in items for item in each if item.key}


def _place(item: Item) -> str:
    return item.file if item.line is None else f"{PurePath(item.file).name}, line {item.line}"


def parse(
    items: Sequence[Item], overrides: Sequence[Item] = (), problems: Sequence[Problem] = ()
) -> Settings:
    """Check what a file and the command line say, and make the settings of it.

    Of two overrides of a setting the last wins; a file that names a setting twice is wrong. `problems` are
    those that reading the file has found already. Raises SettingsError with every problem at once.
    """
    found = [*problems, *_twice(items)]
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for item in (*items, *overrides):
        row = ROWS.get((item.section, item.key))
        problem = _unknown(item) if row is None else _take(item, row, values[item.section])
        if problem:
            found.append(problem)
    groups: dict[str, Any] = {section: SECTIONS[section](**given) for section, given in values.items()}
    settings = Settings(**groups)
    found += _at_odds(settings, (*items, *overrides))
    if found:
        raise SettingsError(sorted(found, key=lambda problem: (problem.line is None, problem.line or 0)))
    return settings


def _at_odds(settings: Settings, items: Iterable[Item]) -> Iterable[Problem]:
    """What is right by itself and wrong together."""
    tls, cluster, storage, s3 = settings.tls, settings.cluster, settings.storage, settings.s3
    for item in items:
        name = f"{item.section}.{item.key}"
        if name == "tls.mode" and tls.mode == "files" == item.value.casefold() and not tls.certificate:
            message = "[tls] mode = files needs [tls] certificate, the file that it is in."
            yield Problem(message, item.file, item.line, "tls", "mode")
        if name == "cluster.redis" and cluster.redis and item.value and not cluster.key:
            message = "[cluster] redis needs [cluster] key, which is the same on every node."
            yield Problem(message, item.file, item.line, "cluster", "redis")
        if name == "cluster.redis" and cluster.redis and item.value and not storage.database:
            message = "[cluster] redis needs [storage] database: a file of SQLite is for one node alone."
            yield Problem(message, item.file, item.line, "cluster", "redis")
        if name == "storage.uploads" and storage.in_bucket and item.value and not storage.database:
            message = "[storage] uploads in a bucket need [storage] database, which is in PostgreSQL."
            yield Problem(message, item.file, item.line, "storage", "uploads")
        if name in _PAIR and item.value and not (s3.access_key and s3.secret_key):
            message = "[s3] access_key and [s3] secret_key belong together. Set both, or neither."
            yield Problem(message, item.file, item.line, "s3", item.key)


def _twice(items: Sequence[Item]) -> Iterable[Problem]:
    first: dict[tuple[str, str], int | None] = {}
    for item in items:
        if item.key and (item.section, item.key) in first:
            line = first[item.section, item.key]
            message = f"[{item.section}] {item.key} stands here and in line {line}. Remove one of them."
            yield Problem(message, item.file, item.line, item.section, item.key)
        first.setdefault((item.section, item.key), item.line)


def _unknown(item: Item) -> Problem | None:
    place = (item.file, item.line, item.section, item.key)
    if item.section not in SECTIONS:
        if item.key and item.line is not None:
            return None  # the header is reported, once for all that stands below it
        guess = did_you_mean(item.section, SECTIONS)
        return Problem(f"there is no section [{item.section}].", *place, guess)
    if not item.key:
        return None
    message = f'[{item.section}] has no setting "{item.key}".'
    elsewhere = [section for section, key in ROWS if key == item.key]
    if elsewhere:
        return Problem(f"{message} It belongs in [{elsewhere[0]}].", *place)
    keys = [key for section, key in ROWS if section == item.section]
    return Problem(message, *place, did_you_mean(item.key, keys))


def _take(item: Item, row: Setting, values: dict[str, Any]) -> Problem | None:
    try:
        values[item.key] = row.kind.read(item.value)
    except ValueError as error:
        shown = f'not "{row.kind.quote(item.value)}"' if item.value else "not empty"
        comment = " A comment needs a line of its own." if re.search(r"\s[#;]", item.value) else ""
        message = f"[{item.section}] {item.key} {error}, {shown}.{comment}"
        return Problem(message, item.file, item.line, item.section, item.key)
    return None
