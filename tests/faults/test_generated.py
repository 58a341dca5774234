"""Commands and frames that nobody would send in earnest: each is answered, or ends its connection."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.generated import Generator, Item, Outcome
from tests.harness.client import Client
from tests.harness.figures import record
from tests.harness.population import populated
from tests.harness.process import Person, Server
from tests.harness.raw import CLOSE, TEXT, RawSocket
from tests.harness.running import amount, chance, on_a_loop

ITEMS = amount("HOSTILE_ITEMS", 4_000)
ATTACKERS = 20
BATCH = 40  # items that are sent before the answers are read
GROWTH = amount("HOSTILE_GROWTH", 64)  # MiB
MIB = 2**20
CODES = {
    "bad_request", "forbidden", "not_found", "conflict", "nonce_reused", "too_large", "rate_limited", "busy",
    "signed_out",
}  # fmt: skip
SIGNED_OUT = 4001
HELLO = 10_000  # no other command has this id
FIRST = 40  # attackers are those from here on: few generated numbers hit their sessions
HTTP_SHARE = 0.3  # of the connections
PATIENCE = 0.5  # seconds


class Attacker:
    """Sends what is generated, over one connection after another; signed out, it goes on as another."""

    def __init__(self, server: Server, people: list[Person], random: Random, counts: Counter[str]) -> None:
        self._server = server
        self._people = iter(people)
        self._random = random
        self._generator = Generator(random)
        self._counts = counts

    async def attack(self, items: int) -> None:
        person = next(self._people)
        while items > 0:
            if self._random.random() < HTTP_SHARE:
                items -= 1
                if await self._ask(person):
                    person = next(self._people)
                continue
            batch = self._batch(items)
            items -= len(batch)
            if await self._try(person, batch) == SIGNED_OUT:
                person = next(self._people)

    def _batch(self, most: int) -> list[Item]:
        """Items of which only the last may end the connection."""
        batch: list[Item] = []
        while len(batch) < min(BATCH, most):
            batch.append(self._generator.item())
            if batch[-1].outcome is not Outcome.REPLY:
                break
        return batch

    async def _try(self, person: Person, batch: list[Item]) -> int | None:
        """Send them on a new connection, the last mostly when all others were answered; the close code."""
        raw = await RawSocket.open(self._server, person)
        code = None
        try:
            if self._random.random() < 0.3:
                raw.command(HELLO, "hello")
            first = len(batch) - 1 if self._random.random() < 0.7 else len(batch)
            for part in filter(None, (batch[:first], batch[first:])):
                await self._send(raw, part)
                code = code or await self._check(raw, part)
        finally:
            raw.abort()
        return code

    async def _send(self, raw: RawSocket, batch: list[Item]) -> None:
        data = b"".join(item.data for item in batch)
        if self._random.random() < 0.05:  # cut at random, for whoever takes frames apart
            at = self._random.randrange(len(data))
            raw.bytes(data[:at])
            await asyncio.sleep(0)
            data = data[at:]
        raw.bytes(data)

    async def _check(self, raw: RawSocket, batch: list[Item]) -> int | None:
        """Every item came to what it had to come to; the close code, if one came."""
        replies = sum(item.outcome is Outcome.REPLY for item in batch)
        last = batch[-1].outcome
        if last is Outcome.ANY:
            raw.end()
        code = None
        while last is not Outcome.REPLY or replies:
            frame = await raw.read()
            if frame is None:
                break
            if frame.opcode == CLOSE:
                code = frame.close_code if frame.payload else None
            elif frame.opcode == TEXT:
                replies -= self._is_reply(json.loads(frame.payload))
        assert code is None or 1000 <= code < 1015 or 3000 <= code < 5000, code  # its own may come back
        assert last is Outcome.ANY or replies >= 0, "something was answered twice"
        assert last is not Outcome.REPLY or not replies or code == SIGNED_OUT, f"{replies} were not answered"
        self._counts[f"ended with {code}"] += last is not Outcome.REPLY
        return code

    def _is_reply(self, found: dict[str, Any]) -> bool:
        if "error" in found:
            assert found["error"]["code"] in CODES, found
            self._counts[found["error"]["code"]] += 1
        elif "ok" in found and found["re"] != HELLO:
            self._counts["ok"] += 1
        return "re" in found and found["re"] != HELLO

    async def _ask(self, person: Person) -> bool:
        """Over HTTP: whatever is answered, the server finds no fault with itself. Whether the person may have
        signed out."""
        request = self._generator.request(person.headers)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        status = ""
        with suppress(OSError, asyncio.IncompleteReadError):
            writer.write(request)
            status = await self._status(reader, writer)
            assert status[0] in "1234", (request, status)
        writer.transport.abort()
        self._counts[f"HTTP {status or 'nothing'}"] += 1
        return b"/session.end" in request and status in ("200", "")

    async def _status(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        """Of the answer. Where the server waits for the rest of the request it is told that there is none."""
        try:
            async with asyncio.timeout(PATIENCE):
                line = await reader.readuntil(b"\r\n")
        except TimeoutError:
            writer.write_eof()
            line = await reader.readuntil(b"\r\n")
        assert line.startswith(b"HTTP/1.1 "), line
        return line[9:12].decode()


class Neighbour:
    """Two who talk all the while, and notice nothing."""

    def __init__(self, server: Server, people: list[Person]) -> None:
        self.talker, self.listener = (Client(server, person) for person in people)
        self._posts = 0

    async def talk(self) -> None:
        """Until cancelled."""
        await self.talker.connect()
        await self.listener.connect()
        while True:
            self._posts += 1
            await self.talker.post(1, f"talking on {self._posts}")
            await asyncio.sleep(0.01)

    async def end(self) -> None:
        await self.listener.settle()
        known = self.listener.mirror.rooms[1].messages.values()
        assert sum(message["text"].startswith("talking on ") for message in known) >= self._posts - 1
        for client in (self.talker, self.listener):
            await client.close()


@on_a_loop(300 + ITEMS / 200)
async def test_what_nobody_would_send_is_answered_or_ends_its_connection(tmp_path: Path) -> None:
    random, counts = chance(), Counter[str]()
    async with populated(tmp_path, FIRST + 5 * ATTACKERS + ITEMS // 2000) as (server, people):
        neighbour = Neighbour(server, people[:2])
        talking = asyncio.create_task(neighbour.talk())
        talking.add_done_callback(lambda task: task.cancelled() or task.exception())
        attackers = [
            Attacker(server, people[FIRST + number :: ATTACKERS], Random(random.random()), counts)
            for number in range(ATTACKERS)
        ]
        for share in (0.1, 0.9):
            before = server.memory()
            async with asyncio.TaskGroup() as tasks:
                for attacker in attackers:
                    tasks.create_task(attacker.attack(round(ITEMS * share / ATTACKERS)))
            while (await server.metrics())["chatbox_connections"] > 2:  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.05)
        growth = (server.memory() - before) / MIB
        print(json.dumps(counts, indent=1, sort_keys=True))
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        await neighbour.end()
        record("generated commands and frames", ITEMS)
        record("memory growth over the last nine tenths of them", growth, "MiB")
        assert growth <= GROWTH
        await server.check()
