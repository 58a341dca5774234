"""Clients that come and go: in groups, one after the other, that write while they are here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

import psutil  # type: ignore[import-untyped]

from tests.harness.checker import Sent, Transcript, check_known, digest, stored, transcript
from tests.harness.crowd import GENERAL, Crowd
from tests.harness.http import Http
from tests.harness.node import NodeCrowd
from tests.harness.process import Person, Server
from tests.harness.writers import ForeignWriter, WebWriter, Writer

VISITORS = 3  # foreign writers of each group; besides them a web client writes
WRITERS = VISITORS + 1
SIZES = (0, 1, 5_000, 40_000, 100_000)  # bytes of a file
MOST, LEAST = 1000.0, 5.0  # acts of all writers in a second


class Pace:
    """Lets the writers act so often that the server's process uses that share of one core."""

    def __init__(self, server: Server, share: float) -> None:
        self._process = psutil.Process(server.pid)
        self._share = share
        self._rate = 2 * LEAST
        self._due = 0.0
        self._acting = 0
        self._going_on = asyncio.Event()
        self._idle = asyncio.Event()
        self._going_on.set()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One act of one writer."""
        loop = asyncio.get_running_loop()
        self._due = max(self._due, loop.time()) + 1 / self._rate
        await asyncio.sleep(self._due - loop.time())
        await self._going_on.wait()
        self._acting += 1
        try:
            yield
        finally:
            self._acting -= 1
            self._idle.set()

    @asynccontextmanager
    async def silence(self) -> AsyncIterator[None]:
        """Meanwhile nobody acts."""
        self._going_on.clear()
        while self._acting:
            self._idle.clear()
            await self._idle.wait()
        try:
            yield
        finally:
            self._going_on.set()

    async def keep(self) -> None:
        """Look once a second, until cancelled."""
        loop = asyncio.get_running_loop()
        at, used = loop.time(), self.used()
        while True:
            await asyncio.sleep(1)
            share = (self.used() - used) / (loop.time() - at)
            at, used = loop.time(), self.used()
            if self._going_on.is_set():
                wanted = self._rate * self._share / max(share, 0.01)
                self._rate = min(MOST, max(LEAST, self._rate / 1.5, min(wanted, self._rate * 1.5)))

    def used(self) -> float:
        """Seconds of processor time that the server has used."""
        times = self._process.cpu_times()
        return float(times.user + times.system)


class Visitor(ForeignWriter):
    """Comes into the hall besides, and sends and fetches files, searches and looks into the history."""

    def __init__(self, server: Server, person: Person, hall: int, random: Random) -> None:
        super().__init__(server, person, [GENERAL, hall], random)
        self._server = server
        self._hall = hall

    async def start(self) -> None:
        await super().start()
        await self.client.call("room.join", room=self._hall)

    async def act(self) -> None:
        acts = [super().act, self._send_file, self._read_history, self._search, self._type]
        await self._random.choices(acts, [12, 1, 3, 1, 2])[0]()

    async def _send_file(self) -> None:
        content = self._random.randbytes(self._random.choice(SIZES))
        http = Http(self._server.port, self.client.person.headers)
        answer = await http.ask("POST", "/files?name=file.bin", content)
        assert answer.status == 200, answer.body
        id = answer.json["id"]
        nonce = f"{self.name}-{len(self.sent.nonces):06d}"
        self.sent.post(nonce, "a file")
        await self.client.post(GENERAL, "a file", nonce, files=[id])
        assert (await http.ask("GET", f"/files/{id}/file.bin")).body == content
        await http.close()

    async def _read_history(self) -> None:
        head = self.client.mirror.rooms[GENERAL].position
        before = self._random.randint(1, head + 1)
        page = await self.client.call("room.history", room=GENERAL, before=before, limit=50)
        assert all(message["seq"] < before for message in page["messages"])

    async def _search(self) -> None:
        await self.client.call("search", text=f"text {self._random.randrange(100):06d}")

    async def _type(self) -> None:
        await self.client.call("room.typing", room=self._hall)

    async def known(self) -> dict[int, Transcript]:
        """Of what happened while it was here."""
        await self.client.barrier()
        assert not self.client.mirror.complaints, self.client.mirror.complaints[:5]
        return {id: transcript(room.messages.values()) for id, room in self.client.mirror.rooms.items()}

    async def stop(self) -> None:
        await self.client.call("room.leave", room=self._hall)
        await super().stop()


class WebVisitor(WebWriter):
    """The web client, which loads no more than somebody sees who comes in."""

    async def start(self) -> None:
        await self.node.start(latest=True)

    async def finish(self) -> None:
        await self._look()
        await self.node.ask("sync", latest=True)
        self._acknowledge()

    async def known(self) -> dict[int, Transcript]:
        return {id: transcript(room["messages"]) for id, room in (await self.node.state()).items()}


class Group:
    """So many clients, one in five the web client, of which the first `WRITERS` people write."""

    def __init__(
        self, server: Server, people: Sequence[Person], size: int, hall: int, pace: Pace, random: Random
    ) -> None:
        self._server = server
        self._light = Crowd(server, random)
        self._web = NodeCrowd(server)
        visitors = [Visitor(server, person, hall, random) for person in people[:VISITORS]]
        web = WebVisitor(server, people[VISITORS], [GENERAL], random)
        self._writers: list[Writer] = [*visitors, web]
        self._readers = [people[number % len(people)] for number in range(size - WRITERS)]
        self._webs = -(-size // 5) - 1  # one writes
        self._pace = pace
        self._since = 0
        self._writing: list[asyncio.Task[None]] = []

    @property
    def sent(self) -> list[Sent]:
        """What the writers sent."""
        return [writer.sent for writer in self._writers]

    async def come(self) -> None:
        """All come in, and the writers begin."""
        await self._light.come(self._readers[self._webs :])
        await self._web.come(self._readers[: self._webs])
        for writer in self._writers:
            await writer.start()
        self._since = _head(self._server)
        self._writing = [asyncio.create_task(self._write(writer)) for writer in self._writers]

    async def _write(self, writer: Writer) -> None:
        while True:
            async with self._pace.turn():
                await writer.act()

    async def fall_silent(self) -> None:
        """Wait until everything is stored that was written here; the pace lets nobody write more."""
        for writer in self._writers:
            await writer.finish()

    async def check(self) -> None:
        """They write no more, and nobody else does just now: all know what was written in their time."""
        for task in self._writing:
            task.cancel()
        for ended in await asyncio.gather(*self._writing, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                raise AssertionError("somebody could not go on") from ended
        head = _head(self._server)
        await self._light.all_at(head)
        await self._web.all_at(head)
        assert not self._light.closes
        assert not await self._web.closes()
        await self._compare()

    async def _compare(self) -> None:
        rooms = stored(self._server, self._since)
        for writer in self._writers:
            assert not writer.losses, f"{writer.name} lost a connection"
            self._check(rooms, (await writer.known())[GENERAL], writer.name)
        for number, member in enumerate(self._light.members):
            self._check(rooms, member.transcript, f"light client {number}")
        whole = digest(rooms[GENERAL])
        digests = await self._web.digests(self._since)
        wrong = [number for number, found in enumerate(digests) if found != whole]
        assert not wrong, f"web clients {wrong[:20]} know something else than what is stored"

    def _check(self, rooms: dict[int, Transcript], known: Transcript, who: str) -> None:
        later = {seq: state for seq, state in known.items() if seq > self._since}
        check_known(rooms, {GENERAL: later}, who)

    async def leave(self) -> None:
        """Some say goodbye, most are just gone."""
        await self._light.leave()
        await self._web.stop()
        for writer in self._writers:
            await writer.stop()


def _head(server: Server) -> int:
    ((head,),) = server.rows("SELECT head FROM rooms WHERE id = ?", GENERAL)
    return int(head)
