"""Nodes, links, Redis and PostgreSQL die in the middle of traffic: nothing acknowledged is lost or doubled.

The long form takes ten minutes with 300 clients, a minute's pauses included: `make faults`, number 13.
"""

from __future__ import annotations

import asyncio
import statistics
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from tests.harness import postgres
from tests.harness.assembly import Assembly, assembled
from tests.harness.cluster import Cluster, Node, clustered
from tests.harness.figures import record
from tests.harness.process import FREE, STARTS_WITHIN, Person
from tests.harness.proxy import Proxy
from tests.harness.running import amount, chance, on_a_loop

CLIENTS = amount("CHAOS_CLIENTS", 40)
SECONDS = amount("CHAOS_SECONDS", 12)
EVERY = amount("CHAOS_EVERY", 1500) / 1000  # seconds from one fault to the next, on average
PAUSE = amount("CHAOS_PAUSE", 3)  # seconds that a node stands still, at most
CUT = amount("CHAOS_CUT", 3)  # seconds that a link is cut, at most
PEOPLE = 20
BACK = 10.0  # seconds within which 99 of 100 are back
PRESENCE = 20.0  # seconds within which everybody knows who is here
TROUBLE = (  # what the nodes say of what is done to them
    "chatbox.store: ",
    "chatbox.server: the hourly sweep has to wait",
    "chatbox.files: files that nobody posted could not be forgotten",
    "chatbox.chat.removing: messages of a former member could not be deleted yet",
    "chatbox.bus: ",
    "chatbox.cluster: ",
)


class Havoc:
    """One fault after the other. Every node runs and every link works when `wreak` returns."""

    def __init__(self, cluster: Cluster, random: Random) -> None:
        self.counts: Counter[str] = Counter()
        self._cluster = cluster
        self._random = random
        self._hurt: set[Node] = set()
        self._lasting: set[asyncio.Task[None]] = set()

    async def wreak(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        kinds: list[Callable[[], Awaitable[None]]] = [
            self._kill,
            self._pause,
            self._cut_redis,
            self._cut_database,
            self._restart_redis,
            self._restart_database,
        ]
        faults = self._random.sample(kinds, len(kinds))  # each at least once
        while faults or loop.time() < end:
            await (faults.pop() if faults else self._random.choices(kinds, [4, 3, 3, 3, 1, 1])[0])()
            await asyncio.sleep(self._random.random() * 2 * EVERY)
        while self._lasting:
            await asyncio.gather(*self._lasting)

    def _last(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self._lasting.add(task)
        task.add_done_callback(self._lasting.discard)

    async def _whole_node(self) -> Node:
        """One that nothing is done to, once all are well: the balancer needs somewhere to go."""
        while self._hurt:
            done, _ = await asyncio.wait(self._lasting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        node = self._random.choice(self._cluster.nodes)
        self._hurt.add(node)
        return node

    async def _kill(self) -> None:
        node = await self._whole_node()
        self.counts["nodes killed"] += 1
        await node.kill()
        self._last(self._start(node))

    async def _start(self, node: Node) -> None:
        """Again and again, as the system does with a service that fails: PostgreSQL may be away, too."""
        await asyncio.sleep(self._random.random())
        async with asyncio.timeout(STARTS_WITHIN):
            while not node.running:
                with suppress(AssertionError):
                    await node.start()
        self._hurt.discard(node)

    async def _pause(self) -> None:
        node = await self._whole_node()
        self.counts["nodes paused"] += 1
        self._last(self._stand_still(node))

    async def _stand_still(self, node: Node) -> None:
        node.freeze()
        await asyncio.sleep(PAUSE * (0.5 + self._random.random() / 2))
        node.freeze(False)
        self._hurt.discard(node)

    async def _cut_redis(self) -> None:
        self.counts["links to Redis cut"] += 1
        node = self._random.choice(self._cluster.nodes)
        self._last(self._bar(node.to_redis))

    async def _cut_database(self) -> None:
        node = await self._whole_node()
        self.counts["links to PostgreSQL cut"] += 1

        async def bar() -> None:
            await self._bar(node.to_database)
            self._hurt.discard(node)

        self._last(bar())

    async def _bar(self, proxy: Proxy) -> None:
        proxy.bar()
        await asyncio.sleep(CUT * self._random.random())
        proxy.bar(False)

    async def _restart_redis(self) -> None:
        self.counts["Redis restarted, empty"] += 1
        await self._cluster.redis.stop()
        await asyncio.sleep(self._random.random())
        await self._cluster.redis.start()

    async def _restart_database(self) -> None:
        self.counts["PostgreSQL restarted"] += 1
        database = self._cluster.database
        await asyncio.to_thread(database.kill if self._random.random() < 0.5 else database.stop)
        await asyncio.sleep(self._random.random())
        await asyncio.to_thread(database.start)


@pytest.mark.parametrize("sticky", [True, False], ids=["sticky", "round-robin"])
@on_a_loop(2 * SECONDS + 10 * PAUSE + 300)
async def test_whatever_dies_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path, sticky: bool) -> None:
    random = chance()
    database = await asyncio.to_thread(postgres.own)
    try:
        async with clustered(tmp_path, random, sticky=sticky, settings=FREE, database=database) as cluster:
            for node in cluster.nodes:
                node.expected = TROUBLE
            people = [await cluster.set_up()]
            for number in range(1, PEOPLE):
                people.append(await cluster.register(f"person{number}"))
            async with assembled(cluster.balancer, people, CLIENTS, 0.3, 2, random) as assembly:
                await _through(cluster, assembly, people, random)
    finally:
        await asyncio.to_thread(database.remove)


async def _through(cluster: Cluster, assembly: Assembly, people: list[Person], random: Random) -> None:
    havoc = Havoc(cluster, random)
    assembly.talk()
    await havoc.wreak(SECONDS)
    await assembly.fall_silent()
    await assembly.hurry_back(cluster)
    await assembly.check(cluster, in_order=False)
    for name, count in havoc.counts.items():
        record(name, count)
    record("posts", sum(len(writer.sent.nonces) for writer in assembly.writers))
    returns = assembly.light.returns
    record("connections that were lost", len(returns))
    assert returns, "nobody was cut off"
    late = statistics.quantiles([*returns, *returns], n=100)[98]
    record("back after a loss, p99", late, "s")
    assert late <= BACK
    async with asyncio.timeout(PRESENCE):
        await cluster.all_online(people[0], sorted(person.id for person in people))
