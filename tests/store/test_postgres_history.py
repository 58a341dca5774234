"""What tells one history of a database of PostgreSQL from another."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Any

import pytest

from chatbox.store import users
from chatbox.store.postgres_opening import connect, open_postgres
from tests.chat.support import SetClock
from tests.harness import postgres
from tests.store.support import PostgresBench, draft, on_postgres
from tests.store.test_outage import try_until_stored

TOLD = "the database goes on with another history"


async def known(bench: PostgresBench) -> dict[str, Any]:
    """What the server knows of itself, as it is stored."""
    return await bench.store.read(users.meta())


async def say(bench: PostgresBench, statement: str) -> None:
    """To the database itself."""
    await postgres.server().ask(statement, bench.url.rpartition("/")[2])


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_a_database_that_was_only_away_goes_on_with_its_history(how: str) -> None:
    @on_postgres
    async def away(bench: PostgresBench) -> None:
        before, server = await known(bench), postgres.server()
        assert before["timeline"]
        assert before["system"]
        server.stop(signal.SIGINT if how == "restart" else signal.SIGKILL)
        server.start()
        await try_until_stored(bench.store, bench.ada, "after")
        assert await known(bench) == before

    away()


@on_postgres
async def test_a_database_of_before_gets_its_history_noted_and_keeps_its_epoch(bench: PostgresBench) -> None:
    before = await known(bench)
    await say(bench, "DELETE FROM meta WHERE key IN ('timeline', 'system')")
    (await connect(bench.url, "write")).terminate()
    assert await known(bench) == before


@pytest.mark.parametrize("mark", ["timeline", "system"])
def test_another_history_gets_a_new_epoch_once_before_anything_is_written(
    mark: str, caplog: pytest.LogCaptureFixture
) -> None:
    @on_postgres
    async def another(bench: PostgresBench) -> None:
        before = await known(bench)
        await say(bench, f"UPDATE meta SET value = '\"of before\"' WHERE key = '{mark}'")
        for connection in await asyncio.gather(*(connect(bench.url, "write") for _ in range(5))):
            connection.terminate()
        after = await known(bench)
        assert after["epoch"] != before["epoch"]
        assert after | {"epoch": before["epoch"]} == before

    with caplog.at_level(logging.WARNING, "chatbox.store"):
        another()
    assert [record.getMessage()[: len(TOLD)] for record in caplog.records] == [TOLD]


@on_postgres
async def test_a_server_that_starts_on_another_history_begins_with_its_epoch(bench: PostgresBench) -> None:
    epoch = (await known(bench))["epoch"]
    await say(bench, "UPDATE meta SET value = '\"of before\"' WHERE key = 'timeline'")
    store = await open_postgres(bench.url, SetClock())
    began = (await store.read(users.meta()))["epoch"]
    await store.commit([draft(bench.ada, "1")])
    await store.close()
    assert began == (await known(bench))["epoch"] != epoch


def test_where_nobody_may_ask_for_the_history_all_else_works() -> None:
    server = postgres.server()
    name = server.make().rpartition("/")[2]
    if not server.say("SELECT FROM pg_roles WHERE rolname = 'plain'"):
        server.say("CREATE ROLE plain LOGIN PASSWORD 'g'")
    server.say(f"ALTER DATABASE {name} OWNER TO plain")
    server.say("ALTER SCHEMA public OWNER TO plain", name)

    async def marks() -> set[str]:
        store = await open_postgres(server.url(name, user="plain", password="g"), SetClock())
        try:
            await store.commit([lambda _: users.set_meta("name", "Attic")])
            return {"timeline", "system"} & set(await store.read(users.meta()))
        finally:
            await store.close()

    for function in ("pg_walfile_name(pg_lsn)", "pg_control_system()"):
        server.say(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC", name)
    assert asyncio.run(marks()) == set()
    for function in ("pg_walfile_name(pg_lsn)", "pg_control_system()"):
        server.say(f"GRANT EXECUTE ON FUNCTION {function} TO PUBLIC", name)
    assert asyncio.run(marks()) == {"timeline", "system"}
