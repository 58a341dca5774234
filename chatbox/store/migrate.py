"""Bringing a database to the current schema: ordered, append-only, in one transaction.

`MIGRATIONS[n]` leads from version n to n + 1 and never changes once released. Version 0 is an empty file.
The version stands in SQLite's `user_version`. A database from a newer release is refused, because an older
program would write rows that break what the newer one relies on.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatbox.errors import DatabaseTooNew
from chatbox.store.base import Steps, one
from chatbox.store.schema import SCHEMA_1

MIGRATIONS: Sequence[str] = (SCHEMA_1,)


def pending(version: int, migrations: Sequence[str] = MIGRATIONS) -> Sequence[str]:
    """The migrations that a database of this version still needs. Raises `DatabaseTooNew`."""
    if version > len(migrations):
        raise too_new(version, len(migrations))
    return migrations[version:]


def too_new(version: int, known: int) -> DatabaseTooNew:
    """The error where a database has a format that this program does not know."""
    return DatabaseTooNew(
        f"The database was written by a newer Chatbox (format {version}; this one knows {known}). "
        "Nothing was changed. Start the newer program, or restore a backup made by this version."
    )


def upgrade(version: int, migrations: Sequence[str] = MIGRATIONS) -> Steps[int]:
    """Run what is pending. Returns the new version."""
    for script in pending(version, migrations):
        for statement in script.split(";\n"):
            if statement.strip():
                yield one(statement)
        version += 1
    yield one(f"PRAGMA user_version = {int(version)}")
    return version


def found(server: str, epoch: str, now: int) -> Steps[None]:
    """What a new database starts with: its own ids, and the room that everyone is in."""
    meta = {"server": server, "epoch": epoch, "name": "", "join": "invite", "people_rev": 0, "setup": "open"}
    meta["clock"] = 0
    for key, value in meta.items():
        yield one("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING", key, value)
    if not (yield one("SELECT 1 FROM rooms WHERE general = 1")):
        yield one(
            "INSERT INTO rooms (kind, name, name_key, general, head, rev, created_at, posted_at)"
            " VALUES ('public', 'general', 'general', 1, 1, 1, ?, ?)",
            now,
            now,
        )
