"""The tables of a database as rows in the order of their keys, on either engine, to be copied as a whole."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol, TypeVar

from chatbox.store import full_text
from chatbox.store.awaited import run_awaited
from chatbox.store.base import Row, Steps, many, one
from chatbox.store.lane import Connection
from chatbox.store.migrate import MIGRATIONS, upgrade
from chatbox.store.steps import run_steps

T = TypeVar("T")
Key = tuple[Any, ...]

# In this order, because rows refer to rows of tables before theirs.
TABLES = ("users", "sessions", "links", "rooms", "memberships", "messages", "mentions", "files", "meta")
_ROWS = 500  # at once: people are served meanwhile


class Shape(NamedTuple):
    """A table's columns, and which of them are its key, in order."""

    columns: tuple[str, ...]
    key: tuple[str, ...]

    def key_of(self, row: Row) -> Key:
        return tuple(row[self.columns.index(column)] for column in self.key)


@cache
def shapes() -> dict[str, Shape]:
    """The shape of every table in the current format; both engines have the same."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        run_steps(connection, upgrade(0, MIGRATIONS))
        return {table: _shape(connection, table) for table in TABLES}
    finally:
        connection.close()


def _shape(connection: sqlite3.Connection, table: str) -> Shape:
    rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
    key = sorted((row[5], row[1]) for row in rows if row[5])
    return Shape(tuple(row[1] for row in rows), tuple(column for _, column in key))


def page(table: str, shape: Shape, after: Key | None) -> Steps[list[Row]]:
    """The first rows after this key."""
    key = ", ".join(shape.key)
    where = f" WHERE ({key}) > ({', '.join('?' * len(shape.key))})" if after else ""
    columns = ", ".join(shape.columns)
    return (yield one(f"SELECT {columns} FROM {table}{where} ORDER BY {key} LIMIT ?", *(after or ()), _ROWS))


def last(table: str, shape: Shape) -> Steps[Key | None]:
    """The greatest key; None where the table is empty."""
    descending = ", ".join(f"{column} DESC" for column in shape.key)
    rows = yield one(f"SELECT {', '.join(shape.key)} FROM {table} ORDER BY {descending} LIMIT 1")
    return tuple(rows[0]) if rows else None


def count(table: str) -> Steps[int]:
    ((number,),) = yield one(f"SELECT count(*) FROM {table}")
    return int(number)


def write(table: str, shape: Shape, rows: Sequence[Row]) -> Steps[None]:
    """Add rows as they are."""
    places = ", ".join("?" * len(shape.columns))
    yield many(f"INSERT INTO {table} ({', '.join(shape.columns)}) VALUES ({places})", rows)


def write_words(shape: Shape, rows: Sequence[Row]) -> Steps[None]:
    """Let messages be found that were added as rows."""
    places = [shape.columns.index(column) for column in ("id", "text", "file_names")]
    yield many(full_text.ADD, [[row[place] for place in places] for row in rows])


class Database(Protocol):
    """One of the two that are copied from and to."""

    async def run(self, steps: Steps[T]) -> T:
        """Run reads, or a transaction of their own for writes."""
        ...


class SqliteDatabase:
    """A file that nobody else uses."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """`connection` is used on one thread after the other."""
        self.connection = connection

    async def run(self, steps: Steps[T]) -> T:
        return await asyncio.to_thread(self._run, steps)

    def _run(self, steps: Steps[T]) -> T:
        self.connection.execute("BEGIN")
        try:
            result = run_steps(self.connection, steps)
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        return result


class PostgresDatabase:
    """A database of PostgreSQL through a connection of its own."""

    def __init__(self, connection: Connection) -> None:
        """Where the connection is in a transaction already, all is read as it was when that began."""
        self.connection = connection

    async def run(self, steps: Steps[T]) -> T:
        if self.connection.is_in_transaction():
            return await run_awaited(self.connection, steps)
        async with self.connection.transaction():
            return await run_awaited(self.connection, steps)
