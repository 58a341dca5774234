"""PostgreSQL through asyncpg: one connection that writes, some that only read, for each server of a cluster.

A batch is one transaction, in READ COMMITTED, that first locks the rooms that its posts go to: in one
statement, in ascending order. Nobody else gives out their numbers or changes who is in them until it ends, so
numbers have no holes and commit in order, and whoever is removed from a room is so before or after a post.

A change that is no post may need any room. It takes a lock that is free, and never waits for one while it
holds others: where somebody has it, the batch is rolled back and begun again with that room among the first.
Changes read before they write; so a batch with any that are not `personal` runs alone among such batches, by
an advisory lock. What is left (the same person at two servers in one moment) ends as a deadlock that
PostgreSQL finds, and is tried again.

A server that stops in the middle (paused, or cut off) loses its transaction after two seconds. Whoever makes
a backup has a lock on a connection of its own, and no longer than that connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import asyncpg  # type: ignore[import-untyped]

from chatbox.clock import Clock
from chatbox.errors import Busy, ChatboxError, StorageFull, Unavailable
from chatbox.model import Draft
from chatbox.store.apply import apply_all, descriptions
from chatbox.store.awaited import RoomTaken, run_awaited
from chatbox.store.base import Batch, Change, Committed, Steps, is_personal, one
from chatbox.store.lane import LOST, Connection, Lane, Outage
from chatbox.store.postgres_schema import BLOCK
from chatbox.store.troubles import UNKNOWN, UNREADABLE, Troubles, failed, misfit

T = TypeVar("T")
Purpose = Literal["write", "read", "read slowly", "work"]  # "work": as long as it takes
Connect = Callable[[], Awaitable[Connection]]
Copy = Callable[[Path], Awaitable[object]]
log = logging.getLogger("chatbox.store")

CHANGES_LOCK = 0x63686174_0001  # "chat": one batch with changes at a time
BACKUP_LOCK = 0x63686174_0004  # one server at a time makes a backup

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_PATIENCE = 5.0  # seconds that a batch is tried again for
_GOODBYE = 5.0  # seconds that a connection may take to let go of its lock

# What may go well when it is tried again, from the start of the transaction.
_PASSING = (
    asyncpg.TransactionRollbackError,  # deadlocks among them
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidCachedStatementError,  # another server has upgraded the tables
)
# What is the fault of one change.
_AT_FAULT = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, asyncpg.SyntaxOrAccessError)


class PostgresStore:
    """`store.base.Store` on a server's database. Made by `postgres_opening.open_postgres`."""

    def __init__(self, connect: Callable[[Purpose], Connect], copy: Copy, clock: Clock, readers: int) -> None:
        """`connect` gives for each purpose what makes a connection that is set up for it; `copy` makes a file
        of SQLite of all that is stored."""
        self._copy = copy
        self._connect_alone = connect("work")
        self._clock = clock
        self._troubles = Troubles(log)
        outage = Outage()
        self._writer = Lane(connect("write"), outage, self._troubles)
        self._readers = [Lane(connect("read"), outage, self._troubles) for _ in range(readers)]
        self._slow = Lane(connect("read slowly"), outage, self._troubles)

    def commit(self, changes: Sequence[Draft | Change]) -> Awaitable[Committed]:
        return self._writer.run(partial(self._commit, changes))

    def read(self, steps: Steps[T], *, slow: bool = False) -> Awaitable[T]:
        lane = self._slow if slow else min(self._readers, key=lambda lane: lane.waiting)
        return lane.run(partial(self._read, lane, steps))

    @asynccontextmanager
    async def as_file(self, folder: Path) -> AsyncIterator[Path]:
        with tempfile.TemporaryDirectory(prefix="copy-", dir=folder) as made:
            file = Path(made) / "chatbox.sqlite3"
            try:
                await self._copy(file)
            except (*LOST, asyncpg.PostgresError) as error:
                log.error("the database could not be copied: %s", error)
                raise Unavailable(UNREADABLE) from error
            yield file

    @asynccontextmanager
    async def backing_up(self) -> AsyncIterator[bool]:
        try:
            connection = await self._connect_alone()
        except (*LOST, asyncpg.PostgresError) as error:
            raise _no_backup(error) from error
        try:
            yield await _is_first(connection)
        finally:
            with contextlib.suppress(*LOST):
                await connection.execute("SELECT pg_advisory_unlock_all()", timeout=_GOODBYE)
            connection.terminate()

    async def others_back_up(self) -> bool:
        return not await self.read(_no_backup_is_made())

    async def close(self) -> None:
        await asyncio.gather(*(lane.close() for lane in (self._writer, self._slow, *self._readers)))

    # -- reading -------------------------------------------------------------------------------------------

    async def _read(self, lane: Lane, steps: Steps[T]) -> T:
        connection = await lane.begin(BEGIN_READING)
        try:
            return await run_awaited(connection, steps)
        except (*LOST, asyncpg.PostgresError) as error:
            log.error("a read failed: %s", error)
            if isinstance(error, LOST):
                lane.drop()
            raise Unavailable(UNREADABLE) from error
        finally:
            await self._roll_back(lane, connection)

    # -- writing -------------------------------------------------------------------------------------------

    async def _commit(self, changes: Sequence[Draft | Change]) -> Committed:
        if len(changes) > BLOCK:
            return await self._in_parts(changes)
        try:
            return await self._patiently(changes)
        except ChatboxError:
            raise
        except asyncpg.IntegrityConstraintViolationError as error:
            log.info("a change does not fit (%s); the batch is done again one by one", error)
        except Exception:
            log.exception("a change failed; the batch is done again one by one")
        return await self._one_by_one(changes)

    async def _in_parts(self, changes: Sequence[Draft | Change]) -> Committed:
        whole = Committed([], Batch(self._clock.now()), {})
        for start in range(0, len(changes), BLOCK):
            whole.absorb(await self._commit(changes[start : start + BLOCK]))
        return whole

    async def _one_by_one(self, changes: Sequence[Draft | Change]) -> Committed:
        """Each change in a transaction of its own, so that a bad one is refused alone."""
        whole = Committed([], Batch(self._clock.now()), {})
        for change in changes:
            try:
                whole.absorb(await self._patiently([change]))
            except asyncpg.IntegrityConstraintViolationError:
                whole.replies.append(misfit())
            except ChatboxError as failure:  # the others have to come again, too
                whole.replies.extend([failure] * (len(changes) - len(whole.replies)))
                break
            except Exception:
                log.exception("a change failed")
                whole.replies.append(failed())
        return whole

    async def _patiently(self, changes: Sequence[Draft | Change]) -> Committed:
        """The batch as one transaction, tried again while others are in its way.

        Raises what is the fault of a change; a `ChatboxError` for all else."""
        deadline = time.monotonic() + _PATIENCE
        rooms = {change.room for change in changes if isinstance(change, Draft)}
        while True:
            try:
                return await self._transaction(changes, rooms)
            except RoomTaken as taken:
                rooms.add(taken.room)
            except _PASSING as error:
                log.info("a batch is tried again: %s", error)
                if time.monotonic() > deadline:
                    raise Busy from error

    async def _transaction(self, changes: Sequence[Draft | Change], rooms: set[int]) -> Committed:
        batch = Batch(self._clock.now())
        lane, held = self._writer, set(rooms)
        connection = await lane.begin(_BEGIN)
        try:
            await _lock(connection, changes, rooms)
            replies = await run_awaited(connection, apply_all(batch, changes), held)
            described = await run_awaited(connection, descriptions(batch))
            if await connection.execute("COMMIT") != "COMMIT":
                raise Unavailable(UNKNOWN)
        except (*_PASSING, *_AT_FAULT):
            raise
        except (*LOST, asyncpg.PostgresError) as error:
            raise self._after_failure(error) from error
        finally:
            await self._roll_back(lane, connection)
        self._troubles.over()
        return Committed(replies, batch, described)

    def _after_failure(self, error: Exception) -> ChatboxError:
        """The answer where it cannot be known what became of the transaction; the connection is given up."""
        self._troubles.met(type(error).__name__, error)
        self._writer.drop()
        return StorageFull() if isinstance(error, asyncpg.DiskFullError) else Unavailable(UNKNOWN)

    async def _roll_back(self, lane: Lane, connection: Connection) -> None:
        """End a transaction that was not committed; a read's too."""
        if connection.is_closed() or not connection.is_in_transaction():
            return
        try:
            await connection.execute("ROLLBACK")
        except (*LOST, asyncpg.PostgresError):
            lane.drop()


async def _is_first(connection: Connection) -> bool:
    """Take the lock of whoever makes a backup. It is waited for as long as for any (`lock_timeout`): others
    may just be looking."""
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", BACKUP_LOCK)
    except asyncpg.LockNotAvailableError:
        return False
    except (*LOST, asyncpg.PostgresError) as error:
        raise _no_backup(error) from error
    return True


def _no_backup_is_made() -> Steps[bool]:
    rows = yield one("SELECT pg_try_advisory_xact_lock_shared(?)", BACKUP_LOCK)
    free: bool = rows[0][0]
    return free


def _no_backup(error: Exception) -> Unavailable:
    log.error("no backup can be begun: %s", error)
    return Unavailable(UNREADABLE)


async def _lock(connection: Connection, changes: Sequence[Draft | Change], rooms: set[int]) -> None:
    """Take what the batch is known to need, always in the same order."""
    statements = []
    if not all(isinstance(change, Draft) or is_personal(change) for change in changes):
        statements.append(f"SELECT pg_advisory_xact_lock({CHANGES_LOCK})")
    if rooms:
        listed = ", ".join(map(str, sorted(rooms)))
        statements.append(f"SELECT FROM rooms WHERE id IN ({listed}) ORDER BY id FOR NO KEY UPDATE")
    if statements:
        await connection.execute("; ".join(statements))
