"""kill -9, again and again, while everybody writes: nothing that was acknowledged is lost or doubled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from random import Random

from tests.harness.client import LOST, Client, Lost, Refused
from tests.harness.process import Person, Server, serving
from tests.harness.running import amount, chance, on_a_loop

PEOPLE = 5
ROOMS = 3  # besides #general
TOMBSTONE = ""


class Tally:
    """How much was acknowledged so far, by anybody."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = asyncio.Event()

    def add(self, number: int) -> None:
        self.count += number
        self._changed.set()

    async def reach(self, number: int) -> None:
        while self.count < number:
            self._changed.clear()
            await self._changed.wait()


class Writer:
    """One person who posts in bursts, edits, deletes, leaves and joins, and always comes back."""

    def __init__(
        self, server: Server, person: Person, rooms: list[int], tally: Tally, random: Random
    ) -> None:
        self.client = Client(server, person)
        self.sent: list[str] = []  # nonces, in the order of sending
        self.allowed: dict[str, set[str]] = {}  # nonce -> texts that may be stored; one, once acknowledged
        self._tally = tally
        self.stopping = False
        self._rooms = rooms
        self._random = random

    async def stay_connected(self) -> None:
        """Come back whenever the connection is lost, as long as this is not cancelled."""
        while True:
            try:
                await self.client.connect()
                await self.client.closed()
            except (Lost, *LOST):
                await self.client.drop()
                await asyncio.sleep(0.02)

    async def write(self) -> None:
        while not self.stopping:
            await self.client.online.wait()
            try:
                await self._random.choices([self._burst, self._edit, self._delete, self._move], [6, 3, 1, 1])[
                    0
                ]()
            except Refused as error:
                if error.code not in ("not_found", "conflict"):
                    raise
            except Lost:
                continue

    async def _burst(self) -> None:
        room = self._random.choice(self._rooms)
        await asyncio.gather(*(self._post(room) for _ in range(self._random.randint(1, 12))))

    async def _post(self, room: int) -> None:
        nonce = f"{self.client.person.name}-{len(self.sent):06d}"
        self.sent.append(nonce)
        text = f"text of {nonce}"
        self.allowed[nonce] = {text}
        with suppress(Refused, Lost):
            await self.client.post(room, text, nonce)
            self._tally.add(1)

    async def _edit(self) -> None:
        await self._alter("message.edit", f"edited {self._random.randrange(10**9)}")

    async def _delete(self) -> None:
        await self._alter("message.delete", TOMBSTONE)

    async def _alter(self, do: str, text: str) -> None:
        """Until it is acknowledged both states are possible, for ever if the answer is lost."""
        if not self.client.answers:
            return
        nonce = self._random.choice(list(self.client.answers))
        answer = self.client.answers[nonce]
        fields = {"text": text} if text else {}
        self.allowed[nonce].add(text)
        await self.client.call(do, room=answer["room"], seq=answer["seq"], **fields)
        self.allowed[nonce] = {text}
        self._tally.add(1)

    async def _move(self) -> None:
        room = self._random.choice(self._rooms[1:])
        await self.client.call("room.leave", room=room)
        await self.client.call("room.join", room=room)
        self._tally.add(2)


async def _begin(server: Server, people: list[Person], tally: Tally, random: Random) -> list[Writer]:
    host = Client(server, people[0])
    await host.connect()
    rooms = [min(host.mirror.rooms)]
    for number in range(ROOMS):
        made = await host.call("room.create", name=f"room {number}", kind="public")
        rooms.append(made["room"]["id"])
    for person in people[1:]:
        for room in rooms[1:]:
            assert (await server.command(person, "room.join", room=room)).status == 200
    await host.close()
    return [Writer(server, person, rooms, tally, random) for person in people]


async def _kill_often(server: Server, tally: Tally, kills: int, random: Random) -> None:
    for _ in range(kills):
        await tally.reach(tally.count + random.randint(1, 120))
        await asyncio.sleep(random.random() * 0.02)  # at any point of whatever the server does then
        await server.kill()
        await server.start()
        print(f"start {server.starts}: {tally.count} acknowledged")


def _check_messages(server: Server, writers: list[Writer]) -> None:
    """Each acknowledged one is there once, where the answer said, in the order of sending."""
    for writer in writers:
        stored: dict[str, tuple[int, int, str]] = {
            nonce: (room, seq, text)
            for nonce, room, seq, text in server.rows(
                "SELECT nonce, room, seq, text FROM messages WHERE user = ?", writer.client.person.id
            )
        }
        for nonce, answer in writer.client.answers.items():
            room, seq, text = stored[nonce]
            assert (room, seq) == (answer["room"], answer["seq"]), nonce
            assert text in writer.allowed[nonce], (nonce, text, writer.allowed[nonce])
        assert stored.keys() <= set(writer.sent)
        last: dict[int, int] = {}
        for nonce in writer.sent:
            if nonce in stored:
                room, seq, _ = stored[nonce]
                assert seq > last.get(room, 0), f"{nonce} is stored before what was sent before it"
                last[room] = seq


def _check_numbers(server: Server) -> None:
    for room, head, posts, top in server.rows("SELECT id, head, posts, max(rev, 0) FROM rooms"):
        messages = server.rows("SELECT seq, rev, post FROM messages WHERE room = ? ORDER BY seq", room)
        members = server.rows("SELECT rev FROM memberships WHERE room = ?", room)
        numbers = [rev for _, rev, _ in messages] + [rev for (rev,) in members]
        assert [post for *_, post in messages] == list(range(1, posts + 1))
        assert all(seq <= rev for seq, rev, _ in messages)
        assert head >= max([top, *numbers])
        assert len(set(numbers)) == len(numbers), "a number was given out twice"


async def _check_clients(server: Server, writers: list[Writer]) -> None:
    """Whoever followed all the way knows what everybody else knows, and what a newcomer would load."""
    for writer in writers:
        await writer.client.settle()
        fresh = Client(server, writer.client.person)
        await fresh.connect()
        await fresh.settle()
        assert writer.client.mirror.state() == fresh.mirror.state()
        await fresh.close()
    for room in writers[0].client.mirror.rooms:
        known = [
            writer.client.mirror.rooms[room].messages
            for writer in writers
            if room in writer.client.mirror.rooms
        ]
        assert all(messages == known[0] for messages in known)


@on_a_loop(600)
async def test_what_was_acknowledged_outlives_thirty_kills(tmp_path: Path) -> None:
    random, tally = chance(), Tally()
    async with serving(tmp_path, people=PEOPLE) as (server, people):
        writers = await _begin(server, people, tally, random)
        connections = [asyncio.create_task(writer.stay_connected()) for writer in writers]
        writing = [asyncio.create_task(writer.write()) for writer in writers]
        await _kill_often(server, tally, amount("KILLS", 30), random)
        for writer in writers:
            writer.stopping = True
        await asyncio.gather(*writing)
        for writer in writers:
            await writer.client.online.wait()
        await _check_clients(server, writers)
        _check_messages(server, writers)
        _check_numbers(server)
        await server.check()
        assert all(not writer.client.outbox for writer in writers)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        for writer in writers:
            await writer.client.close()
