"""People who write and come back whenever they are cut off: foreign clients, and the web client itself.

Each keeps in `sent` what the checker wants to know of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random
from typing import Any, Protocol

from tests.harness.checker import Sent, Transcript, transcript
from tests.harness.client import LOST, Client, Lost, Refused
from tests.harness.node import NodeClient
from tests.harness.process import Door, Person

NOTHING = ""  # the text of a deleted message


class Writer(Protocol):
    """What both kinds can do."""

    sent: Sent
    name: str

    @property
    def losses(self) -> int:
        """How often it lost its connection."""

    async def start(self) -> None:
        """Come in, and from now on come back."""

    async def act(self) -> None:
        """Post, edit or delete something; whether that arrives is not waited for for ever."""

    async def finish(self) -> None:
        """Wait until it is there and has nothing left to send."""

    async def known(self) -> dict[int, Transcript]:
        """What it knows, by room, once it is up to date."""

    async def stop(self) -> None:
        """Go, for good."""


class ForeignWriter:
    """A client of the `websockets` package, which asks whether its connection lives as the web client does.

    `patience` is how many seconds an answer may take."""

    def __init__(
        self, door: Door, person: Person, rooms: list[int], random: Random, patience: float = 10
    ) -> None:
        self.client = Client(door, person)
        self.sent = Sent(person.id)
        self.name = person.name
        self._lost = 0
        self._rooms = rooms
        self._random = random
        self._patience = patience
        self._connection: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    @property
    def losses(self) -> int:
        return self._lost

    async def start(self) -> None:
        self._connection = asyncio.create_task(self._stay())
        await self.client.online.wait()

    def hurry(self) -> None:
        """Wait no longer, but try to come back at once."""
        self._hurry.set()

    async def _stay(self) -> None:
        tries = 0
        while True:
            try:
                async with asyncio.timeout(3 * self._patience):
                    await self.client.connect()
                tries = 0
                await self._beat()
            except (Lost, *LOST):
                await self.client.drop()
            except Refused as error:
                if error.retry_in is None:
                    raise
                await self.client.drop()
            self._lost += 1
            self._hurry.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._random.random() * min(self._patience, 0.5 * 2**tries)):
                    await self._hurry.wait()
            tries += 1

    async def _beat(self) -> None:
        while self.client.connected:
            ended = asyncio.create_task(self.client.closed())
            await asyncio.wait([ended], timeout=self._patience)
            if ended.done():
                return
            ended.cancel()
            async with asyncio.timeout(self._patience):
                await self.client.call("ping")
                await self.client.resend()

    async def act(self) -> None:
        await self.client.online.wait()
        acts = [self._post, self._edit, self._delete]
        with suppress(Lost, TimeoutError):
            await self._random.choices(acts, [6, 2, 1])[0]()

    async def _post(self) -> None:
        room = self._random.choice(self._rooms)
        await asyncio.gather(*(self.post(room) for _ in range(self._random.randint(1, 4))))

    async def post(self, room: int) -> None:
        """One message, which is sent again until it is acknowledged."""
        nonce = f"{self.name}-{len(self.sent.nonces):06d}"
        text = f"text of {nonce}"
        self.sent.post(nonce, text)
        try:
            await self.client.post(room, text, nonce)
        except Refused as error:
            if error.retry_in is None:
                return
            await asyncio.sleep(error.retry_in)
            with suppress(Lost):
                await self.client.resend()
        except Lost:
            return  # it is sent again once back

    def _acknowledge(self) -> None:
        for nonce, answer in self.client.answers.items():
            self.sent.acknowledged(nonce, answer["room"], answer["seq"])

    async def _edit(self) -> None:
        await self._alter("message.edit", f"edited {self._random.randrange(10**9)}")

    async def _delete(self) -> None:
        await self._alter("message.delete", NOTHING)

    async def _alter(self, do: str, text: str) -> None:
        if not self.client.answers:
            return
        nonce = self._random.choice(list(self.client.answers))
        answer = self.client.answers[nonce]
        fields = {"text": text} if text else {}
        self.sent.edit(nonce, text)
        try:
            async with asyncio.timeout(3 * self._patience):
                await self.client.call(do, room=answer["room"], seq=answer["seq"], **fields)
        except Refused as error:
            if error.retry_in is not None:
                return  # whether it was done is not known
            if error.code not in ("not_found", "conflict"):  # it is deleted
                raise
            self.sent.refused(nonce, text)
        else:
            self.sent.edited(nonce, text)

    async def finish(self) -> None:
        while self.client.outbox or not self.client.online.is_set():
            await self.client.online.wait()
            with suppress(Lost):
                await self.client.resend()
        self._acknowledge()

    async def known(self) -> dict[int, Transcript]:
        await self.client.settle()
        return {id: transcript(room.messages.values()) for id, room in self.client.mirror.rooms.items()}

    async def stop(self) -> None:
        if self._connection is not None:
            self._connection.cancel()
            await asyncio.gather(self._connection, return_exceptions=True)
        await self.client.close()


class WebWriter:
    """The web client under node: it alone sees to its connection."""

    def __init__(self, door: Door, person: Person, rooms: list[int], random: Random) -> None:
        self.node = NodeClient(door, person)
        self.sent = Sent(person.id)
        self.name = f"the web client of {person.name}"
        self._rooms = rooms
        self._random = random
        self._heard = 0

    @property
    def losses(self) -> int:
        return sum(line.get("state") == "waiting" for line in self.node.said)

    async def start(self) -> None:
        await self.node.start()

    async def act(self) -> None:
        acts = [self._post, self._edit, self._delete, self._look]
        await self._random.choices(acts, [6, 2, 1, 1])[0]()

    async def _post(self) -> None:
        text = f"text {len(self.sent.nonces)} of {self.name}"
        answer = await self.node.ask("post", room=self._random.choice(self._rooms), text=text)
        self.sent.post(answer["nonce"], text)

    def _acknowledge(self) -> None:
        for line in self.node.said[self._heard :]:
            if line.get("ev") == "acked":
                self.sent.acknowledged(line["nonce"], line["room"])
        self._heard = len(self.node.said)

    async def _edit(self) -> None:
        await self._alter("edit", f"edited {self._random.randrange(10**9)}")

    async def _delete(self) -> None:
        await self._alter("delete", NOTHING)

    async def _alter(self, cmd: str, text: str) -> None:
        self._acknowledge()
        if not self.sent.places:
            return
        nonce = self._random.choice(list(self.sent.places))
        fields: dict[str, Any] = {"text": text} if text else {}
        self.sent.edit(nonce, text)
        answer = await self.node.ask(cmd, room=self.sent.places[nonce][0], nonce=nonce, **fields)
        code = answer.get("error", {}).get("code")
        if not code:
            self.sent.edited(nonce, text)
        elif code in ("not_found", "conflict"):  # it is deleted, or this client did not hear of it yet
            self.sent.refused(nonce, text)
        else:
            assert code in ("offline", "timeout"), answer

    async def _look(self) -> None:
        """Somebody returns to the page."""
        await self.node.ask("look")

    async def finish(self) -> None:
        await self._look()
        await self.node.ask("sync")
        self._acknowledge()

    async def known(self) -> dict[int, Transcript]:
        await self.node.ask("sync")
        state = await self.node.state()
        return {id: transcript(room["messages"]) for id, room in state.items()}

    async def stop(self) -> None:
        await self.node.stop()
        bugs = [line for line in self.node.said if line.get("error", {}).get("code") == "bug"]
        assert not bugs, bugs
