"""Whatever is sent more than once is stored once, and everybody who sent it gets the one answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from tests.harness.client import Client
from tests.harness.http import Http
from tests.harness.process import Person, Server, serving
from tests.harness.running import amount, chance, on_a_loop

COPIES = 3
SOCKETS = 3  # of each person
IN_FLIGHT = 60  # messages of each person
HTTP_SHARE = 0.03  # of the copies


class Sender:
    """One person who sends each message several times, over several sockets and HTTP."""

    def __init__(self, server: Server, person: Person, room: int, random: Random) -> None:
        self.clients = [Client(server, person) for _ in range(SOCKETS)]
        self.http = [Http(server.port, person.headers) for _ in range(2)]
        self.free = asyncio.Queue[Http]()
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self.together = 0
        self._name = person.name
        self._room = room
        self._random = random
        self._flying: Counter[str] = Counter()
        self._window = asyncio.Semaphore(IN_FLIGHT)

    async def send(self, messages: int) -> None:
        for client in self.clients:
            await client.open()
        for http in self.http:
            self.free.put_nowait(http)
        async with asyncio.TaskGroup() as tasks:
            for number in range(messages):
                await self._window.acquire()
                tasks.create_task(self._message(f"{self._name}-{number:06d}"))
        for client in self.clients:
            await client.close()
        for http in self.http:
            await http.close()

    async def _message(self, nonce: str) -> None:
        ways = [self._way() for _ in range(COPIES)]
        self.answers[nonce] = []
        if self._random.random() < 0.3:
            for way in ways:
                await self._copy(nonce, way)
        else:
            await asyncio.gather(*(self._copy(nonce, way) for way in ways))
        self._window.release()

    def _way(self) -> Client | None:
        return None if self._random.random() < HTTP_SHARE else self._random.choice(self.clients)

    async def _copy(self, nonce: str, way: Client | None) -> None:
        fields = {"room": self._room, "nonce": nonce, "text": f"text of {nonce}"}
        self._flying[nonce] += 1
        if way is None:
            http = await self.free.get()
            reply = (await http.command("message.post", **fields)).json
            self.free.put_nowait(http)
        else:
            future = await way.send(None, "message.post", fields)
            self.together += self._flying[nonce] > 1
            reply = (await future)["ok"]
        self._flying[nonce] -= 1
        self.answers[nonce].append(reply)

    def check(self) -> None:
        """One answer each: the first unmarked, the others the same, marked."""
        for nonce, answers in self.answers.items():
            assert len(answers) == COPIES, nonce
            assert sum("duplicate" not in answer for answer in answers) == 1, (nonce, answers)
            assert all(answer.pop("duplicate", True) is True for answer in answers), (nonce, answers)
            assert answers[0] == answers[1] == answers[2], (nonce, answers)


@on_a_loop(300)
async def test_messages_that_are_sent_three_times_are_stored_once(tmp_path: Path) -> None:
    random, messages = chance(), amount("RESENDS", 10_000)
    async with serving(tmp_path, people=4) as (server, people):
        listener = Client(server, people[0])
        await listener.connect()
        room = min(listener.mirror.rooms)
        senders = [Sender(server, person, room, random) for person in people]
        async with asyncio.TaskGroup() as tasks:
            for sender in senders:
                tasks.create_task(sender.send(messages // len(senders)))
        for sender in senders:
            sender.check()
        together = sum(sender.together for sender in senders)
        assert together * 3 >= messages * COPIES, f"only {together} copies were in flight together"
        await listener.barrier()
        assert listener.mirror.gaps == 0
        assert len(listener.mirror.rooms[room].messages) == messages
        numbers = "SELECT count(*), count(DISTINCT nonce), min(post), max(post) FROM messages"
        assert server.rows(numbers) == [(messages, messages, 1, messages)]
        answered = {nonce: replies[0]["seq"] for each in senders for nonce, replies in each.answers.items()}
        assert dict(server.rows("SELECT nonce, seq FROM messages")) == answered
        await listener.close()
        await server.check()
