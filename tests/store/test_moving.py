"""Moving everything from SQLite to PostgreSQL and back: whole, once, and on from where it was cut short."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from chatbox.errors import Conflict, DatabaseTooNew, DataFolderError
from chatbox.store import integrity, links, messages, rooms, sessions, tables, users
from chatbox.store.base import Batch, Steps, Store, one
from chatbox.store.moving_postgres import into_postgres, into_sqlite
from chatbox.store.postgres_opening import open_postgres
from chatbox.store.sqlite import open_store
from tests.chat.support import SetClock
from tests.harness import postgres
from tests.harness.client import Client
from tests.harness.process import Server, running
from tests.harness.running import chance, on_a_loop
from tests.store.support import GENERAL, Bench, draft
from tests.store.test_search import fill, text_of

FILE = "chatbox.sqlite3"


@asynccontextmanager
async def opened(opening: Awaitable[Store]) -> AsyncIterator[Store]:
    store = await opening
    try:
        yield store
    finally:
        await store.close()


async def furnish(file: Path, dice: random.Random) -> None:
    """A server that has something in every table."""
    async with opened(open_store(file, SetClock())) as store:
        await fill_all(Bench(store), dice)


async def fill_all(bench: Bench, dice: random.Random) -> None:
    bench.ada, bench.ben = await bench.add_person("ada", "admin"), await bench.add_person("ben")

    def more(batch: Batch) -> Steps[None]:
        room = yield from rooms.create(
            batch, "private", "ops", "ops", "top", bench.ada, "nonce-of-ops-0", None
        )
        yield from rooms.add_member(batch, room, bench.ada, "owner")
        yield from sessions.add(
            batch, bench.ada, b"\x00\xff" * 16, kind="browser", label="x", address="::1", shared=True
        )
        yield from links.add_invite(batch, b"\x01" * 32, made_by=bench.ada, expires_at=2**50, uses=None)
        yield from users.set_meta("logo", b"\x89PNG\x00")
        yield one(
            "INSERT INTO files (id, hash, name, size, type, user, created_at) VALUES (?, ?, ?, 9, ?, ?, 0)",
            "file-0000000000001", "00", "Invoice 2026.pdf", "application/pdf", bench.ada,
        )  # fmt: skip

    await bench.commit(more)
    await bench.commit(
        draft(bench.ada, "with-file", "Grüße @ben", files=("file-0000000000001",), mentions=(bench.ben,))
    )
    await fill(bench, [text_of(dice) for _ in range(150)], dice)


def contents(file: Path) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(file)) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY {', '.join(shape.key)}").fetchall()
            for table, shape in tables.shapes().items()
        }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    asyncio.run(furnish(tmp_path / FILE, chance()))
    return tmp_path / FILE


@pytest.fixture
def database() -> str:
    return postgres.server().wiped()


def refused(work: Awaitable[Any], error: type[Exception] = Conflict) -> str:
    async def go() -> None:
        await work

    with pytest.raises(error) as caught:
        asyncio.run(go())
    return str(caught.value)


def test_where_the_uploads_are_is_agreed_on_anew_after_a_move(file: Path, database: str) -> None:
    with closing(sqlite3.connect(file)) as before, before:
        before.execute("INSERT INTO meta (key, value) VALUES ('uploads', 'the mark of a folder of before')")
    asyncio.run(into_postgres(file, database))
    place = database.rpartition("/")[2]
    assert postgres.server().say("SELECT value FROM meta WHERE key = 'uploads'", place) == []
    assert postgres.server().say("SELECT 1 FROM meta WHERE key = 'epoch'", place)


def test_which_history_it_was_is_not_moved_to_another_database(file: Path, database: str) -> None:
    with closing(sqlite3.connect(file)) as before, before:
        before.execute("INSERT INTO meta (key, value) VALUES ('timeline', '00000007'), ('system', '7')")
        (epoch,) = before.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()

    async def go() -> None:
        await into_postgres(file, database)
        async with opened(open_postgres(database, SetClock())) as store:
            assert (await store.read(users.meta()))["epoch"] == epoch

    asyncio.run(go())


def test_there_and_back_again_every_row_is_the_same(file: Path, database: str, tmp_path: Path) -> None:
    before = contents(file)
    assert all(before.values())
    counts = asyncio.run(into_postgres(file, database))
    assert counts == {table: len(rows) for table, rows in before.items()}
    assert contents(file) == before
    back = tmp_path / "back.sqlite3"
    assert asyncio.run(into_sqlite(database, back)) == counts
    assert contents(back) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back.sqlite3", FILE]

    async def check() -> None:
        for opening in (open_store(back, SetClock()), open_postgres(database, SetClock())):
            async with opened(opening) as store:
                assert await store.read(integrity.check()) == []
                found = await store.read(messages.search('"invoice" "gru"*', 2, None, 2**62, 5))
                assert [message.text for _, message in found] == ["Grüße @ben"]

    asyncio.run(check())


def test_what_was_moved_goes_on_with_its_numbers(file: Path, database: str, tmp_path: Path) -> None:
    asyncio.run(into_postgres(file, database))

    async def go_on() -> None:
        async with opened(open_postgres(database, SetClock())) as store:
            bench = Bench(store)
            head = await bench.head()
            ((newest,),) = await bench.rows("SELECT max(id) FROM messages")
            (posted,) = await bench.commit(draft(1, "after"))
            assert posted.seq == head + 1
            assert await bench.rows("SELECT max(id) FROM messages") == [(newest + 1,)]
            everyone = [account.id for account in await store.read(users.everyone())]
            assert await bench.add_person("cleo") == max(everyone) + 1
        await into_sqlite(database, tmp_path / "back.sqlite3")
        async with opened(open_store(tmp_path / "back.sqlite3", SetClock())) as store:
            (later,) = await Bench(store).commit(draft(1, "later"))
            assert later.seq > posted.seq
            assert await store.read(integrity.check()) == []

    asyncio.run(go_on())


@pytest.mark.parametrize("way", ["there", "back"])
def test_a_move_that_is_cut_short_anywhere_goes_on_where_it_was(
    way: str, file: Path, database: str, tmp_path: Path
) -> None:
    dice = chance()
    back = tmp_path / "back.sqlite3"
    if way == "back":
        asyncio.run(into_postgres(file, database))

    def move() -> Any:
        return into_postgres(file, database) if way == "there" else into_sqlite(database, back)

    written = 0
    write = tables.write

    def failing(left: int) -> Callable[..., Any]:
        def some(*args: Any) -> Steps[None]:
            nonlocal left, written
            left -= 1
            if not left:
                raise OSError("the plug was pulled")
            written += 1
            yield from write(*args)

        return some

    with patch.object(tables, "_ROWS", 10):
        for _ in range(3):
            with patch.object(tables, "write", failing(dice.randrange(2, 9))):
                assert "goes on there" in refused(move(), DataFolderError)
            if way == "there":
                assert "cut short" in refused(open_postgres(database, SetClock()), DataFolderError)
            assert not back.exists()
        before = written
        with patch.object(tables, "write", failing(10**6)):
            counts = asyncio.run(move())
    assert sum(-(-rows // 10) for rows in counts.values()) == written
    assert before < written
    if way == "there":
        asyncio.run(into_sqlite(database, back))
    assert contents(back) == contents(file)


def test_a_state_that_changed_between_two_tries_is_noticed(file: Path, database: str) -> None:
    with patch.object(tables, "write_words", side_effect=OSError("the plug was pulled")):
        refused(into_postgres(file, database), DataFolderError)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE users SET status = 'away' WHERE id = 1")
    assert "differ in their users" in refused(into_postgres(file, database))


def test_only_an_empty_database_is_moved_into(file: Path, database: str, tmp_path: Path) -> None:
    asyncio.run(into_postgres(file, database))
    assert "is not empty" in refused(into_postgres(file, database))
    assert "is there already" in refused(into_sqlite(database, file))
    other = postgres.server().make()
    asyncio.run(furnish(tmp_path / "other.sqlite3", chance()))
    with patch.object(tables, "write_words", side_effect=OSError("the plug was pulled")):
        refused(into_postgres(file, other), DataFolderError)
    assert "Another server's data" in refused(into_postgres(tmp_path / "other.sqlite3", other))


def test_what_cannot_be_moved_is_told_in_words(file: Path, database: str, tmp_path: Path) -> None:
    assert "is not there" in refused(into_postgres(tmp_path / "nothing", database), DataFolderError)
    assert "older format" in refused(into_sqlite(database, tmp_path / "back.sqlite3"))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert "newer Chatbox" in refused(into_postgres(file, database), DatabaseTooNew)
    (tmp_path / "text").write_text("no database at all, and longer than one would think" * 50)
    assert "not a database" in refused(into_postgres(tmp_path / "text", database), DataFolderError)
    assert "cannot be reached" in refused(
        into_sqlite("postgresql://a:b@127.0.0.1:1/c", tmp_path / "back.sqlite3"), DataFolderError
    )


def test_nothing_is_moved_while_a_server_uses_it(file: Path, database: str, tmp_path: Path) -> None:
    async def use() -> None:
        await into_postgres(file, database)
        async with opened(open_postgres(database, SetClock())) as store:
            await store.commit([draft(1, "while it runs")])
            with pytest.raises(Conflict, match="A server is using"):
                await into_sqlite(database, tmp_path / "back.sqlite3")
        await into_sqlite(database, tmp_path / "back.sqlite3")

    asyncio.run(use())


@on_a_loop()
async def test_a_whole_server_is_moved_from_the_command_line_and_nobody_signs_in_again(
    tmp_path: Path, database: str
) -> None:
    server = Server(tmp_path)
    async with running(server):
        ada = await server.set_up()
        client = Client(server, ada)
        await client.connect()
        first = await client.post(GENERAL, "before the move")
        code, printed = await server.run("move", "--to", database)
        assert (code, "Chatbox is running. Stop it" in printed) == (1, True), printed
        await client.close()
        assert await server.stop() == 0
        code, printed = await server.run("move", "--to", database)
        assert code == 0, printed
        assert "Everything is moved and compared: 1 person, 1 room, 1 message, 0 files." in printed
        server._settings["storage.database"] = database
        await server.start()
        await client.connect()
        second = await client.post(GENERAL, "after the move")
        assert second["seq"] == first["seq"] + 1
        await client.barrier()
        assert client.mirror.complaints == []
        await client.close()
        assert await server.stop() == 0
        (server.data / FILE).rename(tmp_path / "old.sqlite3")
        code, printed = await server.run("move", "--from", database)
        assert code == 0, printed
        del server._settings["storage.database"]
        await server.start()
        await client.connect()
        assert (await client.post(GENERAL, "back again"))["seq"] == second["seq"] + 1
        await client.close()
    await server.check()
