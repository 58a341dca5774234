"""Copies of a database: made beside the connection that writes, and examined where nobody serves them.

A copy is made from one read transaction, so it holds exactly what was committed when it began, however long
it takes and whatever is written meanwhile. Everything here blocks: call it on a thread.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal, get_args

from msgspec import MsgspecError, Struct, json

from chatbox.errors import Invalid, StorageFull
from chatbox.progress import Step
from chatbox.store.migrate import MIGRATIONS, upgrade
from chatbox.store.steps import run_steps

_PAGES = 256  # copied at once
_HEADER = b"SQLite format 3\0"
_FULL_TEXT = "messages_text_*"  # tables that SQLite makes for the full text, each version its own way
_STATISTICS = "sqlite_stat?"  # tables that are there once somebody has asked for ANALYZE
# What every server knows of itself (store.migrate.found)
_KNOWN = {
    "server": str,
    "epoch": str,
    "name": str,
    "join": str,
    "setup": str,
    "people_rev": int,
    "clock": int,
}

Counted = Literal["people", "rooms", "messages", "files"]


class Contents(Struct, frozen=True):
    """What a copy holds. `uploads` has the size in bytes of each content by its SHA-256 in hex."""

    server: str
    name: str
    schema: int
    counts: dict[Counted, int]
    uploads: dict[str, int]


class Damaged(Invalid):
    """A copy that cannot be relied on."""


def size_of(database: Path) -> int:
    """Bytes that a copy of this database needs at most."""
    wal = database.with_name(f"{database.name}-wal")
    return database.stat().st_size + (wal.stat().st_size if wal.exists() else 0)


def copy(database: Path, target: Path) -> None:
    """Copy a database that may be in use into a new file, durably. Raises `Damaged` and OSError."""
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    address = f"{database.absolute().as_uri()}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=10)) as reader,
            closing(sqlite3.connect(target, isolation_level=None)) as writer,
            target.open("rb+") as file,
        ):
            _copy(reader, writer, file.fileno())
    except sqlite3.Error as error:
        _blame_full_disk(error, target)
        raise Damaged(f"The database cannot be copied: {error}.") from error
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _copy(reader: sqlite3.Connection, writer: sqlite3.Connection, file: int) -> None:
    """`file` is that of the writer. It is synced bit by bit: tens of megabytes that the system wrote at once
    would keep the sync of every message waiting."""
    for pragma in ("synchronous = OFF", "journal_mode = OFF"):  # it is checked and synced when it is whole
        writer.execute(f"PRAGMA {pragma}").fetchall()
    reader.execute("BEGIN")
    (pages,) = reader.execute("PRAGMA page_count").fetchone()  # from here on it reads one state
    step = Step("Copying the database", pages)

    def progress(_: int, remaining: int, total: int) -> None:
        os.fsync(file)
        step.reach(total - remaining)

    reader.backup(writer, pages=_PAGES, progress=progress)
    reader.execute("COMMIT")
    writer.execute("PRAGMA journal_mode = DELETE").fetchall()


def _blame_full_disk(error: sqlite3.Error, path: Path) -> None:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        raise StorageFull(f"The disk of {path} is full. Nothing was changed.") from error


def examine(path: Path) -> Contents:
    """Check a copy that nobody writes to, and tell what it holds.

    Raises `Damaged` where it is no database of Chatbox, or a damaged one; `Invalid` where a newer version
    made it."""
    with path.open("rb") as file:
        if file.read(len(_HEADER)) != _HEADER:
            raise Damaged("Its database is no SQLite database.")
    try:
        with closing(_reader(path)) as connection:
            return _examine(connection)
    except sqlite3.Error as error:
        raise Damaged(f"Its database is damaged: {error}.") from error


def _examine(connection: sqlite3.Connection) -> Contents:
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    if schema > len(MIGRATIONS):
        raise Invalid(
            f"It was made by a newer Chatbox (format {schema}; this one knows {len(MIGRATIONS)}). "
            "Restore it with that version."
        )
    if schema < 1 or _shape(connection) != _shape_of(schema):
        raise Damaged("Its database was not made by Chatbox.")
    for (verdict,) in connection.execute("PRAGMA integrity_check(1)").fetchall():
        if verdict != "ok":
            raise Damaged(f"Its database is damaged: {verdict}.")
    meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    general = connection.execute("SELECT count(*) FROM rooms WHERE general = 1").fetchall()
    if not _is_whole(meta) or general != [(1,)]:  # no server could start with it
        raise Damaged("Its database lacks what a server knows of itself.")
    (counts,) = connection.execute(
        "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM rooms),"
        " (SELECT count(*) FROM messages), (SELECT count(*) FROM files)"
    ).fetchall()
    return Contents(
        server=str(meta.get("server", "")),
        name=str(meta.get("name", "")),
        schema=schema,
        counts=dict(zip(get_args(Counted), counts, strict=True)),
        uploads=dict(connection.execute("SELECT DISTINCT hash, size FROM files").fetchall()),
    )


def _is_whole(meta: Mapping[str, object]) -> bool:
    if not all(isinstance(meta.get(key), kind) for key, kind in _KNOWN.items()):
        return False
    try:
        json.decode(str(meta.get("settings", "{}")), type=dict[str, str])
    except MsgspecError:
        return False
    return True


def _shape(connection: sqlite3.Connection) -> set[tuple[str, str, str | None]]:
    """Every table, index, trigger and view: something foreign in a database could act by itself."""
    rows = connection.execute(
        "SELECT type, name, CASE WHEN name GLOB ? THEN NULL ELSE sql END FROM sqlite_schema"
        " WHERE type <> 'table' OR name NOT GLOB ?",
        (_FULL_TEXT, _STATISTICS),
    )
    return set(rows.fetchall())


def _shape_of(schema: int, migrations: Sequence[str] = MIGRATIONS) -> set[tuple[str, str, str | None]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        run_steps(connection, upgrade(0, migrations[:schema]))
        return _shape(connection)


def _reader(path: Path) -> sqlite3.Connection:
    """Nothing is written, not even the files that a WAL needs."""
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(address, uri=True, isolation_level=None)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection
