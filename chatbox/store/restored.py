"""Making a database from a backup fit to take another one's place. Everything here blocks."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from chatbox.store import survivors
from chatbox.store.base import Steps
from chatbox.store.migrate import MIGRATIONS, upgrade
from chatbox.store.steps import run_steps


def settle(restored: Path, replaced: Path) -> int:
    """Bring it to the current schema, give it a new epoch, and end what is not valid in both any more.

    Doing it again changes nothing but the epoch. Where the replaced database is missing, damaged, of another
    server or of an older version, nobody stays signed in. Returns how many accounts are disabled by it.
    Raises OSError."""
    try:
        if _fold(replaced):
            try:
                return _settle(restored, survivors.valid_in_both, replaced)
            except sqlite3.DatabaseError:  # damaged: that may be why a backup is wanted
                pass
        return _settle(restored, survivors.accounts_only)
    except sqlite3.Error as error:
        raise OSError(f"the restored database cannot be prepared: {error}") from error


def _fold(database: Path) -> bool:
    """Take the log of a database that nobody serves into its file. False where that cannot be."""
    if not database.is_file():
        return False
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            return bool(version == len(MIGRATIONS))
    except sqlite3.Error:
        return False


def _settle(restored: Path, ending: Callable[[], Steps[int]], replaced: Path | None = None) -> int:
    with closing(sqlite3.connect(restored, isolation_level=None)) as connection:
        for pragma in ("trusted_schema = OFF", "journal_mode = DELETE", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        if replaced is not None:
            connection.execute("ATTACH ? AS replaced", (str(replaced),))
            if not _same_server(connection):
                ending = survivors.accounts_only
        connection.execute("BEGIN IMMEDIATE")
        try:
            (version,) = connection.execute("PRAGMA main.user_version").fetchone()
            run_steps(connection, upgrade(version))
            disabled = run_steps(connection, ending())
            run_steps(connection, survivors.new_epoch(secrets.token_hex(8)))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return disabled


def _same_server(connection: sqlite3.Connection) -> bool:
    query = (
        "SELECT 1 FROM main.meta m JOIN replaced.meta r ON r.key = m.key AND r.value = m.value"
        " WHERE m.key = 'server'"
    )
    return connection.execute(query).fetchone() is not None
