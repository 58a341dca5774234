"""Some read nothing while megabytes fall due: it costs their budgets and nobody's time, and they catch up."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.harness.assembly import raise_file_limit
from tests.harness.checker import Sent, check_known, check_sent, stored
from tests.harness.client import Client
from tests.harness.crowd import GENERAL, Crowd, Member, News
from tests.harness.figures import record
from tests.harness.population import populated
from tests.harness.process import Person, Server
from tests.harness.running import amount, chance, on_a_loop

CLIENTS = amount("SLOW_CLIENTS", 25)
SLOW = CLIENTS // 5
PEOPLE = max(2, CLIENTS // 5)
SECONDS = amount("SLOW_SECONDS", 2)
BYTES = amount("SLOW_BYTES", 3_000_000)  # that fall due to each connection in these seconds
MOST_RATIO = amount("SLOW_RATIO", 100)  # of the others' p99 with and without those who do not read
OTHERS = amount("SLOW_OTHERS", CLIENTS)  # who may be closed as well, because this process was held up
TRIES = 3  # because other programs may take the processor just then
CLOSED_WITHIN = amount("SLOW_CLOSED_WITHIN", 60)  # seconds
TEXT = 16_000  # bytes
BUDGET = 2**20  # bytes that may wait for one connection
TOO_SLOW = 4008
SLACK = amount("SLOW_SLACK", 16 * 2**20)  # bytes by which memory may grow by itself


class Load:
    """Long messages at a steady pace, and how late the others get them."""

    def __init__(self, server: Server, person: Person) -> None:
        self.client = Client(server, person)
        self.sent = Sent(person.id)
        self.late: list[float] = []
        self._due: dict[str, float] = {}

    async def run(self) -> float:
        """Everything once; returns the p99 of all deliveries to those who read, in seconds."""
        loop = asyncio.get_running_loop()
        begin, posts = loop.time(), -(-BYTES // TEXT)
        self.late = []
        posting = []
        for number in range(posts):
            nonce = f"long-message-{len(self.sent.nonces):06d}"
            text = f"{nonce} ".ljust(TEXT, "x")
            due = self._due[nonce] = begin + number * SECONDS / posts
            await asyncio.sleep(max(0, due - loop.time()))
            self.sent.post(nonce, text)
            posting.append(asyncio.create_task(self.client.post(GENERAL, text, nonce)))
        for answer in await asyncio.gather(*posting):
            assert answer["room"] == GENERAL
        for nonce, answer in self.client.answers.items():
            self.sent.acknowledged(nonce, answer["room"], answer["seq"])
        return sorted(self.late)[int(len(self.late) * 0.99)]

    def heard(self, member: Member, news: News) -> None:
        """Somebody got something."""
        now = asyncio.get_running_loop().time()
        self.late += [now - self._due[state.nonce] for state in news.states.values()]


class Watch:
    """The server's memory until it has closed so many as too slow."""

    def __init__(self, server: Server, number: int) -> None:
        self.memory = 0  # bytes, at most
        self.seconds = 0.0
        self._server = server
        self._number = number
        self._before = 0.0

    async def begin(self) -> None:
        self._before = await self._closed()

    async def until_closed(self) -> None:
        """Until all of them are."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        while await self._closed() < self._before + self._number:
            self.memory = max(self.memory, self._server.memory())
            await asyncio.sleep(0.1)
        self.seconds = loop.time() - begin

    async def _closed(self) -> float:
        return (await self._server.metrics())[f'chatbox_closes_total{{code="{TOO_SLOW}"}}']


async def _fall_behind(server: Server, load: Load, slow: list[Member]) -> float:
    """The load while these read nothing; returns the others' p99."""
    before = server.memory()
    for member in slow:
        member.pause()
    watch = Watch(server, len(slow))
    await watch.begin()
    watching = asyncio.create_task(watch.until_closed())
    p99 = await load.run()
    for member in slow:
        member.pause(False)
    await watching
    record("memory that those who do not read cost", (watch.memory - before) / len(slow) / 2**20, "MiB each")
    assert watch.memory - before < len(slow) * BUDGET * 1.2 + SLACK
    record("seconds until all of them were closed", watch.seconds, "s")
    assert watch.seconds < CLOSED_WITHIN
    return p99


async def _compare(server: Server, load: Load, crowd: Crowd, slow: list[Person]) -> float:
    """The same load without and with those who read nothing; returns the ratio of the others' p99."""
    closes = crowd.closes.total()
    without = await load.run()
    members = await crowd.come(slow)
    with_slow = await _fall_behind(server, load, members)
    ((head,),) = server.rows("SELECT head FROM rooms WHERE id = ?", GENERAL)
    await crowd.all_at(head)
    others = crowd.closes.total() - closes - len(members)
    assert 0 <= others <= OTHERS, "somebody was closed who does read"
    rooms = stored(server)
    check_sent(rooms, [load.sent])
    for member in crowd.members:
        known = {seq: state for seq, state in rooms[GENERAL].items() if seq > member.began}
        check_known({GENERAL: known}, {GENERAL: member.transcript}, member.person.name)
    record("p99 of the others without them", 1000 * without, "ms")
    record("p99 of the others with them", 1000 * with_slow, "ms")
    await crowd.dismiss(members)
    return with_slow / without


@on_a_loop(600 + CLIENTS / 5)
async def test_who_reads_nothing_costs_a_budget_and_nobody_elses_time(tmp_path: Path) -> None:
    random = chance()
    raise_file_limit()
    async with populated(tmp_path, PEOPLE) as (server, people), Crowd(server, random) as crowd:
        load = Load(server, people[0])
        await load.client.connect()
        crowd.heard = load.heard
        everybody = [people[number % PEOPLE] for number in range(CLIENTS)]
        await crowd.come(everybody[SLOW:])
        for _ in range(TRIES):
            ratio = await _compare(server, load, crowd, everybody[:SLOW])
            if ratio < MOST_RATIO:
                break
        assert ratio < MOST_RATIO
        await load.client.close()
