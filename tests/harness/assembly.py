"""A big crowd: light connections, real web clients, and some who write all the while."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

from tests.harness.checker import check_known, check_numbers, check_sent, digest, stored
from tests.harness.crowd import GENERAL, Crowd
from tests.harness.node import NodeCrowd
from tests.harness.process import Books, Door, Person
from tests.harness.writers import ForeignWriter

WRITERS = 3


def raise_file_limit() -> None:
    """To what this process may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Assembly:
    """So many clients, one in five a web client. Each writer posts so many at once, with a `pause` in seconds
    from one time to the next."""

    def __init__(
        self, door: Door, people: Sequence[Person], size: int, pause: float, burst: int, random: Random
    ) -> None:
        self.size = size
        self.light = Crowd(door, random)
        self.web = NodeCrowd(door)
        self.writers = [ForeignWriter(door, person, [GENERAL], random) for person in people[:WRITERS]]
        self.webs = -(-size // 5)
        self._people = [people[number % len(people)] for number in range(size - WRITERS)]
        self._pause = pause
        self._burst = burst
        self._writing: list[asyncio.Task[None]] = []
        self._silent = asyncio.Event()
        self._lost = 0

    async def come(self) -> None:
        """Everybody comes in."""
        await self.light.come(self._people[self.webs :])
        await self.web.come(self._people[: self.webs])
        for writer in self.writers:
            await writer.start()

    def talk(self) -> None:
        """The writers begin."""
        self._writing = [asyncio.create_task(self._write(writer)) for writer in self.writers]

    async def _write(self, writer: ForeignWriter) -> None:
        while not self._silent.is_set():
            await writer.client.online.wait()
            await asyncio.gather(*(writer.post(GENERAL) for _ in range(self._burst)))
            await asyncio.sleep(self._pause)

    async def posts(self, number: int) -> None:
        """Wait until somebody knows of so many messages."""
        await self.light.until(lambda: len(self.light.members[0].transcript) >= number)

    async def fall_silent(self) -> None:
        """The writers end, with everything stored that they wrote."""
        self._silent.set()
        await asyncio.gather(*self._writing)
        for writer in self.writers:
            await writer.finish()

    async def all_lost(self) -> None:
        """Wait until everybody has lost a connection once more."""
        self._lost += 1
        light, web = self._lost * len(self.light.members), self._lost * self.webs
        await self.light.until(lambda: self.light.closes.total() >= light)
        while (await self.web.closes()).total() < web:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)

    async def all_back(self, books: Books) -> None:
        """Wait until everybody is back and has followed the room to where it now is."""
        await self.light.until(lambda: self.light.ready == len(self.light.members))
        for writer in self.writers:
            await writer.client.online.wait()
        ((head,),) = books.rows("SELECT head FROM rooms WHERE id = ?", GENERAL)
        await self.light.all_at(head)
        await self.web.all_at(head)

    async def hurry_back(self, books: Books) -> None:
        """The same where everybody presses "Try now"."""
        self.light.hurry()
        for writer in self.writers:
            writer.hurry()
        await self.web.hurry()
        await self.all_back(books)

    async def check(self, books: Books, *, in_order: bool = True) -> None:
        """What was sent, what is stored and what everybody knows agree; the writers are silent. Not in order
        where something was refused for a moment, and sent again later."""
        await self.all_back(books)
        rooms = stored(books)
        check_sent(rooms, [writer.sent for writer in self.writers], in_order=in_order)
        check_numbers(books)
        for writer in self.writers:
            check_known(rooms, await writer.known(), writer.name)
        for number, member in enumerate(self.light.members):
            known = {seq: state for seq, state in rooms[GENERAL].items() if seq > member.began}
            check_known({GENERAL: known}, {GENERAL: member.transcript}, f"light client {number}")
        whole = digest(rooms[GENERAL])
        wrong = [number for number, found in enumerate(await self.web.digests()) if found != whole]
        assert not wrong, f"web clients {wrong[:20]} know something else than what is stored"


@asynccontextmanager
async def assembled(
    door: Door, people: Sequence[Person], size: int, pause: float, burst: int, random: Random
) -> AsyncIterator[Assembly]:
    """Everybody is in, and gone at the end."""
    raise_file_limit()
    assembly = Assembly(door, people, size, pause, burst, random)
    async with assembly.light:
        await assembly.come()
        yield assembly
        for writer in assembly.writers:
            await writer.stop()
        await assembly.web.stop()
