"""Hundreds attack in one way at a time: it costs little memory, for a while only, and nobody else's time."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.faults.attackers import ATTACKS
from tests.harness.client import Client
from tests.harness.figures import record
from tests.harness.population import populated
from tests.harness.process import ROOT, Person, Server
from tests.harness.running import amount, on_a_loop

ATTACKERS = amount("ATTACKERS", 40)
ROUNDS = amount("ATTACK_ROUNDS", 1)
SECONDS = amount("ATTACK_MILLISECONDS", 500) / 1000  # of each measurement
COME_WITHIN = amount("ATTACKERS_COME_WITHIN", 500) / 1000  # seconds
MOST_RATIO = amount("ATTACK_RATIO", 100)  # of the neighbours' p99 with and without the attack
GROWTH = amount("ATTACK_GROWTH", 50)  # MiB
FLOOR = 0.005  # seconds: a p99 below is the machine's doing
GONE_WITHIN = 60.0  # seconds until nothing of the attackers is open any more
EACH = 20  # connections that one person may have
NEIGHBOURS = 10  # who talk in turn, so that nobody is too fast
PACE = 1 / 40  # seconds between two posts
MIB = 2**20
SHIPPED = {  # the limits that a person meets, as they are shipped; all attackers have this machine's address
    "limits.messages_per_second": "5",
    "limits.messages_burst": "20",
    "limits.connections_per_user": str(EACH),
}


class Listener(Client):
    """Notes when it hears what."""

    heard: dict[str, float]

    def _take(self, frame: dict[str, Any]) -> None:
        if frame.get("ev") == "messages":
            now = asyncio.get_running_loop().time()
            self.heard |= {message["nonce"]: now for message in frame["messages"]}
        super()._take(frame)


class Neighbours:
    """Some talk at a steady pace, others listen."""

    def __init__(self, server: Server, people: list[Person]) -> None:
        self._talkers = [Client(server, person) for person in people]
        self._listeners = [Listener(server, person) for person in people]
        self._posts = 0

    async def come(self) -> None:
        for listener in self._listeners:
            listener.heard = {}
        for client in (*self._talkers, *self._listeners):
            await client.connect()

    async def p99(self, seconds: float) -> float:
        """Talk for so long; how late it is heard, in seconds from the time at which it was due."""
        loop = asyncio.get_running_loop()
        begin, due = loop.time(), dict[str, float]()
        async with asyncio.TaskGroup() as tasks:
            while (at := begin + len(due) * PACE) < begin + seconds:
                await asyncio.sleep(max(0, at - loop.time()))
                self._posts += 1
                nonce = f"neighbours-{self._posts:06d}"
                due[nonce] = at
                talker = self._talkers[self._posts % len(self._talkers)]
                tasks.create_task(talker.post(1, f"talking on {self._posts}", nonce))
        for listener in self._listeners:
            await listener.barrier()
        late = [each.heard[nonce] - at for each in self._listeners for nonce, at in due.items()]
        return statistics.quantiles(late, n=100)[98]

    async def go(self) -> None:
        for client in (*self._talkers, *self._listeners):
            await client.settle()
            await client.close()


class Attack:
    """Hundreds who do one thing, several times, and what it costs the neighbours and the server."""

    def __init__(self, kind: str, server: Server, people: list[Person], neighbours: Neighbours) -> None:
        self.growth = 0.0  # MiB that are left when they have gone
        self.peak = 0.0  # MiB while they are there
        self.ratio = 0.0  # of the neighbours' p99, of several rounds the median
        self._kind = kind
        self._server = server
        self._people = people
        self._neighbours = neighbours

    async def run(self) -> None:
        files, memory = len(self._open()), self._server.memory()
        before, with_them, without = await self._neighbours.p99(SECONDS), [], []
        for _ in range(ROUNDS):
            async with self._going_on():
                with_them.append(await self._neighbours.p99(SECONDS))
                self.peak = max(self.peak, (self._server.memory() - memory) / MIB)
            await self._gone(files)
            after = await self._neighbours.p99(SECONDS)  # meanwhile memory is given back
            without.append(max(before, after, FLOOR))
            before = after
        self.ratio = statistics.median(a / b for a, b in zip(with_them, without, strict=True))
        self.growth = (self._server.memory() - memory) / MIB
        record(f"{self._kind}: p99 without", 1000 * statistics.median(without), "ms")
        record(f"{self._kind}: p99 with", 1000 * statistics.median(with_them), "ms")
        record(f"{self._kind}: memory during", self.peak, "MiB")
        record(f"{self._kind}: memory after", self.growth, "MiB")

    def _open(self) -> list[str]:
        """The server's files and sockets, but the database's: a reader opens the log at its first read."""
        return [name for name in self._server.open_names() if ".sqlite3" not in name]

    async def _gone(self, files: int) -> None:
        """Wait until no more files are open than so many."""
        try:
            async with asyncio.timeout(GONE_WITHIN):
                while len(self._open()) > files:  # noqa: ASYNC110 - of another process
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{self._kind}: more than {files} are open: {self._open()}") from None

    @asynccontextmanager
    async def _going_on(self) -> AsyncIterator[None]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.attackers", self._kind, str(self._server.port),
            str(ATTACKERS), str(COME_WITHIN), cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for number in range(ATTACKERS):
                process.stdin.write(json.dumps(self._people[number // EACH].headers).encode() + b"\n")
            await process.stdout.readline()
            yield
        finally:
            process.stdin.close()
            printed, _ = await process.communicate()
        print(f"{self._kind}: {printed.decode().strip()}")
        assert json.loads(printed)["came in"] >= ATTACKERS


@on_a_loop(200 + 5 * (COME_WITHIN + SECONDS) * ROUNDS * len(ATTACKS))
async def test_an_attack_costs_little_memory_and_nobody_elses_time(tmp_path: Path) -> None:
    failed = []
    async with populated(tmp_path, NEIGHBOURS + ATTACKERS // EACH, SHIPPED) as (server, people):
        neighbours = Neighbours(server, people[:NEIGHBOURS])
        await neighbours.come()
        await neighbours.p99(1)
        for kind in ATTACKS:
            attack = Attack(kind, server, people[NEIGHBOURS:], neighbours)
            await attack.run()
            if kind == "nothing":  # what a crowd costs the first time
                continue
            if attack.ratio > MOST_RATIO or attack.growth > GROWTH:
                failed.append(f"{kind}: {attack.ratio:.1f} times as late, {attack.growth:.1f} MiB more")
        await neighbours.go()
        assert not failed, failed
