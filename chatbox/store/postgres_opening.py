"""Connecting to a PostgreSQL database, and making or upgrading what is in it before anybody uses it."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from chatbox.clock import Clock
from chatbox.errors import DataFolderError, StartError, UpgradeFailed
from chatbox.store import heads
from chatbox.store.awaited import run_awaited
from chatbox.store.copied import copy_into_file
from chatbox.store.dialect import from_json, to_json
from chatbox.store.lane import LOST, Connection
from chatbox.store.migrate import found, too_new
from chatbox.store.postgres import PostgresStore, Purpose
from chatbox.store.postgres_refusals import shown, why_not_reached, why_unusable
from chatbox.store.postgres_schema import MIGRATIONS

log = logging.getLogger("chatbox.store")

UPGRADE_LOCK = 0x63686174_0002  # "chat": one server at a time makes or upgrades the tables
SERVING_LOCK = 0x63686174_0003  # shared by all servers; whoever moves the database has it alone
OLDEST = 13  # version of PostgreSQL

_CONNECTS_WITHIN = 3.0  # seconds
_ARRIVES_WITHIN = 3000  # milliseconds for whatever is sent (TCP_USER_TIMEOUT of tcp(7), on Linux)
_ANSWERS_WITHIN = 10.0  # seconds for a statement, by this side's clock
_SLOWLY_ANSWERS_WITHIN = 120.0  # seconds for one that may be slow: whoever is cut off hears of nothing
_TRIES = 30  # of an upgrade whose tables others are using
_WAITS = {
    "application_name": "chatbox",
    # Whoever is paused or cut off within a transaction holds up the others no longer than this.
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "2s",
    "tcp_user_timeout": "5s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
# Only a stricter promise than "when it is on this disk" stays as it is.
_DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
)
_SERVE = "SELECT pg_try_advisory_lock_shared($1)"
# What tells one history from another: the name under which it is noted, and how to ask for it. The timeline
# of the latest checkpoint would not do: for a while after a takeover that is the one before.
_MARKS = {
    "timeline": "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)",
    "system": "SELECT CAST(system_identifier AS TEXT) FROM pg_control_system()",
}


async def open_postgres(url: str, clock: Clock, readers: int = 4) -> PostgresStore:
    """Open the database at this address (postgresql://user:password@host:port/name), making or upgrading
    its tables.

    Raises `DatabaseTooNew`, `UpgradeFailed`, or `DataFolderError` where it cannot be reached or used."""
    connection = await reach(url)
    try:
        await _must_not_move(connection, url)
        await prepare(connection, clock.now())
        await _follow_history(connection)
    except (*LOST, asyncpg.PostgresError) as error:
        raise DataFolderError(why_unusable(url, error)) from error
    finally:
        await connection.close(timeout=_CONNECTS_WITHIN)
    return PostgresStore(lambda purpose: partial(connect, url, purpose), partial(_copy, url), clock, readers)


async def _copy(url: str, file: Path) -> None:
    connection = await connect(url, "work")
    try:
        await copy_into_file(connection, file)
    finally:
        connection.terminate()


class _Wired(asyncpg.Connection):  # type: ignore[misc]
    """Lost as soon as nothing arrives at the other end any more, pulled cables included: a statement may take
    its time, but the network may not."""

    def __init__(self, protocol: Any, transport: asyncio.Transport, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        wire = transport.get_extra_info("socket")
        if wire.family != getattr(socket, "AF_UNIX", None) and hasattr(socket, "TCP_USER_TIMEOUT"):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _ARRIVES_WITHIN)


async def connect(url: str, purpose: Purpose) -> Connection:
    """A connection to a database that can be written. Raises what asyncpg raises, and OSError."""
    seconds = {"read slowly": _SLOWLY_ANSWERS_WITHIN, "work": None}.get(purpose, _ANSWERS_WITHIN)
    connection = await asyncpg.connect(
        url,
        timeout=_CONNECTS_WITHIN,
        command_timeout=seconds,
        server_settings=_WAITS | {"statement_timeout": "0" if seconds is None else f"{seconds * 900:.0f}"},
        statement_cache_size=512,
        max_cached_statement_lifetime=0,
        target_session_attrs="read-write",
        connection_class=_Wired,
    )
    try:
        kinds = {"jsonb": (to_json, from_json), "numeric": (str, int)}  # `meta.value`, and sums of integers
        for kind, (encode, decode) in kinds.items():
            await connection.set_type_codec(
                kind, schema="pg_catalog", encoder=encode, decoder=decode, format="text"
            )
        await connection.execute(_DURABLE)
        if purpose == "write":
            if not await connection.fetchval(_SERVE, SERVING_LOCK):
                raise ConnectionError("it is being moved")
            await _follow_history(connection)  # before anything is committed
    except BaseException:
        connection.terminate()
        raise
    return connection  # type: ignore[no-any-return]


async def _follow_history(connection: Connection) -> None:
    """Begin a new epoch where the database goes on with another history than the one that was noted.

    A standby that takes over may lack what was acknowledged last, and so may a state that was recovered up to
    some moment. What is written next is given the same numbers again, so no number tells that something was
    lost. PostgreSQL's timeline does: each of these begins one, and no restart."""
    marks = {}
    for name, query in _MARKS.items():
        try:
            marks[name] = await connection.fetchval(query)
        except LOST:
            raise
        except asyncpg.PostgresError as error:  # not every service lets everybody ask
            log.debug("the %s of the database cannot be had: %s", name, error)
    async with connection.transaction(isolation="read_committed"):
        renewed = await run_awaited(connection, heads.follow_marks(marks, secrets.token_hex(8)))
    if renewed:
        log.warning(
            "the database goes on with another history: a standby has taken over, or an earlier state was put"
            " in place. Everybody loads anew what it has now"
        )


async def reach(url: str) -> Connection:
    """A first connection, for `work` of any length. Raises `DataFolderError` in a person's words."""
    try:
        connection = await connect(url, "work")
    except (*LOST, asyncpg.PostgresError, ValueError) as error:
        raise DataFolderError(why_not_reached(url, error)) from error
    try:
        await _suits(connection, url)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def _suits(connection: Connection, url: str) -> None:
    version = connection.get_server_version()
    if version.major < OLDEST:
        raise DataFolderError(
            f"{shown(url)} is PostgreSQL {version.major}. Chatbox needs version {OLDEST} or newer."
        )
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise DataFolderError(
            f"{shown(url)} keeps text as {encoding}, which has no room for every language. "
            "Make a database with the encoding UTF8."
        )
    if await connection.fetchval("SHOW fsync") != "on":
        log.warning(
            "%s runs with fsync off: a power cut may lose messages that were acknowledged", shown(url)
        )


async def _must_not_move(connection: Connection, url: str) -> None:
    if not await connection.fetchval(_SERVE, SERVING_LOCK):
        raise DataFolderError(f"{shown(url)} is being moved just now. Start again when that is done.")
    if await is_moving(connection):
        raise DataFolderError(
            f"{shown(url)} has a part of another one only: moving it was cut short. Move it again."
        )


async def is_moving(connection: Connection) -> bool:
    """Whether moving something into this database has begun, and has not come to its end."""
    return await connection.fetchval("SELECT to_regclass('moving')") is not None


async def prepare(connection: Connection, now: int, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring the tables to the current schema, and make what is missing in them; one server does it at a
    time, and others may be using them meanwhile.

    Raises `DatabaseTooNew`, `UpgradeFailed`, and what asyncpg raises; then no migration is half done."""
    await connection.execute("SET lock_timeout = 0")
    await connection.execute("SELECT pg_advisory_lock($1)", UPGRADE_LOCK)
    try:
        await connection.execute("SET lock_timeout = '2s'")
        await make_tables(connection, migrations)
        async with connection.transaction():
            await run_awaited(connection, found(secrets.token_hex(8), secrets.token_hex(8), now))
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", UPGRADE_LOCK)


async def make_tables(connection: Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring them to the current format, without anything in them."""
    version = await format_of(connection)
    if version > len(migrations) + 1:  # a schema serves the version before it as well
        raise too_new(version, len(migrations))
    for number, script in enumerate(migrations[version:], version + 1):
        await _upgrade(connection, number, script, first=not version)


async def format_of(connection: Connection) -> int:
    """The format of the tables; 0 where there are none."""
    if await connection.fetchval("SELECT to_regclass('format')") is None:
        return 0
    return int(await connection.fetchval("SELECT version FROM format"))


async def _upgrade(connection: Connection, number: int, script: str, *, first: bool) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            async with connection.transaction():
                await connection.execute(script)
                await connection.execute("UPDATE format SET version = $1", number)
            return
        except (asyncpg.LockNotAvailableError, asyncpg.TransactionRollbackError) as error:
            if attempt == _TRIES:
                raise _failed(number, error) from error
        except asyncpg.PostgresError as error:
            if first:
                raise
            raise _failed(number, error) from error
        await asyncio.sleep(0.2)  # for those who wait for the tables, too


def _failed(number: int, error: Exception) -> StartError:
    return UpgradeFailed(
        f"The data could not be upgraded to format {number}: {error}. Nothing of that was changed. Go on "
        "with the version of Chatbox that you used before, or mend the cause and start this one again."
    )
