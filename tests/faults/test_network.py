"""A bad network: resets, half-open connections, delays, cuts at any byte, and clients that stand still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.harness.checker import check_known, check_numbers, check_sent, stored
from tests.harness.client import Client
from tests.harness.figures import record
from tests.harness.process import Person, Server, serving
from tests.harness.proxy import Proxy
from tests.harness.running import amount, chance, on_a_loop
from tests.harness.writers import ForeignWriter, WebWriter, Writer

FOREIGN, WEB = 8, 2
SECONDS = amount("NETWORK_SECONDS", 3)
EVERY = amount("NETWORK_EVERY", 120) / 1000  # seconds from one fault to the next, on average
LATENCY = amount("NETWORK_LATENCY", 150) / 1000  # seconds, at most
STANDSTILL = amount("NETWORK_STANDSTILL", 1)  # seconds, at most
PATIENCE = amount("NETWORK_PATIENCE", 1)  # seconds that a foreign client waits for an answer
PAUSE = 0.06  # seconds between two acts of one client, on average
CUT = 0.05  # share of the connections


class Weather:
    """What befalls the connections, one thing after the other."""

    def __init__(self, proxy: Proxy, web: list[WebWriter], random: Random) -> None:
        self._proxy = proxy
        self._web = web
        self._random = random
        self._stopped: set[WebWriter] = set()
        self._standing: set[asyncio.Task[None]] = set()

    async def blow(self, seconds: float) -> None:
        """Everything moves again, on a good network, when this returns."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        self._proxy.latency, self._proxy.cut = LATENCY, CUT
        kinds = [self._reset, self._silence, self._freeze, self._stop]
        faults = self._random.sample(kinds, len(kinds))  # each at least once
        while faults or loop.time() < end:
            (faults.pop() if faults else self._random.choices(kinds, [6, 2, 2, 1])[0])()
            await asyncio.sleep(self._random.random() * 2 * EVERY)
        await asyncio.gather(*self._standing)
        self._proxy.calm()

    def _reset(self) -> None:
        if links := self._proxy.alive():
            self._random.choice(links).reset()
            self._proxy.counts["reset"] += 1

    def _silence(self) -> None:
        if links := self._proxy.alive():
            self._random.choice(links).silence()
            self._proxy.counts["half-open"] += 1

    def _freeze(self) -> None:
        if links := self._proxy.alive():
            self._stand_still(self._random.choice(links).freeze)
            self._proxy.counts["connection frozen"] += 1

    def _stop(self) -> None:
        web = self._random.choice(self._web)
        if web not in self._stopped:
            self._stopped.add(web)
            standing = self._stand_still(web.node.freeze)
            standing.add_done_callback(lambda _: self._stopped.discard(web))
            self._proxy.counts["client frozen"] += 1

    def _stand_still(self, freeze: Callable[[bool], None]) -> asyncio.Task[None]:
        async def stand() -> None:
            freeze(True)
            await asyncio.sleep(STANDSTILL * (0.5 + self._random.random() / 2))
            freeze(False)

        task = asyncio.create_task(stand())
        self._standing.add(task)
        task.add_done_callback(self._standing.discard)
        return task


async def _make_room(server: Server, people: list[Person]) -> list[int]:
    host = Client(server, people[0])
    await host.connect()
    room = (await host.call("room.create", name="storm", kind="public"))["room"]["id"]
    general = min(host.mirror.rooms)
    await host.close()
    for person in people[1:]:
        assert (await server.command(person, "room.join", room=room)).status == 200
    return [general, room]


async def _write(writer: Writer, weather: asyncio.Task[None], random: Random) -> None:
    while not weather.done():
        await writer.act()
        await asyncio.sleep(random.random() * 2 * PAUSE)


async def _run(server: Server, proxy: Proxy, people: list[Person], random: Random) -> None:
    rooms = await _make_room(server, people)
    guests = [proxy.guest(person) for person in people]
    foreign = [ForeignWriter(proxy, guest, rooms, random, PATIENCE) for guest in guests[:FOREIGN]]
    web = [WebWriter(proxy, guest, rooms, random) for guest in guests[FOREIGN:]]
    writers: list[Writer] = [*foreign, *web]
    await asyncio.gather(*(writer.start() for writer in writers))
    weather = asyncio.create_task(Weather(proxy, web, random).blow(SECONDS))
    await asyncio.gather(weather, *(_write(writer, weather, random) for writer in writers))
    await _check(server, writers)
    for writer in writers:
        await writer.stop()


async def _check(server: Server, writers: list[Writer]) -> None:
    await asyncio.gather(*(writer.finish() for writer in writers))
    known = await asyncio.gather(*(writer.known() for writer in writers))
    rooms = stored(server)
    for writer, transcripts in zip(writers, known, strict=True):
        check_known(rooms, transcripts, writer.name)
    check_sent(rooms, [writer.sent for writer in writers])
    check_numbers(server)
    posts = sum(len(writer.sent.nonces) for writer in writers)
    assert sum(map(len, rooms.values())) == posts, "what was sent is not stored"
    record("posts", posts)
    losses = sum(writer.losses for writer in writers)
    record("connections lost", losses)
    assert losses


@on_a_loop(SECONDS + 2 * STANDSTILL + 120)
async def test_a_bad_network_loses_doubles_and_turns_around_nothing(tmp_path: Path) -> None:
    random = chance()
    async with serving(tmp_path, people=FOREIGN + WEB) as (server, people):
        proxy = Proxy(server.port, random)
        await proxy.start()
        try:
            await _run(server, proxy, people, random)
        finally:
            await proxy.close()
        await server.check()
        for name, count in proxy.counts.items():
            record(name, count)
        assert {"reset", "half-open", "connection frozen", "client frozen"} <= proxy.counts.keys()
