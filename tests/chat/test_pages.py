"""Pages of messages: each message once, whatever the texts, and no more read than it takes to fill a page."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec import json

from chatbox.chat import pages
from chatbox.chat.context import Caller
from chatbox.chat.pages import PAGE_BYTES
from chatbox.model import Draft, Message
from chatbox.store import messages
from chatbox.store.base import Batch, Steps, Store
from tests.chat.support import World, in_world
from tests.chat.talk import GENERAL, do, make_room, post, room_of
from tests.store.passing import Passing
from tests.store.support import Bench, draft, on_both

T = TypeVar("T")
LONG = "x" * 16_000
FULL = PAGE_BYTES // len(LONG)  # long texts in a page
PORTION = 51  # rows that are read at once


class Counted(Passing):
    """A store that counts the statements that read messages, and the rows that these gave."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.statements = 0
        self.rows = 0

    def read(self, steps: Steps[T], *, slow: bool = False) -> Awaitable[T]:
        return self._store.read(self._counting(steps), slow=slow)

    def _counting(self, steps: Steps[T]) -> Steps[T]:
        try:
            statement = next(steps)
            while True:
                rows = yield statement
                if " FROM messages m " in statement.sql:
                    self.statements += 1
                    self.rows += len(rows)
                statement = steps.send(rows)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


@contextmanager
def counted(world: World) -> Iterator[Counted]:
    """What is read of messages in this block."""
    before = world.ctx
    store = Counted(before.store)
    world.ctx = replace(before, store=store)
    try:
        yield store
    finally:
        world.ctx = before


async def _fill(world: World, caller: Caller, room: int, count: int, text: str = LONG) -> list[int]:
    drafts = [Draft(room, caller.user, 0, f"nonce-{room}-{number}", text) for number in range(count)]
    replies = await asyncio.gather(*map(world.ctx.committer.submit, drafts))
    return [reply.seq for reply in replies]


# -- how much is read ----------------------------------------------------------------------------------------

LARGEST: list[tuple[str, dict[str, int]]] = [
    ("room.history", {"limit": 500}),
    ("room.history", {"limit": 500, "before": 10**6}),
    ("room.history", {"limit": 500, "after": 0}),
    ("room.changes", {"limit": 500, "after": 0}),
]


@in_world
async def test_of_long_texts_no_more_is_read_than_one_portion(world: World) -> None:
    ada = await world.set_up()
    await _fill(world, ada, GENERAL, 150)
    for name, fields in LARGEST:
        with counted(world) as read:
            page = await do(world, ada, name, room=GENERAL, **fields)
        assert len(page["messages"]) == FULL
        assert page["more"]
        assert read.rows <= PORTION, (name, fields)
    with counted(world) as read:
        around = await do(world, ada, "room.history", room=GENERAL, around=75, limit=500)
    assert (around["more"], around["more_after"]) == (True, True)
    assert read.rows <= 2 * PORTION


@in_world
async def test_a_page_that_fills_late_is_read_no_further_than_that(world: World) -> None:
    ada = await world.set_up()
    few, many = 120, 200
    room = await make_room(world, ada)
    await _fill(world, ada, room, few, "short")
    await asyncio.gather(*(post(world, ada, room, LONG) for _ in range(many)))
    with counted(world) as read:
        page = await do(world, ada, "room.history", room=room, after=0, limit=500)
    assert few < len(page["messages"]) <= few + FULL
    assert read.rows <= len(page["messages"]) + PORTION


@in_world
async def test_a_usual_page_of_short_texts_is_one_statement(world: World) -> None:
    ada = await world.set_up()
    seqs = await _fill(world, ada, GENERAL, 120, "short")
    for fields in ({}, {"before": seqs[90]}, {"after": seqs[10]}):
        with counted(world) as read:
            page = await do(world, ada, "room.history", room=GENERAL, **fields)
        assert len(page["messages"]) == 50
        assert (read.statements, read.rows) == (1, 51)
    with counted(world) as read:
        await do(world, ada, "room.history", room=GENERAL, around=seqs[60])
    assert read.statements == 2
    with counted(world) as read:
        await do(world, ada, "room.changes", room=GENERAL, after=seqs[100])
    assert read.statements == 1


@in_world
async def test_of_busy_rooms_a_hello_reads_one_portion_each(world: World) -> None:
    ada = await world.set_up()
    rooms = [await make_room(world, ada, f"room {number}") for number in range(10)]
    for room in rooms:
        await _fill(world, ada, room, 70)
    with counted(world) as read:
        back = await do(
            world, ada, "hello", epoch=world.ctx.server.epoch, heads={str(room): 2 for room in rooms}
        )
    assert back["changes"] == {str(room): "behind" for room in rooms}
    assert read.rows <= 8 * PORTION


@in_world
async def test_a_single_message_that_does_not_fit_any_more_is_behind(world: World) -> None:
    ada = await world.set_up()
    rooms = [await make_room(world, ada, f"room {number}") for number in range(3)]
    for room, size in zip(rooms, (200_000, 100_000, 50_000), strict=True):
        await _fill(world, ada, room, 1, "x" * size)
    heads = {str(room): 2 for room in rooms}
    changes = (await do(world, ada, "hello", epoch=world.ctx.server.epoch, heads=heads))["changes"]
    told = sorted(len(found[0]["text"]) for found in changes.values() if found != "behind")
    assert sorted(changes) == sorted(heads)
    assert told in ([50_000, 100_000], [50_000, 200_000]), "whichever room came first"


# -- what is read --------------------------------------------------------------------------------------------


def _mixed(seed: int) -> list[str]:
    """Texts of which some pages are full by number and some by size; one is as large as a page."""
    chosen = random.Random(seed)
    lengths = [chosen.choice((1, 1, 20, 900, 15_000)) for _ in range(330)]
    lengths[200] = PAGE_BYTES + 1
    return ["x" * length for length in lengths]


def _expected(beyond: list[Message], limit: int, most: int) -> tuple[list[Message], bool]:
    """A page as docs/protocol.md has it, of all messages that are beyond the bound."""
    kept: list[Message] = []
    size = 0
    for message in beyond[:limit]:
        size += len(json.encode(message)) + 1
        if kept and size > most:
            break
        kept.append(message)
    return kept, len(beyond) > len(kept)


async def _change_some(bench: Bench, seqs: list[int]) -> None:
    def change(batch: Batch) -> Steps[None]:
        for seq in random.Random(3).sample(seqs, 60):
            yield from messages.edit(batch, GENERAL, seq, f"changed {seq}" * 50, None, ())

    await bench.commit(change)


@on_both
async def test_pages_are_the_same_as_of_all_that_there_is(bench: Bench) -> None:
    posted = await bench.commit(*[draft(bench.ada, f"{n}", text) for n, text in enumerate(_mixed(1))])
    await _change_some(bench, [reply.seq for reply in posted])
    by_seq = await bench.store.read(messages.after(GENERAL, 0, 10**6))
    by_rev = await bench.store.read(messages.changes(GENERAL, 0, 10**6))
    head = await bench.head()
    cases = 0
    for limit, most in (
        (0, 100),
        (1, 100),
        (50, PAGE_BYTES),
        (51, PAGE_BYTES),
        (102, 40_000),
        (500, PAGE_BYTES),
    ):
        for bound in (*range(0, head, 37), head, head + 9):
            below = [message for message in by_seq if message.seq < bound][::-1]
            above = [message for message in by_seq if message.seq > bound]
            since = [message for message in by_rev if message.rev > bound]
            for read, beyond, turned in (
                (pages.older, below, -1),
                (pages.newer, above, 1),
                (pages.changed, since, 1),
            ):
                page = await bench.store.read(read(GENERAL, bound, limit, most))
                kept, more = _expected(beyond, limit, most)
                assert (page.messages, page.more) == (kept[::turned], more), (read, bound, limit, most)
                cases += 1
    assert cases > 150


@pytest.mark.parametrize("limit", [1, 7, 50, 51, 500])
def test_whoever_pages_through_a_mixed_room_gets_everything_once(limit: int, tmp_path: Path) -> None:
    @in_world
    async def walk(world: World) -> None:
        ada = await world.set_up()
        texts = [text[:15_500] for text in _mixed(2)][: 60 if limit < 7 else 330]
        drafts = [Draft(GENERAL, ada.user, 0, f"nonce-{n:04}", text) for n, text in enumerate(texts)]
        seqs = [reply.seq for reply in await asyncio.gather(*map(world.ctx.committer.submit, drafts))]
        head = (await room_of(world, ada))["head"]

        backwards = [page async for page in _pages(world, ada, "room.history", "before", limit)]
        assert [seq for page in reversed(backwards) for seq in page] == seqs
        forwards = [page async for page in _pages(world, ada, "room.history", "after", limit)]
        assert [seq for page in forwards for seq in page] == seqs
        changed = [page async for page in _pages(world, ada, "room.changes", "after", limit)]
        assert [seq for page in changed for seq in page] == seqs
        middle = seqs[len(seqs) // 2]
        around = await do(world, ada, "room.history", room=GENERAL, around=middle, limit=limit)
        found = [message["seq"] for message in around["messages"]]
        assert middle in found
        at = seqs.index(found[0])
        assert found == seqs[at : at + len(found)]
        assert (around["more"], around["more_after"]) == (found[0] > seqs[0], found[-1] < seqs[-1])
        done = await do(world, ada, "room.changes", room=GENERAL, after=head, limit=limit)
        assert done == {"messages": [], "to": head, "head": head, "more": False}

    walk(tmp_path)


async def _pages(world: World, caller: Caller, name: str, field: str, limit: int) -> AsyncIterator[list[int]]:
    """The numbers of each page, until there are no more."""
    bound = 10**6 if field == "before" else 0
    while True:
        page: dict[str, Any] = await do(
            world, caller, name, **{"room": GENERAL, "limit": limit, field: bound}
        )
        found = [message["seq"] for message in page["messages"]]
        assert len(found) <= limit
        yield found
        if not page["more"]:
            return
        bound = page.get("to") or found[0 if field == "before" else -1]
