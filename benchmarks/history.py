"""Pages of history out of large databases, on the server itself: no network, no client."""

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
from chatbox.chat import messages
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


class Pages(NamedTuple):
    """Milliseconds that a page took, with `messages` stored."""

    messages: int
    p50: float
    p95: float
    p99: float


def measure(folder: Path, size: int, pages: int) -> Pages:
    """Fetch pages at random places of random rooms from a database of this many messages, which is made
    unless it is there already. The system may hold as much of the file in memory as it likes."""
    database = _prepare(folder, size)
    with pinned(SERVER_CORE):
        taken = asyncio.run(_fetch(database, pages))
    cuts = statistics.quantiles(taken, n=100)
    return Pages(size, cuts[49], cuts[94], cuts[98])


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


async def _fetch(data: Path, pages: int) -> list[float]:
    ctx = await open_instance(Settings(), data)
    chance = random.Random(SEED)
    try:
        user = next(iter(ctx.directory.persons))
        heads = await ctx.store.read(rooms.heads_of_user(user))
        places = [(int(room), head) for room, head in heads.items() if head > 2 * PAGE]
        taken = []
        for _ in range(pages):
            room, head = chance.choice(places)
            taken.append(await _page(ctx, Caller(user), room, chance.randint(PAGE + 1, head)))
        return taken
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
