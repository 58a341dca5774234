"""Opening a PostgreSQL database: what is said where it cannot be, and how its tables are made."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from hashlib import sha256

import pytest

from chatbox.errors import DatabaseTooNew, DataFolderError, UpgradeFailed
from chatbox.store import migrate, postgres_schema, users
from chatbox.store.postgres_opening import format_of, open_postgres, prepare, reach, shown
from chatbox.store.postgres_schema import MIGRATIONS, POSTGRES_1
from tests.chat.support import SetClock
from tests.harness import postgres
from tests.harness.postgres import QUOTED

LATER: Sequence[str] = (
    POSTGRES_1,
    "ALTER TABLE rooms ADD COLUMN colour TEXT; UPDATE rooms SET colour = 'red'",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refused(url: str) -> str:
    """What a person is told about this address."""
    with pytest.raises(DataFolderError) as caught:
        asyncio.run(open_postgres(url, SetClock()))
    assert caught.value.exit_code == 4
    assert "secret" not in str(caught.value)
    assert QUOTED not in str(caught.value)
    return str(caught.value)


def test_a_person_is_told_why_a_database_cannot_be_used() -> None:
    server = postgres.server()
    assert "refuses the password of chatbox" in refused(server.url(password="secret"))
    assert "refuses the password of nobody1" in refused(server.url(user="nobody1"))
    assert "does not exist. Make it: createdb" in refused(server.url("nowhere"))
    there = f"127.0.0.1:{free_port()}"
    assert f"at {there} cannot be reached" in refused(f"postgresql://a:secret@{there}/chat")
    assert "is not right" in refused("postgresql://a:secret@127.0.0.1:port/chat")
    assert "cannot be reached" in refused("postgresql://a:secret@no-such-host.invalid/chat")


def test_a_database_without_room_for_every_language_is_refused() -> None:
    server = postgres.server()
    server.say("CREATE DATABASE narrow ENCODING 'LATIN1' TEMPLATE template0")
    assert "keeps text as LATIN1" in refused(server.url("narrow"))


def test_a_user_who_may_make_no_tables_is_told_who_may() -> None:
    server = postgres.server()
    name = server.wiped().rpartition("/")[2]
    server.say(
        "DO $$ BEGIN CREATE ROLE guest LOGIN PASSWORD 'g'; EXCEPTION WHEN duplicate_object THEN END $$"
    )
    assert "may not make tables there" in refused(server.url(name, user="guest", password="g"))


def test_a_database_that_only_reads_is_refused() -> None:
    server = postgres.server()
    name = server.wiped().rpartition("/")[2]
    server.say(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        assert "is a copy that cannot be written" in refused(server.url(name))
    finally:
        server.say(f"ALTER DATABASE {name} RESET default_transaction_read_only")


def test_an_address_is_shown_without_its_password() -> None:
    assert shown("postgresql://ada:secret@db.lan:5433/chat") == "The database chat at db.lan:5433"
    assert shown("postgresql:///chat") == "The database chat at this computer"


def test_servers_that_start_together_make_the_tables_once() -> None:
    url = postgres.server().wiped()

    async def start() -> str:
        store = await open_postgres(url, SetClock())
        try:
            return str((await store.read(users.meta()))["epoch"])
        finally:
            await store.close()

    async def together() -> list[str]:
        return await asyncio.gather(*(start() for _ in range(4)))

    assert len(set(asyncio.run(together()))) == 1


def test_an_upgrade_waits_until_nobody_uses_the_table_and_is_done_once() -> None:
    url = postgres.server().wiped()

    async def upgraded() -> None:
        await (await open_postgres(url, SetClock())).close()
        busy, first, second = [await reach(url) for _ in range(3)]
        async with busy.transaction():
            await busy.execute("LOCK TABLE rooms IN ROW EXCLUSIVE MODE")
            both = asyncio.gather(prepare(first, 7, LATER), prepare(second, 7, LATER))
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            async with asyncio.timeout(20):
                while not await second_look(url, waits):  # noqa: ASYNC110 - of another process
                    await asyncio.sleep(0.01)
            await busy.execute("UPDATE rooms SET head = head")  # whoever serves goes on
        await both
        assert await format_of(first) == 2
        assert [tuple(row) for row in await first.fetch("SELECT colour FROM rooms")] == [("red",)]
        for connection in (busy, first, second):
            await connection.close()

    asyncio.run(upgraded())


async def second_look(url: str, query: str) -> bool:
    connection = await reach(url)
    try:
        return bool(await connection.fetchval(query))
    finally:
        await connection.close()


@pytest.mark.parametrize("bad", ["UPDATE nothing SET a = 1", "INSERT INTO format VALUES (NULL)", "SELEKT"])
def test_an_upgrade_that_fails_changes_nothing_and_says_how_to_go_on(bad: str) -> None:
    url = postgres.server().wiped()

    async def fail() -> None:
        await (await open_postgres(url, SetClock())).close()
        connection = await reach(url)
        try:
            with pytest.raises(UpgradeFailed, match="Go on with the version"):
                await prepare(connection, 7, (POSTGRES_1, f"ALTER TABLE rooms ADD COLUMN colour TEXT; {bad}"))
            assert await format_of(connection) == 1
        finally:
            await connection.close()
        await (await open_postgres(url, SetClock())).close()

    asyncio.run(fail())


@pytest.mark.parametrize(("version", "opens"), [(len(MIGRATIONS) + 1, True), (len(MIGRATIONS) + 2, False)])
def test_tables_one_version_newer_are_used_and_others_refused(version: int, opens: bool) -> None:
    """While servers are upgraded one by one, one of the older ones may start anew."""
    url = postgres.server().wiped()

    async def go() -> None:
        await (await open_postgres(url, SetClock())).close()
        await postgres.server().ask(f"UPDATE format SET version = {version}", url.rpartition("/")[2])
        if opens:
            await (await open_postgres(url, SetClock())).close()
            return
        with pytest.raises(DatabaseTooNew) as caught:
            await open_postgres(url, SetClock())
        assert caught.value.exit_code == 5

    asyncio.run(go())


def test_the_first_schema_is_frozen() -> None:
    """A released migration never changes. This fails where one was edited; append a new one instead."""
    assert postgres_schema.MIGRATIONS[0] == POSTGRES_1
    assert sha256(POSTGRES_1.encode()).hexdigest()[:16] == "d5be64c6c0509264"


def test_both_engines_have_the_same_format() -> None:
    """What is moved from one to the other fits."""
    assert len(postgres_schema.MIGRATIONS) == len(migrate.MIGRATIONS)
