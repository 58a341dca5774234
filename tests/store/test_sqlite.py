from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from chatbox.errors import Conflict, DatabaseTooNew, DataFolderError, StorageFull
from chatbox.model import Posted
from chatbox.store import integrity, migrate, upgrades
from chatbox.store.base import Batch, Steps, one
from chatbox.store.schema import SCHEMA_1
from chatbox.store.sqlite import open_store
from tests.chat.support import SetClock
from tests.store.support import GENERAL, SqliteBench, draft, on_bench


@on_bench
async def test_the_writer_waits_for_the_disk_at_every_commit(bench: SqliteBench) -> None:
    def ask(connection: sqlite3.Connection) -> tuple[object, object, object]:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        journal, synchronous, keys = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas)
        return journal, synchronous, keys

    assert await bench.store._writer.run(ask) == ("wal", 2, 1)


@on_bench
async def test_no_other_read_waits_for_a_slow_one(bench: SqliteBench) -> None:
    go = threading.Event()

    def slow() -> Steps[list[Any]]:
        go.wait(10)
        return (yield one("SELECT 1"))

    reading = bench.store.read(slow(), slow=True)
    for _ in range(4):
        assert await bench.rows("SELECT 2") == [(2,)]
    go.set()
    assert await reading == [(1,)]


@on_bench
async def test_a_full_disk_refuses_the_batch_and_the_store_goes_on(bench: SqliteBench) -> None:
    def pages(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA page_count").fetchone()[0])

    used = await bench.store._writer.run(pages)
    await bench.store._writer.run(lambda c: c.execute(f"PRAGMA max_page_count = {used}").fetchone())
    with pytest.raises(StorageFull):
        await bench.commit(*[draft(bench.ada, f"{n}", "x" * 5000) for n in range(50)])
    assert await bench.rows("SELECT count(*) FROM messages") == [(0,)]
    (posted,) = await bench.commit(draft(bench.ada, "0", "x" * 5000))  # opened again, without the limit
    assert isinstance(posted, Posted)
    assert not posted.duplicate


@on_bench
async def test_a_disk_that_fills_up_one_by_one_refuses_the_rest(bench: SqliteBench) -> None:
    def bad(batch: Batch) -> Steps[None]:
        yield one("INSERT INTO meta (key, value) VALUES ('epoch', 'twice')")

    def leave_ten_pages(connection: sqlite3.Connection) -> None:
        ((used,),) = connection.execute("PRAGMA page_count").fetchall()
        connection.execute(f"PRAGMA max_page_count = {used + 10}").fetchall()

    await bench.store._writer.run(leave_ten_pages)
    drafts = [draft(bench.ada, f"{number}", "x" * 5000) for number in range(20)]
    refused, *replies = await bench.commit(bad, *drafts)
    assert isinstance(refused, Conflict)
    stored = sum(isinstance(reply, Posted) for reply in replies)
    assert 0 < stored < 20
    assert all(isinstance(reply, StorageFull) for reply in replies[stored:])
    assert await bench.rows("SELECT count(*) FROM messages") == [(stored,)]
    again = await bench.commit(*drafts)
    assert [reply.duplicate for reply in again] == [True] * stored + [False] * (20 - stored)


@pytest.mark.parametrize(
    "damage",
    [
        "text = 'pay 900'",
        "text = CAST(x'70ff' AS TEXT)",
        "parts = replace(parts, '100', '900')",
        "mentions = '[9]'",
        "files = '[]'",
        "reply_to = 2",
        "rev = rev + 1",
        "at = at + 1",
    ],
)
def test_a_changed_byte_is_found_by_its_checksum(damage: str, tmp_path: Path) -> None:
    @on_bench
    async def damaged(bench: SqliteBench) -> None:
        message = draft(
            bench.ada, "1", "*pay* 100", parts=b'[{"t":"p","c":["pay 100"]}]', mentions=(bench.ben,)
        )
        (posted,) = await bench.commit(message)
        assert await bench.store.read(integrity.check()) == []
        change = f"UPDATE messages SET {damage} WHERE seq = {posted.seq}"
        await bench.store._writer.run(lambda connection: connection.execute(change).fetchall())
        named = f"Message {posted.seq} of room {GENERAL} does not match its checksum."
        assert named in await bench.store.read(integrity.check())

    damaged(tmp_path)


def test_a_newer_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "chatbox.sqlite3"

    async def live() -> None:
        await (await open_store(path, SetClock())).close()
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
        before = path.read_bytes()
        with pytest.raises(DatabaseTooNew) as caught:
            await open_store(path, SetClock())
        assert caught.value.exit_code == 5
        assert path.read_bytes() == before

    asyncio.run(live())


def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "chatbox.sqlite3"
    path.write_bytes(b"this is a text file, and not a small one either" * 50)

    async def live() -> None:
        with pytest.raises(DataFolderError, match="cannot be opened"):
            await open_store(path, SetClock())

    asyncio.run(live())


def test_an_older_database_is_copied_and_then_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "chatbox.sqlite3"

    async def make() -> None:
        await (await open_store(path, SetClock())).close()

    asyncio.run(make())
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        later = (SCHEMA_1, "ALTER TABLE rooms ADD COLUMN colour TEXT;\nUPDATE rooms SET colour = 'red';\n")
        upgrades.prepare(path, 7, connection, later)
        assert connection.execute("SELECT colour FROM rooms").fetchall() == [("red",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    finally:
        connection.close()
    copy = sqlite3.connect(tmp_path / "chatbox.sqlite3.before-format-2")
    try:
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
    finally:
        copy.close()


def test_the_first_schema_is_frozen() -> None:
    """A released migration never changes. This fails where one was edited; append a new one instead."""
    from hashlib import sha256

    assert migrate.MIGRATIONS[0] == SCHEMA_1
    assert sha256(SCHEMA_1.encode()).hexdigest()[:16] == "64ec6df2aaf59769"


def test_aiosqlite_is_as_the_writer_expects() -> None:
    """`_Thread` queues whole functions to aiosqlite's thread, which its public calls cannot do."""
    assert aiosqlite.__version__ == "0.22.1"
    connection = aiosqlite.Connection(lambda: sqlite3.connect(":memory:"), 64)
    assert hasattr(connection, "_tx")
    assert hasattr(connection, "_connector")
