"""Copying a database of PostgreSQL into a file of SQLite: what a backup has, and a move back makes."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from chatbox.errors import Conflict
from chatbox.progress import tell
from chatbox.store import moving
from chatbox.store.lane import Connection
from chatbox.store.postgres import BEGIN_READING
from chatbox.store.tables import PostgresDatabase, SqliteDatabase


async def copy_into_file(connection: Connection, file: Path) -> moving.Counts:
    """Copy what is committed by now into a new file; servers may go on writing meanwhile. What an earlier try
    has left of it is kept, and compared like the rest. Gives the number of rows of each table.

    `connection` is used for nothing else, and closed afterwards. Raises `Conflict`, what asyncpg raises, and
    sqlite3.Error."""
    await connection.execute("SET idle_in_transaction_session_timeout = 0")
    await connection.execute(BEGIN_READING)
    unfinished = file.with_name(f"{file.name}.moving")
    source = PostgresDatabase(connection)
    with closing(await asyncio.to_thread(_made, unfinished)) as new:
        target = SqliteDatabase(new)
        await _begin(target, await source.run(moving.origin()), unfinished)
        counts = await moving.copy(source, target, words=False)
        tell("Sorting what messages are found by …")
        await target.run(moving.find_all())
        await moving.compare(source, target, counts)
        await target.run(moving.end())
    await asyncio.to_thread(_put_in_place, unfinished, file)
    return counts


def _made(file: Path) -> sqlite3.Connection:
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


async def _begin(target: SqliteDatabase, origin: moving.Origin, file: Path) -> None:
    (version,) = target.connection.execute("PRAGMA user_version").fetchone()
    if not version:
        await target.run(moving.make(origin))
    elif await target.run(moving.begun()) != origin:
        raise Conflict(f"{file} is left of the move of another server's data. Remove it.")


def _put_in_place(unfinished: Path, file: Path) -> None:
    with unfinished.open("rb+") as written:
        os.fsync(written.fileno())
    os.rename(unfinished, file)
    if os.name == "posix":
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
