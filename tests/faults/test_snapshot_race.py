"""Coming in while much is going on: the snapshot and the events after it meet without a gap."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from random import Random

from tests.harness.client import Client
from tests.harness.mirror import Room
from tests.harness.process import Person, Server, serving
from tests.harness.running import amount, chance, on_a_loop

PACE = 1 / 200  # seconds between two posts


class Stream:
    """Posts at a steady pace, each on its own, without waiting for the answers."""

    def __init__(self, server: Server, person: Person, room: int) -> None:
        self._client = Client(server, person)
        self._room = room
        self._posts: set[asyncio.Task[object]] = set()

    async def flow(self) -> None:
        """Until cancelled."""
        await self._client.connect()
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            for number in itertools.count(1):
                post = asyncio.create_task(self._client.post(self._room, f"post {number}"))
                self._posts.add(post)
                post.add_done_callback(self._posts.discard)
                await asyncio.sleep(max(0, start + number * PACE - loop.time()))
        finally:
            await asyncio.gather(*self._posts, return_exceptions=True)
            await self._client.close()


def _check(room: Room, me: int) -> None:
    """Nothing missing up to the position, and each post counted once."""
    known = sorted(room.messages)
    assert known[-1] == room.position
    assert known == list(range(known[0], known[0] + len(known))), "a post is missing"
    unread = sum(message["user"] != me for seq, message in room.messages.items() if seq > room.read)
    assert room.unread == unread, "a post was not counted, or twice"


async def _visit(server: Server, visitor: Client, room: int, random: Random) -> None:
    """Come in, wait for some events, look whether all is there, and leave somehow."""
    await visitor.connect()
    if random.random() < 0.3:
        await asyncio.gather(visitor.hello(), visitor.call("ping"), visitor.hello())
    position = visitor.mirror.rooms[room].position
    while visitor.mirror.rooms[room].position < position + 3:
        assert not visitor.mirror.behind(), visitor.mirror.complaints
        await visitor.call("ping")
    if random.random() < 0.2:
        await visitor.call("room.read", room=room, seq=visitor.mirror.rooms[room].position)
    await visitor.load()
    here = visitor.mirror.rooms[room]
    while here.position < max(here.messages):  # a history also has what is stored but not told yet
        await visitor.call("ping")
    _check(here, visitor.mirror.me)
    assert visitor.mirror.gaps == 0
    assert not visitor.mirror.complaints, visitor.mirror.complaints[:3]
    await (visitor.drop() if random.random() < 0.5 else visitor.close())


@on_a_loop(300)
async def test_a_snapshot_and_the_events_after_it_meet(tmp_path: Path) -> None:
    random = chance()
    async with serving(tmp_path, people=3) as (server, people):
        stream = asyncio.create_task(Stream(server, people[1], room=1).flow())
        visitor = Client(server, people[2])
        for _ in range(amount("VISITS", 100)):
            if random.random() < 0.1:
                visitor = Client(server, people[2])
            await _visit(server, visitor, 1, random)
            if random.random() < 0.3:
                await asyncio.sleep(random.random() * 0.1)  # so that something is missed
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)
        await visitor.connect()
        await visitor.settle()
        stored = [seq for (seq,) in server.rows("SELECT seq FROM messages ORDER BY seq")]
        assert sorted(visitor.mirror.rooms[1].messages) == stored
        await visitor.close()
