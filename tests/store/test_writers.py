"""Two servers that write into one database: no deadlock, no hole, one order."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from chatbox.errors import ChatboxError
from chatbox.model import Draft, Posted
from chatbox.store import integrity, messages, rooms
from chatbox.store.base import Batch, Change, Steps, Store, personal
from chatbox.store.postgres_opening import open_postgres
from tests.chat.support import SetClock
from tests.harness import postgres
from tests.harness.running import amount, chance
from tests.store.support import GENERAL, PostgresBench, draft, on_postgres

ROOMS = 6


@asynccontextmanager
async def second(bench: PostgresBench) -> AsyncIterator[Store]:
    """Another server's store on the same database."""
    store = await open_postgres(bench.url, SetClock())
    try:
        yield store
    finally:
        await store.close()


async def make_rooms(bench: PostgresBench) -> list[int]:
    def make(name: str) -> Change:
        def change(batch: Batch) -> Steps[int]:
            room = yield from rooms.create(batch, "public", name, name, "", bench.ada, None, None)
            for user in (bench.ada, bench.ben):
                yield from rooms.add_member(batch, room, user)
            return room

        return change

    return [GENERAL, *await bench.commit(*(make(f"room{number}") for number in range(ROOMS - 1)))]


async def deadlocks(bench: PostgresBench) -> int:
    """How many PostgreSQL had to end in this database so far."""
    name = bench.url.rpartition("/")[2]
    query = f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{name}'"
    return int((await postgres.server().ask(query))[0][0])


async def assert_whole(bench: PostgresBench, listed: list[int], posted: list[Posted]) -> None:
    """Each room has each of its numbers once, and each message that was acknowledged where it was said to
    be; ids ascend with the numbers."""
    assert await bench.store.read(integrity.check(), slow=True) == []
    stored = await bench.rows("SELECT room, seq, id FROM messages ORDER BY room, seq")
    assert [row[2] for row in stored if row[0] == GENERAL] == sorted(
        row[2] for row in stored if row[0] == GENERAL
    )
    places = {(room, seq) for room, seq, _ in stored}
    assert {(reply.room, reply.seq) for reply in posted} <= places
    for room in listed:
        revs = [
            row[0] for row in await bench.rows("SELECT rev FROM messages WHERE room = ? ORDER BY rev", room)
        ]
        revs += [row[0] for row in await bench.rows("SELECT rev FROM memberships WHERE room = ?", room)]
        assert len(set(revs)) == len(revs)
        assert max(revs) <= await bench.head(room)


@on_postgres
async def test_batches_over_the_same_rooms_in_opposite_orders_never_wait_in_a_circle(
    bench: PostgresBench,
) -> None:
    listed = await make_rooms(bench)
    before = await deadlocks(bench)
    until = time.monotonic() + amount("WRITERS_SECONDS", 2)

    async def write(store: Store, user: int, order: list[int]) -> list[Posted]:
        posted: list[Posted] = []
        number = 0
        while time.monotonic() < until:
            number += 1
            drafts = [draft(user, f"{user}-{number}-{room}", room=room) for room in order * 3]
            posted += (await store.commit(drafts)).replies
        return posted

    async with second(bench) as other:
        mine, theirs = await asyncio.gather(
            write(bench.store, bench.ada, listed), write(other, bench.ben, listed[::-1])
        )
    assert all(isinstance(reply, Posted) for reply in mine + theirs)
    assert len(mine) > 10
    assert len(theirs) > 10
    await assert_whole(bench, listed, mine + theirs)
    for room in listed:  # posts alone: every number is a post's, from the first to the head
        seqs = [
            row[0] for row in await bench.rows("SELECT seq FROM messages WHERE room = ? ORDER BY seq", room)
        ]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert seqs[-1] == await bench.head(room)
    assert await deadlocks(bench) == before


@on_postgres
async def test_changes_of_every_kind_and_posts_get_through_without_a_deadlock(bench: PostgresBench) -> None:
    listed = await make_rooms(bench)
    people = [await bench.add_person(f"person{number}") for number in range(4)]
    before = await deadlocks(bench)
    dice = chance()
    until = time.monotonic() + amount("WRITERS_SECONDS", 2)

    async def write(store: Store, name: str, dice: random.Random) -> list[Any]:
        replies: list[Any] = []
        number = 0
        while time.monotonic() < until:
            number += 1
            most = dice.choice([0.5, 1.0])  # half of the batches are posts alone
            batch = [one_of(dice, f"{name}-{number}-{place}", listed, people, most) for place in range(12)]
            replies += (await store.commit(batch)).replies
        return replies

    async with second(bench) as other:
        replies = await asyncio.gather(
            write(bench.store, "a", random.Random(dice.random())),
            write(other, "b", random.Random(dice.random())),
        )
    found = [reply for each in replies for reply in each]
    failed = [reply for reply in found if isinstance(reply, ChatboxError) and reply.code != "not_found"]
    assert failed == []
    await assert_whole(bench, listed, [reply for reply in found if isinstance(reply, Posted)])
    assert await deadlocks(bench) == before


def one_of(
    dice: random.Random, nonce: str, listed: list[int], people: list[int], most: float
) -> Draft | Change:
    """A post, an edit, a deletion, a coming, a going, or a step forward in reading."""
    room, user, kind = dice.choice(listed), dice.choice(people), dice.random() * most
    if kind < 0.5:
        return draft(user, nonce, room=room)
    if kind < 0.6:
        return lambda batch: latest(batch, room, f"edited {nonce}")
    if kind < 0.65:
        return lambda batch: latest(batch, room, None)
    if kind < 0.8:
        return lambda batch: rooms.add_member(batch, room, user)
    if kind < 0.85:
        return lambda batch: rooms.remove_member(batch, room, user)
    return personal(lambda batch: look(batch, room, user))


def latest(batch: Batch, room: int, text: str | None) -> Steps[Any]:
    """Edit the latest message, or delete it."""
    found = yield from messages.before(room, 10**9, 1)
    if not found or found[0].deleted:
        return None
    if text is None:
        return (yield from messages.delete(batch, room, found[0].seq))
    return (yield from messages.edit(batch, room, found[0].seq, text, None, ()))


def look(batch: Batch, room: int, user: int) -> Steps[Any]:
    if (yield from rooms.role_of(room, user)) is not None:
        head = (yield from rooms.description(room))["head"]
        return (yield from rooms.set_read(batch, room, user, head, False))
    return None
