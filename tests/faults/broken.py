"""Chatbox, broken on purpose, so that a test can show that it would notice.

python tests/faults/broken.py (publish-first | normal | careless-files) [ARGUMENTS OF CHATBOX]
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Awaitable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chatbox import atomic, cli
from chatbox.store import sqlite
from chatbox.store.base import Committed

_LATE = 0.02  # seconds that a commit comes after its publication


class _NeverCommits:
    """A connection whose COMMIT does nothing yet."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, params: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._connection.execute("SELECT 1" if sql == "COMMIT" else sql, params)


def publish_first() -> None:
    """Give the outcome of a transaction away before it commits."""

    def commit(self: sqlite.SqliteStore, changes: Sequence[Any]) -> Awaitable[Committed]:
        early = self._writer.run(lambda connection: transact(self, _NeverCommits(connection), changes))
        self._writer.run(_commit_late)
        return early

    transact: Any = sqlite.SqliteStore._transaction
    sqlite.SqliteStore.commit = commit  # type: ignore[method-assign]


def _commit_late(connection: sqlite3.Connection) -> None:
    time.sleep(_LATE)
    connection.execute("COMMIT")


def normal() -> None:
    """Let SQLite leave the WAL to the system's mercy between checkpoints."""

    def connect(path: Path) -> sqlite3.Connection:
        connection = whole(path)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    whole = partial(sqlite._connect_writer)
    sqlite._connect_writer = connect


def careless_files() -> None:
    """Take a file's new name for durable as soon as it is given."""
    atomic.sync_folder = lambda folder: None


FAULTS = {"publish-first": publish_first, "normal": normal, "careless-files": careless_files}

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    sys.exit(cli.main())
