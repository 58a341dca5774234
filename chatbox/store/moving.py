"""Copying a whole server's state from one engine to the other, row by row, and comparing what came of it.

What is there already is not copied again, so a copy that was cut short goes on where it was. At the end every
row of every table is read on both sides: their numbers and a CRC-32 over all of their values are the same, or
it did not succeed.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple
from zlib import crc32

from chatbox.errors import Conflict
from chatbox.progress import Step
from chatbox.store import heads, tables
from chatbox.store.base import Row, Steps, one
from chatbox.store.migrate import upgrade
from chatbox.store.shared_uploads import forget_place
from chatbox.store.tables import TABLES, Database, Shape

Counts = dict[str, int]  # rows by table


class Origin(NamedTuple):
    """Which state it is that is copied."""

    server: str
    epoch: str


def origin() -> Steps[Origin]:
    """Of the database that is copied from."""
    rows = yield one("SELECT key, value FROM meta WHERE key = 'server' OR key = 'epoch'")
    found = dict(rows)
    return Origin(found["server"], found["epoch"])


def begin(origin: Origin) -> Steps[None]:
    """Mark a database that is empty as one that is being copied into; nobody serves it meanwhile."""
    yield one("CREATE TABLE moving (server TEXT NOT NULL, epoch TEXT NOT NULL)")
    yield one("INSERT INTO moving VALUES (?, ?)", *origin)


def begun() -> Steps[Origin]:
    """What is being copied into a database that is marked so."""
    ((server, epoch),) = yield one("SELECT server, epoch FROM moving")
    return Origin(server, epoch)


def make(origin: Origin) -> Steps[None]:
    """Make the tables in a new file of SQLite, and mark it."""
    yield from upgrade(0)
    yield from begin(origin)


def find_all() -> Steps[None]:
    """Let SQLite look through all messages for what they are found by."""
    yield one("INSERT INTO messages_text (messages_text) VALUES ('rebuild')")


def end() -> Steps[None]:
    """All is there: take the mark away."""
    yield one("DROP TABLE moving")


def settle() -> Steps[None]:
    """The same where several nodes are to use it, which agree anew on where the uploads are."""
    yield from forget_place()
    yield from heads.forget_marks()
    yield from end()


async def copy(source: Database, target: Database, *, words: bool) -> Counts:
    """Copy everything that is missing; with `words` also what messages are found by. Gives the number of rows
    of each table."""
    counts = {}
    for table, shape in tables.shapes().items():
        counts[table] = await source.run(tables.count(table))
        step = Step(f"Copying {table}", counts[table])
        await _advance(step, await target.run(tables.count(table)))
        after = await target.run(tables.last(table, shape))
        while rows := await source.run(tables.page(table, shape, after)):
            await target.run(_add(table, shape, rows, words))
            after = shape.key_of(rows[-1])
            await _advance(step, len(rows))
    return counts


async def _advance(step: Step, rows: int) -> None:
    """On a thread: where people are served meanwhile it rests."""
    await asyncio.to_thread(step.advance, rows)


def _add(table: str, shape: Shape, rows: list[Row], words: bool) -> Steps[None]:
    yield from tables.write(table, shape, rows)
    if words and table == "messages":
        yield from tables.write_words(shape, rows)


async def compare(source: Database, target: Database, counts: Counts) -> None:
    """Raises `Conflict` where the two are not the same."""
    step = Step("Comparing every row", 2 * sum(counts.values()))
    for table in TABLES:
        if await _checksum(source, table, step) != await _checksum(target, table, step):
            raise Conflict(
                f"The two differ in their {table}: what is moved was changed since the move was begun. Empty "
                "the new database, and move again."
            )


async def _checksum(database: Database, table: str, step: Step) -> tuple[int, int]:
    """The number of rows, and a checksum over all of them."""
    shape = tables.shapes()[table]
    number, checksum, after = 0, 0, None
    while rows := await database.run(tables.page(table, shape, after)):
        checksum = await asyncio.to_thread(_add_up, rows, checksum)
        number += len(rows)
        after = shape.key_of(rows[-1])
        await _advance(step, len(rows))
    return number, checksum


def _add_up(rows: list[Row], checksum: int) -> int:
    for row in rows:
        checksum = crc32(repr(tuple(row)).encode(), checksum)
    return checksum
