"""Packing a backup anew with something else in it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatbox.backup.staging import stage_file
from chatbox.errors import ChatboxError

NOW = 1_000_000_000_000
Entries = dict[str, bytes]
Change = Callable[[Entries], None]


def entries_of(archive: Path) -> Entries:
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def pack(entries: Entries, target: Path, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return target


def listed(**values: Any) -> Change:
    """The manifest says something else."""

    def change(entries: Entries) -> None:
        entries["manifest.json"] = json.dumps(json.loads(entries["manifest.json"]) | values).encode()

    return change


def holds(name: str, content: bytes = b"x") -> Change:
    return lambda entries: entries.update({name: content})


def lacks(beginning: str) -> Change:
    def change(entries: Entries) -> None:
        del entries[next(name for name in entries if name.startswith(beginning))]

    return change


def with_database(content: Callable[[bytes], bytes]) -> Change:
    """Another database, which the manifest describes rightly as far as its bytes go."""

    def change(entries: Entries) -> None:
        database = entries["chatbox.sqlite3"] = content(entries["chatbox.sqlite3"])
        listed(size=len(database), sha256=hashlib.sha256(database).hexdigest())(entries)

    return change


def sql(*statements: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(content)
            for statement in statements:
                database.execute(statement)
            database.commit()
            return database.serialize()

    return change


def with_meta(key: str, value: str) -> Change:
    """The database and the manifest agree on this."""

    def change(entries: Entries) -> None:
        with_database(sql(f"UPDATE meta SET value = '{value}' WHERE key = '{key}'"))(entries)
        listed(**{key: value})(entries)

    return change


def named(name: str) -> Change:
    return with_meta("name", name)


def refused(archive: Path, folder: Path) -> ChatboxError:
    (folder / "data").mkdir(exist_ok=True)
    with pytest.raises(ChatboxError) as caught:
        stage_file(archive, folder / "data", folder / "data" / "uploads", NOW)
    assert not (folder / "data" / "restore").exists()
    assert not (folder / "data" / "restore.part").exists()
    assert not list(folder.rglob("evil*"))
    return caught.value
