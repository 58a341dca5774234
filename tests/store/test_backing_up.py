"""Which of the servers on one database makes a backup."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import AsyncMock, patch

import asyncpg  # type: ignore[import-untyped]
import pytest

from chatbox.errors import Unavailable
from chatbox.store.base import Store
from chatbox.store.postgres import BACKUP_LOCK
from chatbox.store.postgres_opening import open_postgres
from tests.chat.support import SetClock
from tests.store.support import PostgresBench, SqliteBench, on_bench, on_postgres

END_OF_WHOEVER_HAS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
    " WHERE locktype = 'advisory' AND granted AND (classid::bigint << 32) + objid::bigint = $1"
)


@asynccontextmanager
async def another(bench: PostgresBench) -> AsyncIterator[Store]:
    """The store of another server on the same database."""
    store = await open_postgres(bench.url, SetClock())
    try:
        yield store
    finally:
        await store.close()


@on_bench
async def test_a_server_that_has_its_database_alone_has_the_turn(bench: SqliteBench) -> None:
    async with bench.store.backing_up() as first:
        assert first
        assert not await bench.store.others_back_up()


@on_postgres
async def test_one_of_several_has_the_turn_until_it_is_done(bench: PostgresBench) -> None:
    async with another(bench) as other:
        async with bench.store.backing_up() as first:
            assert first
            async with other.backing_up() as second:
                assert not second
            assert await other.others_back_up()
        assert not await other.others_back_up()
        async with other.backing_up() as second:
            assert second


@on_postgres
async def test_the_turn_ends_with_the_connection_that_has_it(bench: PostgresBench) -> None:
    async with another(bench) as other, bench.store.backing_up() as first:
        assert first
        connection = await asyncpg.connect(bench.url)
        try:
            assert await connection.fetchval(END_OF_WHOEVER_HAS, BACKUP_LOCK)
        finally:
            await connection.close()
        async with other.backing_up() as second:
            assert second


@on_postgres
async def test_without_the_database_nobody_has_the_turn(bench: PostgresBench) -> None:
    with (
        patch.object(bench.store, "_connect_alone", AsyncMock(side_effect=OSError)),
        pytest.raises(Unavailable),
    ):
        await bench.store.backing_up().__aenter__()
