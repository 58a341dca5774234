"""Pages of history and hellos out of large databases, on the server itself: no network, no client."""

from __future__ import annotations

import asyncio
import random
import shutil
import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import SERVER_CORE, pinned
from benchmarks.population import Population, prepare
from chatbox.chat import messages, sync
from chatbox.chat.context import Caller, Context
from chatbox.instance import close_instance, open_instance
from chatbox.model import Draft
from chatbox.protocol import events
from chatbox.protocol.parse import parse
from chatbox.settings import Settings
from chatbox.store import rooms

PEOPLE = Population(people=50, rooms=50, rooms_each=50)
BATCH = 5000
PAGE = 50
SEED = 20
SYLLABLES = "ba co du fe gi ha jo ku le mi na po ra su te vi wo za".split()  # noqa: SIM905
WORDS = [first + second + third for first in SYLLABLES for second in SYLLABLES for third in SYLLABLES]


class Times(NamedTuple):
    """Milliseconds."""

    p50: float
    p95: float
    p99: float


class Stored(NamedTuple):
    """What a page took, and a hello with the unread counts of 50 rooms, with so many `messages` stored."""

    messages: int
    page: Times
    hello: Times


def measure(folder: Path, size: int, count: int) -> Stored:
    """Fetch so many pages at random places of random rooms, and as many hellos of random people, from a
    database of this many messages, which is made unless it is there already. The system may hold as much of
    the file in memory as it likes."""
    database = _prepare(folder, size)
    with pinned(SERVER_CORE):
        pages, hellos = asyncio.run(_fetch(database, count))
    return Stored(size, _times(pages), _times(hellos))


def _times(taken: list[float]) -> Times:
    cuts = statistics.quantiles(taken, n=100)
    return Times(cuts[49], cuts[94], cuts[98])


def _prepare(folder: Path, size: int) -> Path:
    population = prepare(folder, PEOPLE)
    made = folder / f"{population.name}-messages-{size}"
    if made.exists():
        return made
    draft = made.with_name(f"{made.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(population / "data", draft)
    asyncio.run(_fill(draft, size))
    draft.rename(made)
    return made


async def _fill(data: Path, size: int) -> None:
    """By way of the store's own code, so that rows, checksums and the full-text index are the real ones."""
    ctx = await open_instance(Settings(), data)
    chance = random.Random(SEED)
    try:
        users = list(ctx.directory.persons)
        places = [room["id"] for room in await ctx.store.read(rooms.of_user(users[0]))]
        for start in range(0, size, BATCH):
            numbers = range(start, min(start + BATCH, size))
            drafts = [_draft(chance, number, users, places) for number in numbers]
            await ctx.store.commit(drafts)
            if start and start % 1_000_000 == 0:
                print(f"  {start:,} of {size:,} messages are stored", flush=True)
    finally:
        await close_instance(ctx)


def _draft(chance: random.Random, number: int, users: list[int], places: list[int]) -> Draft:
    text = " ".join(chance.choices(WORDS, k=16))
    return Draft(chance.choice(places), chance.choice(users), 0, f"history-{number:012}", text)


async def _fetch(data: Path, count: int) -> tuple[list[float], list[float]]:
    ctx = await open_instance(Settings(), data)
    chance = random.Random(SEED)
    try:
        users = list(ctx.directory.persons)
        heads = await ctx.store.read(rooms.heads_of_user(users[0]))
        places = [(int(room), head) for room, head in heads.items() if head > 2 * PAGE]
        pages, hellos = [], []
        for _ in range(count):
            room, head = chance.choice(places)
            pages.append(await _page(ctx, Caller(users[0]), room, chance.randint(PAGE + 1, head)))
            hellos.append(await _hello(ctx, Caller(chance.choice(users))))
        return pages, hellos
    finally:
        await close_instance(ctx)


async def _page(ctx: Context, caller: Caller, room: int, before: int) -> float:
    """One page, from the command's bytes to the reply's; milliseconds."""
    began = time.perf_counter()
    command: Any = parse(
        f'{{"id":1,"do":"room.history","room":{room},"before":{before},"limit":{PAGE}}}'.encode()
    )
    page = await messages.history(ctx, caller, command)
    events.reply(command.id, page)
    return (time.perf_counter() - began) * 1000


async def _hello(ctx: Context, caller: Caller) -> float:
    """One hello, with nothing known yet; milliseconds."""
    began = time.perf_counter()
    command: Any = parse(b'{"id":1,"do":"hello"}')
    events.reply(command.id, await sync.hello(ctx, caller, command))
    return (time.perf_counter() - began) * 1000
