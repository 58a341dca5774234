"""SQLite through aiosqlite: one connection that writes and checkpoints, some that only read.

A whole transaction runs in one hop to the writer's thread: each await of aiosqlite is a hop of its own,
and behind an event loop that is busy sending, five hops take several times as long as one. Only one
connection ever writes or checkpoints, because SQLite before 3.51.3 can damage a WAL when two do so at
once (https://www.sqlite.org/wal.html, "The WAL-Reset Bug").
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import aiosqlite

from chatbox.clock import Clock
from chatbox.errors import ChatboxError, DataFolderError, StorageFull, Unavailable
from chatbox.model import Draft
from chatbox.store.apply import apply_all, descriptions
from chatbox.store.base import Batch, Change, Committed, Steps
from chatbox.store.steps import run_steps
from chatbox.store.troubles import UNKNOWN, UNREADABLE, Troubles, failed, misfit
from chatbox.store.upgrades import prepare

T = TypeVar("T")
log = logging.getLogger("chatbox.store")


class _Thread(aiosqlite.Connection):
    """A connection whose thread runs whole functions."""

    def run(self, function: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Queue a function to the thread. It is queued when this returns; functions keep their order."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, lambda: function(self._conn)))
        return future

    async def end(self) -> None:
        """Close, and wait until the thread is gone: it answers to this event loop, which may end next."""
        await self.close()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def reopen(self) -> None:
        """Open the file anew after an I/O error. Only to be called on the thread."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._connector()


class SqliteStore:
    """`store.base.Store` on one file. Made by `open_store`."""

    def __init__(self, path: Path, writer: _Thread, readers: list[_Thread], clock: Clock) -> None:
        """The last of the readers is for what may be slow."""
        self._path = path
        self._writer = writer
        *self._readers, self._slow = readers
        self._clock = clock
        self._turn = 0
        self._troubles = Troubles(log)

    def commit(self, changes: Sequence[Draft | Change]) -> Awaitable[Committed]:
        return self._writer.run(partial(self._commit, changes))

    def read(self, steps: Steps[T], *, slow: bool = False) -> Awaitable[T]:
        if slow:
            return self._slow.run(partial(_read, steps))
        self._turn = (self._turn + 1) % len(self._readers)
        return self._readers[self._turn].run(partial(_read, steps))

    @asynccontextmanager
    async def as_file(self, folder: Path) -> AsyncIterator[Path]:
        yield self._path

    @asynccontextmanager
    async def backing_up(self) -> AsyncIterator[bool]:
        yield True

    async def others_back_up(self) -> bool:
        return False

    async def close(self) -> None:
        for reader in (*self._readers, self._slow):
            await reader.end()
        try:
            await self._writer.run(_checkpoint)
        except sqlite3.Error as error:  # all of it is in the log, which the next start takes over
            log.error("the log could not be taken into the database: %s", error)
        await self._writer.end()

    def _commit(self, changes: Sequence[Draft | Change], connection: sqlite3.Connection) -> Committed:
        try:
            return self._transaction(connection, changes)
        except sqlite3.IntegrityError as error:
            log.info("a change does not fit (%s); the batch is done again one by one", error)
        except sqlite3.DatabaseError as error:
            raise self._after_failure(error) from error
        except Exception:
            log.exception("a change failed; the batch is done again one by one")
        return self._one_by_one(connection, changes)

    def _transaction(self, connection: sqlite3.Connection, changes: Sequence[Draft | Change]) -> Committed:
        batch = Batch(self._clock.now())
        connection.execute("BEGIN IMMEDIATE")
        try:
            replies = run_steps(connection, apply_all(batch, changes))
            rooms = run_steps(connection, descriptions(batch))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._troubles.over()
        return Committed(replies, batch, rooms)

    def _one_by_one(self, connection: sqlite3.Connection, changes: Sequence[Draft | Change]) -> Committed:
        """Each change in a transaction of its own, so that a bad one is refused alone."""
        whole = Committed([], Batch(self._clock.now()), {})
        for change in changes:
            try:
                part = self._transaction(connection, [change])
            except sqlite3.IntegrityError:
                whole.replies.append(misfit())
            except sqlite3.Error as error:  # the connection is gone, so the others have to come again, too
                failure = self._after_failure(error)
                whole.replies.extend([failure] * (len(changes) - len(whole.replies)))
                break
            except Exception:
                log.exception("a change failed")
                whole.replies.append(failed())
            else:
                whole.absorb(part)
        return whole

    def _after_failure(self, error: sqlite3.Error) -> ChatboxError:
        """Open the file anew, because after an I/O error the connection's state is not to be trusted."""
        self._complain(error)
        try:
            self._writer.reopen()
        except sqlite3.Error as again:
            self._complain(again)
        full = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
        return StorageFull() if full else Unavailable(UNKNOWN)

    def _complain(self, error: sqlite3.Error) -> None:
        self._troubles.met(getattr(error, "sqlite_errorname", str(error)), error)


def _checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _read(steps: Steps[T], connection: sqlite3.Connection) -> T:
    connection.execute("BEGIN")
    try:
        return run_steps(connection, steps)
    except sqlite3.Error as error:
        log.error("a read failed: %s", error)
        raise Unavailable(UNREADABLE) from error
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


async def open_store(path: Path, clock: Clock, readers: int = 3) -> SqliteStore:
    """Open the database, making or upgrading it.

    Raises `DatabaseTooNew`, `UpgradeFailed`, or `DataFolderError` where the file is damaged or cannot be
    opened."""
    writer = _Thread(partial(_connect_writer, path), iter_chunk_size=64)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # its WAL takes over who may read it
        await writer
        await writer.run(partial(prepare, path, clock.now()))
        pool = [_Thread(partial(_connect_reader, path), iter_chunk_size=64) for _ in range(readers)]
        for reader in pool:
            await reader
    except (sqlite3.Error, OSError) as error:
        await writer.end()
        raise DataFolderError(f"The database {path} cannot be opened: {error}.") from error
    except BaseException:
        await writer.end()
        raise
    return SqliteStore(path, writer, pool, clock)


def _connect_writer(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=10, cached_statements=256)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -16384"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def _connect_reader(path: Path) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=10, cached_statements=256)
    connection.execute("PRAGMA query_only = ON")
    return connection
