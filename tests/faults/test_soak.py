"""Clients come and go for a long time: in the end nothing is left of them in the server's process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.faults.soaking import WRITERS, Group, Pace
from tests.harness.assembly import raise_file_limit
from tests.harness.checker import Sent, check_numbers, check_sent, stored
from tests.harness.figures import record
from tests.harness.http import Http
from tests.harness.population import populated
from tests.harness.process import PASSWORD, Person, Server
from tests.harness.running import amount, chance, on_a_loop

SECONDS = amount("SOAK_SECONDS", 2)
CLIENTS = amount("SOAK_CLIENTS", 20)
GROUPS = amount("SOAK_GROUPS", 2)  # that are here at a time
STAY = amount("SOAK_STAY", 1)  # seconds
GROWTH = amount("SOAK_GROWTH", 50)  # MiB
SHARE = 1 / 3  # of a core: what a single event loop can use is one
WARM_UP = amount("SOAK_WARM_UP", 2)  # seconds, in which SQLite's cache of pages fills, too
PEOPLE = WRITERS * (3 * GROUPS + (SECONDS + WARM_UP) * GROUPS // STAY)
SETTLES_WITHIN = 60  # seconds
AT_ONCE = 20  # downloads, at which the server starts all the threads it will ever have for files
MIB = 2**20
LIMITS = {"limits.messages_per_second": "500", "limits.messages_burst": "1000"}  # counted, and never met


class Comings:
    """The groups, one after the other; each has people of its own, so that nobody writes in two."""

    def __init__(self, server: Server, people: Sequence[Person], hall: int, random: Random) -> None:
        self.sent: list[Sent] = []
        self.pace = Pace(server, SHARE)
        self._server = server
        self._people = deque(people)
        self._hall = hall
        self._random = random
        self._here: deque[Group] = deque()

    async def go_on(self, seconds: float) -> None:
        """So long; everybody is gone at the end."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        keeping = asyncio.create_task(self.pace.keep())
        while loop.time() < end:
            await self._come()
            await asyncio.sleep(STAY / GROUPS)
            if len(self._here) == GROUPS:
                await self._go()
        while self._here:
            await self._go()
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping

    async def _come(self) -> None:
        self._people.rotate(-WRITERS)
        people, size = list(self._people), CLIENTS // GROUPS
        group = Group(self._server, people, size, self._hall, self.pace, self._random)
        await group.come()
        self._here.append(group)
        guest = await self._server.sign_in("guest")
        assert (await self._server.command(guest, "session.end")).status == 200

    async def _go(self) -> None:
        async with self.pace.silence():
            for group in self._here:
                await group.fall_silent()
            group = self._here.popleft()
            await group.check()
        self.sent += group.sent
        await group.leave()


class Usage(NamedTuple):
    """What the server's process holds."""

    files: int
    threads: int
    tasks: int
    memory: int  # bytes


async def _usage(server: Server) -> Usage:
    tasks = (await server.metrics())["chatbox_tasks"]
    return Usage(server.open_files(), server.threads(), int(tasks), server.memory())


async def _settled(server: Server) -> Usage:
    """Once nothing of it changes any more but the memory."""
    looks: deque[Usage] = deque(maxlen=5)
    async with asyncio.timeout(SETTLES_WITHIN):
        while len({look[:3] for look in looks}) != 1 or len(looks) < 5:
            await asyncio.sleep(0.2)
            looks.append(await _usage(server))
    return looks[-1]


async def _prepare(server: Server, admin: Person) -> int:
    """A guest who can sign in, a hall to come into, and every thread and file that there will be. Gives the
    hall."""
    code, printed = await server.run("user", "add", "guest", "--password-file", "-", text=PASSWORD)
    assert code == 0, printed
    hall = (await server.command(admin, "room.create", name="hall", kind="public")).json["room"]["id"]
    assert (await server.command(admin, "search", text="nothing")).status == 200  # by a reader of its own
    http = Http(server.port, admin.headers)
    file = (await http.ask("POST", "/files?name=file.bin", bytes(100_000))).json["id"]
    await http.close()
    await asyncio.gather(*(_download(server, admin, file) for _ in range(AT_ONCE)))
    return int(hall)


async def _download(server: Server, person: Person, file: str) -> None:
    http = Http(server.port, person.headers)
    assert (await http.ask("GET", f"/files/{file}/file.bin")).status == 200
    await http.close()


@on_a_loop(120 + 2 * (SECONDS + WARM_UP))
async def test_nothing_is_left_of_those_who_came_and_went(tmp_path: Path) -> None:
    random = chance()
    raise_file_limit()
    async with populated(tmp_path, PEOPLE, LIMITS) as (server, people):
        hall = await _prepare(server, people[0])
        comings = Comings(server, people, hall, random)
        await comings.go_on(WARM_UP)
        before = await _settled(server)
        begin, used = asyncio.get_running_loop().time(), comings.pace.used()
        delivered = (await server.metrics())["chatbox_deliveries_total"]
        await comings.go_on(SECONDS)
        seconds = asyncio.get_running_loop().time() - begin
        record("of a core, on average", (comings.pace.used() - used) / seconds)
        delivered = (await server.metrics())["chatbox_deliveries_total"] - delivered
        record("deliveries in a second", delivered / seconds)
        after = await _settled(server)
        _check(server, comings.sent)
        for name in ("files", "threads", "tasks"):
            record(f"{name} more than before", getattr(after, name) - getattr(before, name))
        record("memory more than before", (after.memory - before.memory) / MIB, "MiB")
        assert after[:3] == before[:3]
        assert after.memory <= before.memory + GROWTH * MIB
        await server.check()


def _check(server: Server, everybody: list[Sent]) -> None:
    """What was acknowledged is stored, and everything that was sent was acknowledged."""
    rooms = stored(server)
    check_sent(rooms, everybody)
    check_numbers(server)
    posts = sum(len(sent.nonces) for sent in everybody)
    assert sum(map(len, rooms.values())) == posts, "what was sent is not stored"
    record("posts", posts)
    record("clients that came and went", len(everybody) // WRITERS * (CLIENTS // GROUPS))
