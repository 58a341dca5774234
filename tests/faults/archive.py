"""A database that has much in it already, made by the store's own code while no server runs."""

from __future__ import annotations

from pathlib import Path
from random import Random

from benchmarks.history import BATCH, WORDS
from chatbox.instance import close_instance, open_instance
from chatbox.model import Draft
from chatbox.settings import Settings


async def fill(data: Path, messages: int, user: int, rooms: list[int], random: Random) -> None:
    """Store so many messages of one person, who must be in all of these rooms."""
    ctx = await open_instance(Settings(), data)
    try:
        for start in range(0, messages, BATCH):
            numbers = range(start, min(start + BATCH, messages))
            await ctx.store.commit([_draft(number, user, rooms, random) for number in numbers])
    finally:
        await close_instance(ctx)


def _draft(number: int, user: int, rooms: list[int], random: Random) -> Draft:
    text = " ".join(random.choices(WORDS, k=16))
    return Draft(rooms[number % len(rooms)], user, 0, f"archive-{number:09}", text)
