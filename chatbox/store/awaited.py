"""Running the steps of a transaction on a connection of PostgreSQL, a statement at a time."""

from __future__ import annotations

from typing import Any, TypeVar

import asyncpg  # type: ignore[import-untyped]

from chatbox.store.base import ADVANCE, Steps
from chatbox.store.dialect import said
from chatbox.store.lane import Connection

T = TypeVar("T")

_LOCK = "SELECT FROM rooms WHERE id = $1 FOR NO KEY UPDATE NOWAIT"


class RoomTaken(Exception):
    """Somebody else holds a room that a change needs."""

    def __init__(self, room: int) -> None:
        super().__init__(room)
        self.room = room


async def run_awaited(connection: Connection, steps: Steps[T], held: set[int] | None = None) -> T:
    """Run a generator of statements; returns what it returns.

    `held` are the rooms that the transaction has locked. Raises `RoomTaken` where another one is needed and
    is not free; a transaction that only reads or is alone needs none."""
    rows: list[Any] | None = None
    while True:
        try:
            statement = steps.send(rows) if rows is not None else next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        if held is not None and statement.sql == ADVANCE:
            await _hold(connection, statement.params[0], held)
        words = said(statement.sql)
        if statement.many:
            await connection.executemany(words.sql, [words.params(row) for row in statement.params])
            rows = []
        else:
            rows = await connection.fetch(words.sql, *words.params(statement.params))


async def _hold(connection: Connection, room: int, held: set[int]) -> None:
    if room in held:
        return
    try:
        await connection.fetch(_LOCK, room)
    except asyncpg.LockNotAvailableError:
        raise RoomTaken(room) from None
    held.add(room)
