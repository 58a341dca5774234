"""kill -9, again and again, while everybody writes: nothing that was acknowledged is lost or doubled."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from random import Random

from tests.faults import archive
from tests.faults.stored import check_client, check_web
from tests.faults.writers import Pace, Tally, WebWriter, Writer
from tests.harness.checker import check_numbers, check_sent, stored
from tests.harness.client import Client
from tests.harness.figures import record
from tests.harness.process import Person, Server, serving
from tests.harness.running import amount, chance, on_a_loop

PEOPLE = 5  # who write, the last of them with the web client; one more has written the archive
ROOMS = 3  # besides #general
PER_SECOND = 300  # messages of all together
ARCHIVE_ROOMS = 20
MANY = 1_000_000  # messages with which a start has to be as quick as this
START = 2.0  # seconds from the start to the first acknowledgement, in 99 of 100 cases


class Crew:
    """Everybody who writes, and who kills the server meanwhile."""

    def __init__(self, server: Server, people: list[Person], rooms: list[int], random: Random) -> None:
        pace = Pace(PER_SECOND)
        self.tally = Tally()
        self.writers = [
            Writer(server, person, rooms, pace, self.tally, random) for person in people[: PEOPLE - 1]
        ]
        self.web = WebWriter(server, people[PEOPLE - 1], rooms, random)
        self._everybody: list[Writer | WebWriter] = [*self.writers, self.web]
        self.starts: list[float] = []  # seconds from each start to the first acknowledgement
        self._server = server
        self._random = random
        self._checked: set[str] = set()
        self._connections: list[asyncio.Task[None]] = []
        self._writing: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        await self.web.node.start()
        self._connections = [asyncio.create_task(writer.stay_connected()) for writer in self.writers]
        self._connections.append(asyncio.create_task(self.web.listen()))
        self._writing = [asyncio.create_task(writer.write()) for writer in self._everybody]

    async def kill(self, *, thorough: bool) -> None:
        """Kill the server at any point of whatever it does, start it, and look for the files.

        If `thorough`, with `chatbox check` before the start, and every file downloaded."""
        await self.tally.reach(self.tally.count + self._random.randint(1, 120))
        await asyncio.sleep(self._random.random() * 0.02)
        await self._server.kill()
        while any(w.client.connected for w in self.writers):  # noqa: ASYNC110 - takes in what came before
            await asyncio.sleep(0.001)
        if thorough:
            await self._server.check()
        before, begin = self.tally.count, time.monotonic()
        await self._server.start()
        await self.tally.reach(before + 1)
        self.starts.append(time.monotonic() - begin)
        if thorough:
            await self.web.hurry()
        await self._check_files(all_of_them=thorough)
        if self._random.random() < 0.3:
            await self.web.tally.reach(self.web.tally.count + 1)

    async def _check_files(self, *, all_of_them: bool) -> None:
        """Every acknowledged file is in its place; those since the last kill are downloaded as well."""
        for writer in self.writers:
            stored = dict(self._server.rows("SELECT id, hash FROM files"))
            for id, hash in writer.files.items():
                assert stored.get(id) == hash.hex(), f"the file {id} was acknowledged, and is lost"
                assert (self._server.data / "uploads" / hash.hex()[:2] / hash.hex()).is_file()
            ids = [id for id in writer.files if all_of_them or id not in self._checked]
            await writer.check_files(ids)
            self._checked |= set(ids)

    async def end(self) -> None:
        """Let everybody come back and finish; whatever goes wrong in a writer is raised here."""
        for writer in self._everybody:
            writer.stopping = True
        await asyncio.gather(*self._writing)
        await asyncio.gather(*(writer.client.online.wait() for writer in self.writers))
        await self.web.node.ask("sync")

    async def leave(self) -> None:
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        for writer in self.writers:
            await writer.client.close()
        await self.web.node.stop()


async def _make_rooms(server: Server, host: Person, count: int, guests: list[Person]) -> list[int]:
    """#general, and so many more that all of them are in."""
    client = Client(server, host)
    await client.connect()
    rooms = [min(client.mirror.rooms)]
    for number in range(count):
        made = await client.call("room.create", name=f"{host.name}'s room {number}", kind="public")
        rooms.append(made["room"]["id"])
    for person in guests:
        for room in rooms[1:]:
            assert (await server.command(person, "room.join", room=room)).status == 200
    await client.close()
    return rooms


async def _fill_archive(server: Server, person: Person, messages: int, random: Random) -> None:
    """In rooms of its own, so that nobody else has to load it."""
    _, *rooms = await _make_rooms(server, person, ARCHIVE_ROOMS, [])
    assert await server.stop() == 0
    begin = time.monotonic()
    await archive.fill(server.data, messages, person.id, rooms, random)
    print(f"{messages:,} messages stored in {time.monotonic() - begin:.0f} s")
    await server.start()


@on_a_loop(7200)
async def test_what_was_acknowledged_outlives_every_kill(tmp_path: Path) -> None:
    random, kills, before = chance(), amount("KILLS", 6), amount("ARCHIVE", 0)
    async with serving(tmp_path, people=PEOPLE + 1) as (server, people):
        *crowd, archivist = people
        if before:
            await _fill_archive(server, archivist, before, random)
        crew = Crew(server, crowd, await _make_rooms(server, crowd[0], ROOMS, crowd[1:]), random)
        await crew.begin()
        for number in range(1, kills + 1):
            await crew.kill(thorough=number % 10 == 0 or number == kills)
            print(f"kill {number}: {crew.tally.count} acknowledged, {crew.starts[-1]:.2f} s to the next")
        await crew.end()
        sent = [*(writer.sent for writer in crew.writers), crew.web.sent]
        rooms = stored(server, users=[each.user for each in sent])
        check_sent(rooms, sent)
        check_numbers(server)
        assert all(not writer.client.outbox for writer in crew.writers)
        for writer in crew.writers:
            await check_client(server, writer.client)
            await writer.check_files(list(writer.files))
        await check_web(server, crew.web.node)
        await server.check()
        await crew.leave()
    _report(crew, kills, sum(map(len, rooms.values())))
    if before >= MANY:
        assert statistics.quantiles(crew.starts, n=100)[98] <= START


def _report(crew: Crew, kills: int, found: int) -> None:
    record("kills", kills)
    record("messages of this run stored", found)
    record("files acknowledged, none lost", sum(len(writer.files) for writer in crew.writers))
    quantiles = statistics.quantiles(crew.starts, n=100)
    record("start to first acknowledgement, p50", quantiles[49], "s")
    record("start to first acknowledgement, p99", quantiles[98], "s")
