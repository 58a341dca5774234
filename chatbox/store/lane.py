"""One connection to PostgreSQL that does one job after the other, and is made anew when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

import asyncpg  # type: ignore[import-untyped]

from chatbox.errors import Unavailable
from chatbox.store.troubles import Troubles

T = TypeVar("T")


class Connection(Protocol):
    """What is asked of a connection of asyncpg, which has no types of its own."""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str: ...
    async def executemany(self, command: str, args: Iterable[Sequence[Any]]) -> None: ...
    async def fetch(self, query: str, *args: Any) -> list[Any]: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...
    async def set_type_codec(self, typename: str, **how: Any) -> None: ...
    async def close(self, *, timeout: float | None = None) -> None: ...
    def transaction(self, **how: Any) -> AbstractAsyncContextManager[Any]: ...
    def get_server_version(self) -> Any: ...
    def is_closed(self) -> bool: ...
    def is_in_transaction(self) -> bool: ...
    def terminate(self) -> None: ...


# What is raised where a connection cannot be made, or is of no use any more. TimeoutError is an OSError.
# The server says the last two when it goes down, is started, or has become a standby.
LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InvalidTransactionStateError,
)
AWAY = "The database does not answer just now. Nothing was stored; it will be sent again."

_LONGEST_PAUSE = 2.0  # seconds between two tries to connect
_BEGINS_WITHIN = 10.0  # seconds that a connection may be silent when a transaction begins, be it a slow one
_GOODBYE = 5.0  # seconds that a connection may take to be closed


class Outage:
    """Whether the database is away, for all lanes of one store: one of them tries, the others need not."""

    def __init__(self) -> None:
        self._failures = 0
        self._again_at = 0.0

    @property
    def pause(self) -> float:
        """Seconds until it should be tried again."""
        return self._again_at - time.monotonic()

    def seen(self) -> None:
        """A connection could not be made, or was of no use."""
        self._failures += 1
        pause = min(_LONGEST_PAUSE, 0.05 * 2**self._failures)
        self._again_at = time.monotonic() + pause * random.uniform(0.5, 1.0)

    def over(self) -> None:
        """One could be made."""
        self._failures = 0
        self._again_at = 0.0


class Lane:
    """Jobs are functions of a connection. Each is queued when `run` returns; they keep their order."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], outage: Outage, troubles: Troubles
    ) -> None:
        self._connect = connect
        self._outage = outage
        self._troubles = troubles
        self._connection: Connection | None = None
        self._jobs: asyncio.Queue[tuple[asyncio.Future[Any], Callable[[], Awaitable[Any]]] | None]
        self._jobs = asyncio.Queue()
        self._task = asyncio.create_task(self._work(), name="database")
        self.waiting = 0  # jobs that are queued or being done

    def run(self, job: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        """Queue a job, which gets its connection by `begin`; the future has its result or its error. One that
        is cancelled before its turn is not done."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.waiting += 1
        self._jobs.put_nowait((future, job))
        return future

    async def begin(self, statement: str) -> Connection:
        """Begin a transaction, on a new connection where the last one was lost since. Raises `Unavailable`
        where the database is away, or lets nobody begin: nothing was stored then."""
        try:
            if self._connection is not None and not self._connection.is_closed():
                await self._connection.execute(statement, timeout=_BEGINS_WITHIN)
                return self._connection
        except (*LOST, asyncpg.PostgresError):
            pass
        self.drop()
        connection = self._connection = await self._opened()
        try:
            await connection.execute(statement, timeout=_BEGINS_WITHIN)
        except (*LOST, asyncpg.PostgresError) as error:
            raise self._away(error) from error
        return connection

    def drop(self) -> None:
        """Let go of the connection: what the server was still told on it does not matter."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """Do what is queued, then close the connection."""
        self._jobs.put_nowait(None)
        await self._task
        if self._connection is not None:
            with contextlib.suppress(*LOST):
                await self._connection.close(timeout=_GOODBYE)

    async def _opened(self) -> Connection:
        if (pause := self._outage.pause) > 0:
            raise Unavailable(AWAY, retry_in=max(pause, 0.5))
        try:
            connection = await self._connect()
        except (*LOST, asyncpg.PostgresError) as error:
            raise self._away(error) from error
        self._outage.over()
        return connection

    def _away(self, error: Exception) -> Unavailable:
        self.drop()
        self._outage.seen()
        self._troubles.met("no connection", error)
        return Unavailable(AWAY, retry_in=max(self._outage.pause, 0.5))

    async def _work(self) -> None:
        while (entry := await self._jobs.get()) is not None:
            future, job = entry
            if not future.cancelled():
                await _do(job, future)
            self.waiting -= 1


async def _do(job: Callable[[], Awaitable[Any]], future: asyncio.Future[Any]) -> None:
    try:
        result = await job()
    except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
        if not future.done():
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(result)
