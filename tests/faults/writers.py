"""People who write through whatever happens to the server, and note what they were told."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from random import Random
from typing import Any

from tests.harness.checker import Sent
from tests.harness.client import LOST, Client, Lost, Refused
from tests.harness.http import Http
from tests.harness.node import NodeClient
from tests.harness.process import Person, Server

TOMBSTONE = ""
SIZES = (0, 1, 5_000, 40_000, 300_000)  # bytes of a file
WEB_GAP = 0.05  # seconds between two messages of the web client
_MOMENT = {"not_found", "conflict", "rate_limited"}  # refusals that a writer can run into by its own doing


class Pace:
    """So many messages a second, of all writers together. What was missed is not made up for."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = 0.0

    async def turn(self, messages: int = 1) -> None:
        """Wait until so many may be sent."""
        now = asyncio.get_running_loop().time()
        due = max(now, self._next)
        self._next = due + messages * self._gap
        await asyncio.sleep(due - now)


class Tally:
    """How much was acknowledged so far, by anybody."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = asyncio.Event()

    def add(self, number: int = 1) -> None:
        self.count += number
        self._changed.set()

    async def reach(self, number: int) -> None:
        while self.count < number:
            self._changed.clear()
            await self._changed.wait()


class Writer:
    """Somebody who posts in bursts, edits, deletes, sends files, leaves and joins, and always comes back."""

    def __init__(
        self, server: Server, person: Person, rooms: list[int], pace: Pace, tally: Tally, random: Random
    ) -> None:
        """The first of the rooms is never left."""
        self.client = Client(server, person)
        self.sent = Sent(person.id)
        self.files: dict[str, bytes] = {}  # id -> SHA-256, of those that were acknowledged
        self.stopping = False
        self._with_files: set[str] = set()  # nonces
        self._server = server
        self._rooms = rooms
        self._pace = pace
        self._tally = tally
        self._random = random

    async def stay_connected(self) -> None:
        """Come back whenever the connection is lost, as long as this is not cancelled."""
        while True:
            try:
                await self.client.connect()
                self._take_answers()
                await self.client.closed()
            except (Lost, *LOST):
                await self.client.drop()
                await asyncio.sleep(0.02)

    def _take_answers(self) -> None:
        """Those of messages that were sent again at once."""
        for nonce, answer in self.client.answers.items():
            self.sent.acknowledged(nonce, answer["room"], answer["seq"])

    async def write(self) -> None:
        """Until `stopping`."""
        acts = [self._burst, self._edit, self._delete, self._move, self._send_file]
        while not self.stopping:
            await self.client.online.wait()
            try:
                await self._random.choices(acts, [6, 3, 1, 1, 1])[0]()
            except Refused as error:
                if error.code not in _MOMENT:
                    raise
            except Lost:
                continue

    async def _burst(self) -> None:
        room, messages = self._random.choice(self._rooms), self._random.randint(1, 12)
        await self._pace.turn(messages)
        await asyncio.gather(*(self._post(room) for _ in range(messages)))

    async def _post(self, room: int, *files: str) -> None:
        nonce = f"{self.client.person.name}-{len(self.sent.nonces):06d}"
        text = f"text of {nonce}"
        self.sent.post(nonce, text)
        fields: dict[str, Any] = {"files": files} if files else {}
        with suppress(Refused, Lost):
            answer = await self.client.post(room, text, nonce, **fields)
            self.sent.acknowledged(nonce, answer["room"], answer["seq"])
            self._tally.add()

    async def _edit(self) -> None:
        await self._alter("message.edit", f"edited {self._random.randrange(10**9)}")

    async def _delete(self) -> None:
        await self._alter("message.delete", TOMBSTONE)

    async def _alter(self, do: str, text: str) -> None:
        """Until it is acknowledged both states are possible, for ever if the answer is lost."""
        plain = [nonce for nonce in self.client.answers if nonce not in self._with_files]
        if not plain:
            return
        nonce = self._random.choice(plain)
        answer = self.client.answers[nonce]
        fields = {"text": text} if text else {}
        await self._pace.turn()
        self.sent.edit(nonce, text)
        try:
            await self.client.call(do, room=answer["room"], seq=answer["seq"], **fields)
        except Refused:
            self.sent.refused(nonce, text)
            raise
        self.sent.settled(nonce, text)
        self._tally.add()

    async def _move(self) -> None:
        room = self._random.choice(self._rooms[1:])
        await self.client.call("room.leave", room=room)
        await self.client.call("room.join", room=room)
        self._tally.add(2)

    async def _send_file(self) -> None:
        """Upload something, sometimes the same as before, and post it where it can be read for ever."""
        seed = self._random.randrange(20) if self._random.random() < 0.2 else self._random.randrange(10**9)
        content = Random(seed).randbytes(self._random.choice(SIZES))
        http = Http(self._server.port, self.client.person.headers)
        try:
            answer = await http.ask("POST", "/files?name=file.bin", content)
        except (OSError, EOFError):
            raise Lost from None
        finally:
            await http.close()
        if answer.status != 200:
            raise Refused(answer.json["error"])
        id = answer.json["id"]
        self.files[id] = hashlib.sha256(content).digest()
        self._tally.add()
        await self._pace.turn()
        self._with_files.add(f"{self.client.person.name}-{len(self.sent.nonces):06d}")
        await self._post(self._rooms[0], id)

    async def check_files(self, ids: list[str]) -> None:
        """These can be downloaded, and are what was uploaded."""
        http = Http(self._server.port, self.client.person.headers)
        for id in ids:
            answer = await http.ask("GET", f"/files/{id}/file.bin")
            assert answer.status == 200, (id, answer.body)
            assert hashlib.sha256(answer.body).digest() == self.files[id], f"the file {id} is damaged"
        await http.close()


class WebWriter:
    """The web client itself, in which somebody writes all the time, connected or not."""

    def __init__(self, server: Server, person: Person, rooms: list[int], random: Random) -> None:
        self.node = NodeClient(server, person)
        self.sent = Sent(person.id)
        self.tally = Tally()
        self.stopping = False
        self._rooms = rooms
        self._random = random
        self._heard = 0

    async def write(self) -> None:
        """Until `stopping`."""
        while not self.stopping:
            text = f"text {len(self.sent.nonces)} of the web client"
            answer = await self.node.ask("post", room=self._random.choice(self._rooms), text=text)
            self.sent.post(answer["nonce"], text)
            await asyncio.sleep(WEB_GAP)

    async def listen(self) -> None:
        """Note what was acknowledged, until cancelled."""
        while True:
            await self.node.news.wait()
            self.node.news.clear()
            for line in self.node.said[self._heard :]:
                if line["ev"] == "acked":
                    self.sent.acknowledged(line["nonce"])
                    self.tally.add()
            self._heard = len(self.node.said)

    async def hurry(self) -> None:
        """Come back at once, as a page does that is looked at again."""
        await self.node.ask("offline")
        await self.node.ask("online")
