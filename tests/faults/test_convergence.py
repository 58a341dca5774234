"""Whatever happened while a client was away, after catching up it knows what a full reload shows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from tests.harness.client import Client, Lost, Refused
from tests.harness.node import NodeClient
from tests.harness.process import Person, Server, serving
from tests.harness.running import amount, chance, on_a_loop

PEOPLE = 4
STEPS = 120


class Foreign:
    """A client of the `websockets` package, in the words that both kinds share."""

    def __init__(self, server: Server, person: Person) -> None:
        self.person = person
        self.client = Client(server, person)
        self.away = True

    async def come(self) -> None:
        await self.client.connect()
        await self.client.load()
        self.away = False

    async def go(self, rude: bool) -> None:
        self.away = True
        await (self.client.drop() if rude else self.client.close())

    async def post(self, room: int, text: str) -> None:
        with suppress(Refused, Lost):
            await self.client.post(room, text)

    async def call(self, do: str, **fields: Any) -> dict[str, Any]:
        with suppress(Refused, Lost):
            return await self.client.call(do, **fields)
        return {}

    async def rooms(self) -> dict[int, Any]:
        await self.client.settle()
        return _comparable(self.client)

    async def end(self) -> None:
        await self.client.close()
        assert self.client.mirror.gaps == 0
        assert not self.client.outbox


class Web:
    """The web client under node."""

    def __init__(self, server: Server, person: Person) -> None:
        self.person = person
        self.node = NodeClient(server, person)
        self.away = True
        self._started = False

    async def come(self) -> None:
        if self._started:
            await self.node.ask("online")
        else:
            await self.node.start()
        self._started, self.away = True, False

    async def go(self, rude: bool) -> None:
        await self.node.ask("cut" if rude else "offline")
        self.away = not rude  # cut off, it comes back by itself

    async def post(self, room: int, text: str) -> None:
        await self.node.ask("post", room=room, text=text)

    async def call(self, do: str, **fields: Any) -> dict[str, Any]:
        return dict((await self.node.ask("call", do=do, fields=fields)).get("ok", {}))

    async def rooms(self) -> dict[int, Any]:
        await self.node.ask("sync")
        return await self.node.state()

    async def end(self) -> None:
        await self.node.stop()
        bugs = [line for line in self.node.said if line.get("error", {}).get("code") == "bug"]
        assert not bugs, bugs


AnyClient = Foreign | Web


def _comparable(client: Client) -> dict[int, Any]:
    rooms: dict[int, Any] = client.mirror.state()["rooms"]
    return {id: {k: v for k, v in room.items() if k != "settings"} for id, room in rooms.items()}


class Play:
    """Random acts of everybody, with half of the clients away."""

    def __init__(self, server: Server, people: list[Person], random: Random) -> None:
        self.random = random
        self.server = server
        self.people = people
        owners = [person for person in people for _ in range(2)]
        self.clients: list[AnyClient] = [Foreign(server, person) for person in owners]
        self.clients += [Web(server, people[0]), Web(server, people[1])]
        self.known: list[int] = [1]
        self.posts = 0

    async def run(self, steps: int) -> None:
        await asyncio.gather(*(client.come() for client in self.clients))
        for _ in range(steps):
            if self.random.random() < 0.15:
                await self._come_or_go()
            acts = [self._act() for _ in range(self.random.randint(1, 6))]
            await asyncio.gather(*acts)
        await asyncio.gather(*(client.come() for client in self.clients if client.away))
        await asyncio.gather(*(client.rooms() for client in self.clients))  # what waits to be sent is sent

    async def _come_or_go(self) -> None:
        away = [client for client in self.clients if client.away]
        if len(away) * 2 > len(self.clients):
            await self.random.choice(away).come()
        else:
            await self.random.choice([c for c in self.clients if not c.away]).go(self.random.random() < 0.5)

    def _act(self) -> Awaitable[Any]:
        here = [client for client in self.clients if not client.away]
        client = self.random.choice(here or self.clients)
        act = self.random.choices(list(_ACTS), weights=list(_ACTS.values()))[0]
        return act(self, client)

    # -- acts ----------------------------------------------------------------------------------------------

    async def post(self, client: AnyClient) -> None:
        self.posts += 1
        named = self.random.choice(self.people).name
        text = f"post {self.posts}" + (f" for @{named}" if self.random.random() < 0.4 else "")
        await client.post(self._room(), text)

    async def edit(self, client: AnyClient) -> None:
        named = self.random.choice(self.people).name
        text = f"edit {self.random.randrange(10**6)} of @{named}"
        await client.call("message.edit", **self._message(), text=text)

    async def delete(self, client: AnyClient) -> None:
        await client.call("message.delete", **self._message())

    async def read(self, client: AnyClient) -> None:
        backwards = self.random.random() < 0.4
        await client.call("room.read", **self._message(), unread=backwards)

    async def create(self, client: AnyClient) -> None:
        if len(self.known) > 6:
            return
        kind = self.random.choice(["public", "public", "private"])
        name = f"room {self.random.randrange(10**9)}"
        made = await client.call("room.create", name=name, kind=kind)
        self._learn(made)

    async def rename(self, client: AnyClient) -> None:
        topic = f"topic {self.random.randrange(10**6)}"
        await client.call("room.update", room=self._room(), topic=topic)

    async def join(self, client: AnyClient) -> None:
        await client.call("room.join", room=self._room())

    async def leave(self, client: AnyClient) -> None:
        await client.call("room.leave", room=self._room())

    async def invite(self, client: AnyClient) -> None:
        await client.call("room.invite", room=self._room(), user=self.random.choice(self.people).id)

    async def remove(self, client: AnyClient) -> None:
        await client.call("room.remove", room=self._room(), user=self.random.choice(self.people).id)

    async def talk(self, client: AnyClient) -> None:
        other = self.random.choice(self.people)
        if other.id != client.person.id:
            self._learn(await client.call("direct.open", users=[other.id]))

    async def status(self, client: AnyClient) -> None:
        await client.call("user.update", status=f"status {self.random.randrange(100)}")

    def _learn(self, made: dict[str, Any]) -> None:
        if made and made["room"]["id"] not in self.known:
            self.known.append(made["room"]["id"])

    def _room(self) -> int:
        return self.random.choice(self.known)

    def _message(self) -> dict[str, int]:
        return {"room": self._room(), "seq": self.random.randint(1, max(5, self.posts))}


_ACTS: dict[Callable[[Play, AnyClient], Awaitable[None]], float] = {
    Play.post: 40,
    Play.edit: 12,
    Play.delete: 6,
    Play.read: 14,
    Play.create: 3,
    Play.rename: 3,
    Play.join: 8,
    Play.leave: 3,
    Play.invite: 5,
    Play.remove: 4,
    Play.talk: 2,
    Play.status: 2,
}


async def _reload(server: Server, person: Person) -> Client:
    fresh = Client(server, person)
    await fresh.connect()
    await fresh.settle()
    return fresh


async def _agree(client: AnyClient, wanted: dict[int, Any], what: str) -> None:
    """Web clients ask for new counts after a random pause; nothing else changes meanwhile."""
    found = await client.rooms()
    with suppress(TimeoutError):
        async with asyncio.timeout(8 if isinstance(client, Web) else 0.01):
            while found != wanted:
                await asyncio.sleep(0.1)
                found = await client.rooms()
    assert found.keys() == wanted.keys(), what
    for id, room in wanted.items():
        for part in room:
            assert found[id][part] == room[part], f"{what}: {part} of room {id}"


async def _play_once(folder: Path, random: Random, steps: int) -> None:
    folder.mkdir()
    async with serving(folder, people=PEOPLE) as (server, people):
        play = Play(server, people, random)
        await play.run(steps)
        for person in people:
            fresh = await _reload(server, person)
            for client in play.clients:
                if client.person.id != person.id:
                    continue
                what = f"{type(client).__name__} of {person.name} ({person.id})"
                await _agree(client, _comparable(fresh), what)
                if isinstance(client, Foreign):
                    assert client.client.mirror.state() == fresh.mirror.state(), what
            await fresh.close()
        for client in play.clients:
            await client.end()
        await server.check()


@on_a_loop(600)
async def test_after_catching_up_every_client_knows_what_a_reload_shows(tmp_path: Path) -> None:
    random = chance()
    for round in range(amount("ROUNDS", 2)):
        seed = random.randrange(10**9)
        print(f"round {round} has the seed {seed}")
        await _play_once(tmp_path / str(round), Random(seed), amount("STEPS", STEPS))
