"""Data folders full of people, rooms and sign-ins, made once and copied for each run."""

from __future__ import annotations

import asyncio
import os
import shutil
import zlib
from pathlib import Path
from typing import NamedTuple

from chatbox.chat import accounts
from chatbox.chat.signin import new_token
from chatbox.instance import close_instance, open_instance
from chatbox.rules.names import name_key
from chatbox.rules.tokens import digest
from chatbox.settings import Settings
from chatbox.store import rooms, sessions
from chatbox.store.base import Batch, Steps
from chatbox.store.migrate import MIGRATIONS


class Population(NamedTuple):
    """`people` who are all in #general. Of so many further `rooms` each person is in `rooms_each`: person i
    in room i modulo `rooms`, and in those that follow it."""

    people: int
    rooms: int = 0
    rooms_each: int = 0


def prepare(folder: Path, population: Population) -> Path:
    """The folder with `data` and `people.txt` (lines of "token room"), made unless it is there already."""
    schema = zlib.crc32("".join(MIGRATIONS).encode())
    made = folder / f"people-{population.people}-{population.rooms}-{population.rooms_each}-{schema:08x}"
    if made.exists():
        return made
    draft = made.with_name(f"{made.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "data").mkdir(parents=True)
    lines = asyncio.run(fill(draft / "data", population, Settings()))
    (draft / "people.txt").write_text("".join(f"{token} {room}\n" for token, room in lines))
    draft.rename(made)
    return made


async def fill(data: Path, population: Population, settings: Settings) -> list[tuple[str, int]]:
    """Make them with this data folder; gives the token and the room of each."""
    ctx = await open_instance(settings, data)
    try:
        made: list[tuple[str, int]] = await ctx.committer.submit(lambda batch: _everything(batch, population))
        return made
    finally:
        await close_instance(ctx)


def _everything(batch: Batch, population: Population) -> Steps[list[tuple[str, int]]]:
    general = yield from rooms.general()
    users, made = [], []
    for number in range(population.people):
        person = accounts.Applicant(f"person{number}", "", "")  # they sign in by token, never by password
        account = yield from accounts.found(batch, person, "member" if number else "admin")
        users.append(account.id)
    places = []
    for number in range(population.rooms):
        name = f"room{number}"
        places.append(
            (yield from rooms.create(batch, "public", name, name_key(name), "", users[0], None, None))
        )
    for number, user in enumerate(users):
        own = [places[(number + step) % len(places)] for step in range(population.rooms_each)]
        for room in own:
            yield from rooms.add_member(batch, room, user)
        token = new_token()
        yield from sessions.add(
            batch, user, digest(token), kind="token", label="benchmark", address="", shared=False
        )
        made.append((token, own[0] if own else general))
    return made
