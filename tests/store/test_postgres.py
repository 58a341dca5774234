"""What only PostgreSQL can do to us: other writers, and those that stop in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import pytest

from chatbox.errors import Busy, ChatboxError, SignedOut
from chatbox.model import Posted
from chatbox.store import rooms, users
from chatbox.store.base import Batch, Steps, one, personal
from chatbox.store.dialect import said
from chatbox.store.postgres import CHANGES_LOCK
from chatbox.store.postgres_opening import open_postgres
from tests.chat.support import SetClock
from tests.store.support import GENERAL, PostgresBench, draft, on_postgres


@asynccontextmanager
async def beside(bench: PostgresBench) -> AsyncIterator[Any]:
    """A connection of somebody else's."""
    connection = await asyncpg.connect(bench.url)
    try:
        yield connection
    finally:
        await connection.close()


async def until(true: Callable[[], Awaitable[Any]]) -> None:
    """Wait for what the database tells nobody of."""
    async with asyncio.timeout(20):
        while not await true():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.01)


async def someone_waits(connection: Any) -> bool:
    """Whether a lock is waited for."""
    waits = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    return bool(await connection.fetchval(waits))


async def two_wait(connection: Any, work: asyncio.Future[Any]) -> bool:
    """Whether two wait for a lock, or the work of the second one is done."""
    waits = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    return work.done() or await connection.fetchval(waits) >= 2


async def make_room(bench: PostgresBench, name: str) -> int:
    def change(batch: Batch) -> Steps[int]:
        room = yield from rooms.create(batch, "public", name, name, "", bench.ada, None, None)
        yield from rooms.add_member(batch, room, bench.ada, "owner")
        return room

    return int((await bench.commit(change))[0])


def retitle(room: int, topic: str) -> Callable[[Batch], Steps[None]]:
    return lambda batch: rooms.update(batch, room, f"room{room}", None, topic, None)


@on_postgres
async def test_what_was_put_into_meta_comes_back_as_it_was(bench: PostgresBench) -> None:
    values: dict[str, str | int | bytes] = {"a": "7", "b": 7, "c": b"\x00\xff7", "d": '{"e": "é"}', "f": ""}
    for key, value in values.items():
        await bench.commit(lambda batch, key=key, value=value: users.set_meta(key, value))
    assert (await bench.store.read(users.meta())).items() >= values.items()


@on_postgres
async def test_text_is_ordered_by_its_bytes_whatever_the_language_of_the_database(
    bench: PostgresBench,
) -> None:
    for name in ("ärger", "Zoe", "zoe", "anna", "_x"):
        await bench.add_person(name)
    found = [row[0] for row in await bench.rows("SELECT name_key FROM users ORDER BY name_key")]
    assert found == sorted(found, key=str.encode)


@on_postgres
async def test_a_list_of_numbers_is_given_as_json(bench: PostgresBench) -> None:
    query = (
        "SELECT id FROM users WHERE id IN (SELECT value FROM json_each(?)) AND name <> 'what?' ORDER BY id"
    )
    assert await bench.rows(query, f"[{bench.ben}, 99]") == [(bench.ben,)]


@on_postgres
async def test_a_batch_never_waits_for_a_room_while_it_holds_a_later_one(bench: PostgresBench) -> None:
    later = await make_room(bench, "later")
    async with beside(bench) as other, other.transaction():
        await other.execute("SELECT FROM rooms WHERE id = $1 FOR UPDATE", GENERAL)
        done = asyncio.ensure_future(bench.batch(draft(bench.ada, "1", room=later), retitle(GENERAL, "new")))
        async with beside(bench) as watcher:
            await until(lambda: someone_waits(watcher))
        await other.execute("SELECT FROM rooms WHERE id = $1 FOR UPDATE NOWAIT", later)
    posted, _ = (await done).replies
    assert isinstance(posted, Posted)
    assert await bench.rows("SELECT topic FROM rooms WHERE id = ?", GENERAL) == [("new",)]


@on_postgres
async def test_changes_run_one_after_the_other_and_posts_and_reading_beside_them(
    bench: PostgresBench,
) -> None:
    store = await open_postgres(bench.url, SetClock())
    try:
        async with beside(bench) as other, beside(bench) as watcher:
            async with other.transaction():
                await other.execute("SELECT pg_advisory_xact_lock($1)", CHANGES_LOCK)
                waiting = asyncio.ensure_future(store.commit([retitle(GENERAL, "new")]))
                await until(lambda: someone_waits(watcher))
                (posted,) = await bench.commit(draft(bench.ada, "1"))
                looked = personal(lambda batch: rooms.set_read(batch, GENERAL, bench.ben, posted.seq, False))
                (position,) = await bench.commit(looked)
                assert (position["read"], position["unread"]) == (posted.seq, 0)
                assert not waiting.done()
            await waiting
    finally:
        await store.close()


@on_postgres
async def test_whoever_is_removed_first_posts_no_more(bench: PostgresBench) -> None:
    """The removal has begun when the post comes: the post waits for it, and is refused then."""
    store = await open_postgres(bench.url, SetClock())
    try:
        async with beside(bench) as other:
            async with other.transaction():
                await other.execute("UPDATE rooms SET head = head + 1 WHERE id = $1", GENERAL)
                await other.execute('UPDATE memberships SET left_at = 5 WHERE "user" = $1', bench.ben)
                posting = asyncio.ensure_future(store.commit([draft(bench.ben, "1"), draft(bench.ada, "1")]))
                async with beside(bench) as watcher:
                    await until(lambda: someone_waits(watcher))
            bens, adas = (await posting).replies
    finally:
        await store.close()
    assert isinstance(bens, ChatboxError)
    assert isinstance(adas, Posted)


@on_postgres
async def test_whoever_is_disabled_first_posts_no_more(bench: PostgresBench) -> None:
    """The same for an account, which is no part of the room."""
    store = await open_postgres(bench.url, SetClock())
    try:
        async with beside(bench) as other, beside(bench) as watcher:
            async with other.transaction():
                await other.execute(said(users.SHUT_OUT).sql, bench.ben)
                posting = asyncio.ensure_future(store.commit([draft(bench.ben, "1"), draft(bench.ada, "1")]))
                await until(lambda: someone_waits(watcher))
            bens, adas = (await posting).replies
    finally:
        await store.close()
    assert isinstance(bens, SignedOut)
    assert isinstance(adas, Posted)


@on_postgres
async def test_what_somebody_is_posting_is_stored_before_they_are_disabled_or_not_at_all(
    bench: PostgresBench,
) -> None:
    store = await open_postgres(bench.url, SetClock())
    try:
        async with beside(bench) as other, beside(bench) as watcher:
            async with other.transaction():  # holds up the post after its rights were looked at
                await other.execute('SELECT FROM memberships WHERE "user" = $1 FOR UPDATE', bench.ben)
                posting = asyncio.ensure_future(bench.commit(draft(bench.ben, "1")))
                await until(lambda: someone_waits(watcher))
                disabling = asyncio.ensure_future(store.commit([lambda batch: users.shut_out(bench.ben)]))
                await until(lambda: two_wait(watcher, disabling))
                assert not disabling.done()
            (posted,) = await posting
            await disabling
    finally:
        await store.close()
    assert isinstance(posted, Posted)
    (refused,) = await bench.commit(draft(bench.ben, "2"))
    assert isinstance(refused, SignedOut)


@on_postgres
async def test_a_server_that_stops_in_the_middle_holds_nobody_up_for_long(bench: PostgresBench) -> None:
    stopped = await asyncpg.connect(bench.url, server_settings={"idle_in_transaction_session_timeout": "2s"})
    await stopped.execute("BEGIN")
    await stopped.execute("SELECT FROM rooms FOR UPDATE")
    async with asyncio.timeout(15):
        (posted,) = await bench.commit(draft(bench.ada, "1"))
    assert isinstance(posted, Posted)
    stopped.terminate()


@on_postgres
async def test_the_connection_that_writes_is_as_strict_as_it_must_be(bench: PostgresBench) -> None:
    def ask(batch: Batch) -> Steps[list[Any]]:
        found = []
        for name in (
            "synchronous_commit",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
            "tcp_user_timeout",
        ):
            found += yield one(f"SHOW {name}")
        return [row[0] for row in found]

    assert await bench.commit(ask) == [["on", "2s", "2s", "5000"]]


@on_postgres
async def test_a_deadlock_is_tried_again_and_nobody_hears_of_it(bench: PostgresBench) -> None:
    async with beside(bench) as other:
        await other.execute("BEGIN")
        await other.execute("UPDATE users SET mine = mine WHERE id = $1", bench.ben)

        def change(batch: Batch) -> Steps[str]:
            yield from users.next_mine(bench.ada)
            yield from users.next_mine(bench.ben)
            return "done"

        done = asyncio.ensure_future(bench.commit(change))
        async with beside(bench) as watcher:
            await until(lambda: someone_waits(watcher))
        circle = asyncio.ensure_future(other.execute("UPDATE users SET mine = mine WHERE id = $1", bench.ada))
        finished, _ = await asyncio.wait({circle, done}, return_when=asyncio.FIRST_COMPLETED)
        if circle in finished and circle.exception() is not None:
            await other.execute("ROLLBACK")  # it was the other one that had to give way
        else:
            await circle
            await other.execute("COMMIT")
        assert await done == ["done"]


def test_what_is_held_for_too_long_makes_us_busy_and_is_over_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chatbox.store.postgres._PATIENCE", 0.0)

    @on_postgres
    async def held(bench: PostgresBench) -> None:
        async with beside(bench) as other, other.transaction():
            await other.execute("SELECT FROM rooms FOR UPDATE")
            with pytest.raises(Busy) as caught:
                await bench.commit(draft(bench.ada, "1"))
            assert caught.value.retry_in
        (posted,) = await bench.commit(draft(bench.ada, "1"))
        assert not posted.duplicate

    held()
