"""The machine's clock is set while everybody talks, by an hour, a day, ten years: nobody notices."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.faults.faked_clock import DAY, HOUR, TEN_YEARS, FakedClock
from tests.harness.client import Client, Refused
from tests.harness.node import NodeClient
from tests.harness.process import Person, Server, serving
from tests.harness.running import amount, chance, on_a_loop

STEPS = [HOUR, -HOUR, DAY, -DAY, TEN_YEARS]  # each from the true time, and back to it
RATE, BURST = 50, 20
SETTINGS = {
    "limits.messages_per_second": str(RATE),
    "limits.messages_burst": str(BURST),
    "tls.mode": "off",  # certificates do end within ten years
}
POSTS = 4  # of each person, at each setting of the clock


class Greedy:
    """Posts as fast as it may, from before the first step to after the last."""

    def __init__(self, client: Client) -> None:
        self.posted = 0
        self._client = client
        self._begin = time.monotonic()
        self._news = asyncio.Event()
        self.enough = False

    async def run(self) -> None:
        """Until it is `enough`, and what was posted last is answered."""
        while not self.enough:
            try:
                await self._client.post(1, "more")
            except Refused as error:
                if error.code != "rate_limited":
                    raise
                await asyncio.sleep(error.retry_in or 0)
            else:
                self.posted += 1
                self._news.set()

    async def goes_on(self) -> None:
        """Wait until something more was let through; no more may be than its rate allows."""
        before = self.posted
        while self.posted < before + 5:
            self._news.clear()
            await self._news.wait()
        assert self.posted <= BURST + 1 + RATE * (time.monotonic() - self._begin)


async def _talk(server: Server, clock: FakedClock, clients: list[Client], web: NodeClient) -> None:
    """Everybody posts in turns; the order is that of sending, the times are what the clock tells."""
    answers = []
    for number in range(POSTS):
        for client in clients:
            answers.append(await client.post(1, f"{number} at {clock.ahead}"))
        assert "posted" in (await web.ask("post", room=1, text=f"{number} at {clock.ahead}")).values()
    await web.ask("sync")
    seqs = [answer["seq"] for answer in answers]
    assert seqs == sorted(seqs)
    assert all(clock.shows(answer["at"]) for answer in answers)
    for client in clients:
        await client.barrier()


async def _comes_back(server: Server, person: Person) -> None:
    """Signed in still: over HTTP, and over a new connection."""
    assert (await server.command(person, "session.list")).status == 200
    again = Client(server, person)
    await again.connect()
    await again.settle()
    await again.close()


def _said_offline(client: Client) -> set[int]:
    """Who was told to be gone, of those who never were."""
    events = [event for event in client.events if event["ev"] == "presence"]
    return {user for event in events for user in event.get("offline", ())}


@on_a_loop(900)
async def test_nobody_notices_that_the_clock_is_set(tmp_path: Path) -> None:
    random, server = chance(), Server(tmp_path, SETTINGS)
    clock = FakedClock(server, tmp_path)
    async with serving(tmp_path, people=5, server=server) as (server, people):
        clients = [Client(server, person) for person in people[:2]]
        clients[0].keep_events = True
        greedy, web = Client(server, people[2]), NodeClient(server, people[3])
        await asyncio.gather(*(client.connect() for client in (*clients, greedy)), web.start())
        load = Greedy(greedy)
        loading = asyncio.create_task(load.run())
        for _ in range(amount("CLOCK_ROUNDS", 1)):
            for step in random.sample(STEPS, len(STEPS)):
                for ahead in (step, 0):
                    clock.set(ahead)
                    await load.goes_on()
                    await _talk(server, clock, clients, web)
                    await _comes_back(server, people[4])
        load.enough = True
        await loading
        assert not _said_offline(clients[0]) - {people[4].id}
        assert "waiting" not in [line.get("state") for line in web.said], "the web client was cut off"
        await _all_know_the_same(server, [*clients, greedy], web)
        await web.stop()
        for client in (*clients, greedy):
            await client.close()
        await server.check()


async def _all_know_the_same(server: Server, clients: list[Client], web: NodeClient) -> None:
    for client in clients:
        await client.barrier()
    await web.ask("sync")
    stored = server.rows("SELECT seq, text FROM messages WHERE room = 1 ORDER BY seq")
    for client in clients:
        known = sorted(client.mirror.rooms[1].messages.items())
        assert [(seq, message["text"]) for seq, message in known] == stored, client.person.name
    assert [(m["seq"], m["text"]) for m in (await web.state())[1]["messages"]] == stored, "the web client"
