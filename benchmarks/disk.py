"""What the disk allows a server that commits each message by itself."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.machine import SERVER_CORE, pinned

TEXT = (
    "the quick brown fox jumps over the lazy dog and then it sleeps in the warm sun until the evening comes"
)


def commits_per_second(folder: Path, seconds: float) -> float:
    """Rows per second with one commit each, WAL and `synchronous=FULL`: a bare table, far less than a chat
    server has to write."""
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="disk-") as place,
        pinned(SERVER_CORE),
        closing(sqlite3.connect(Path(place) / "rows.sqlite3", isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, room INTEGER, text TEXT)")
        count, began = 0, time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            connection.execute("INSERT INTO rows (room, text) VALUES (?, ?)", (count % 50, TEXT))
            count += 1
        return count / passed
