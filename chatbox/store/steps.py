"""Running the steps of a transaction on a connection of SQLite, all in one go."""

from __future__ import annotations

import sqlite3
from typing import Any, TypeVar

from chatbox.store.base import Statement, Steps

T = TypeVar("T")


def run_steps(connection: sqlite3.Connection, steps: Steps[T]) -> T:
    """Run a generator of statements on this connection; returns what it returns."""
    rows: list[Any] | None = None
    while True:
        try:
            statement: Statement = steps.send(rows) if rows is not None else next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        if statement.many:
            connection.executemany(statement.sql, statement.params)
            rows = []
        else:
            rows = connection.execute(statement.sql, statement.params).fetchall()
