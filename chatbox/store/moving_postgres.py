"""Moving a server's state from SQLite to PostgreSQL, and back, while nobody serves either.

Each page of rows is a transaction. Until all is there and compared, a table `moving` says so: no server uses
such a database, and the next try goes on where this one was.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]

from chatbox.errors import Conflict, DataFolderError
from chatbox.progress import tell
from chatbox.store import files, moving
from chatbox.store.copied import copy_into_file
from chatbox.store.lane import LOST, Connection
from chatbox.store.migrate import MIGRATIONS, too_new
from chatbox.store.postgres_opening import SERVING_LOCK, format_of, is_moving, make_tables, reach
from chatbox.store.postgres_refusals import shown
from chatbox.store.postgres_schema import WORDS_INDEX
from chatbox.store.tables import PostgresDatabase, SqliteDatabase

Bring = Callable[[list[tuple[str, int]]], Awaitable[None]]

_NUMBERED = ("users", "sessions", "links", "rooms")  # whose ids PostgreSQL gives out one by one


async def leave(contents: list[tuple[str, int]]) -> None:
    """Leave all uploads where they are."""


async def into_postgres(file: Path, url: str, bring: Bring = leave) -> moving.Counts:
    """Move the database in this file, which stays as it is. Gives the number of rows of each table.

    `bring` is given the hash and the size of every upload, once it is sure that the database can be moved.
    Raises `Conflict` where either is in use, of another format, or the new one is not empty; `StartError`
    where one cannot be used."""
    with _blamed(), closing(_opened(file)) as old:
        source = SqliteDatabase(old)
        async with _alone(url) as connection:
            target = PostgresDatabase(connection)
            await _begin(target, url, await source.run(moving.origin()))
            await bring(await source.run(files.contents()))
            counts = await moving.copy(source, target, words=True)
            tell("Sorting what messages are found by …")
            await connection.execute(WORDS_INDEX)
            await _go_on_counting(connection)
            await moving.compare(source, target, counts)
            await target.run(moving.settle())
            await connection.execute("ANALYZE")
    return counts


async def into_sqlite(url: str, file: Path, bring: Bring = leave) -> moving.Counts:
    """Move a database of PostgreSQL, which stays as it is, into a new file. Gives and raises the same."""
    if await asyncio.to_thread(file.exists):
        raise Conflict(f"{file} is there already. Take it away first: what is moved gets its place.")
    with _blamed():
        async with _alone(url) as connection:
            _same_format(await format_of(connection), shown(url))
            await bring(await PostgresDatabase(connection).run(files.contents()))
            return await copy_into_file(connection, file)


@asynccontextmanager
async def _alone(url: str) -> AsyncIterator[Connection]:
    """A connection to a database that no server uses meanwhile."""
    connection = await reach(url)
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", SERVING_LOCK):
            raise Conflict(f"A server is using this database: {shown(url)}. Stop it, and move then.")
        yield connection
    finally:
        with suppress(*LOST):
            await connection.close(timeout=5)


@contextmanager
def _blamed() -> Iterator[None]:
    """Trouble on the way, in a person's words."""
    try:
        yield
    except (*LOST, asyncpg.PostgresError, sqlite3.Error) as error:
        raise DataFolderError(
            f"The move was cut short: {error}. Do the same again: it goes on there."
        ) from error


def _opened(file: Path) -> sqlite3.Connection:
    """The file of a server that does not run."""
    if not file.is_file():
        raise DataFolderError(f"There is no database to move: {file} is not there.")
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        _same_format(version, f"The database {file}")
        connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _same_format(version: int, what: str) -> None:
    if version > len(MIGRATIONS):
        raise too_new(version, len(MIGRATIONS))
    if version < len(MIGRATIONS):
        raise Conflict(f"{what} has an older format. Start this version of Chatbox on it once, and stop it.")


async def _begin(target: PostgresDatabase, url: str, origin: moving.Origin) -> None:
    connection = target.connection
    if await is_moving(connection):
        if await target.run(moving.begun()) != origin:
            raise Conflict(
                f"Another server's data is being moved there: {shown(url)}. Name another database."
            )
    elif await format_of(connection):
        raise Conflict(f"This database is not empty: {shown(url)}. Name another one.")
    else:
        await target.run(moving.begin(origin))
    await make_tables(connection)
    await connection.execute("DROP INDEX IF EXISTS messages_words")  # it is quicker made at the end


async def _go_on_counting(connection: Connection) -> None:
    for table in _NUMBERED:
        await connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), coalesce(max(id), 0) + 1, false)"
            f" FROM {table}"
        )
    await connection.execute("SELECT setval('message_blocks', coalesce(max(id), 0), false) FROM messages")
