"""Whoever is removed, signed out or disabled gets nothing more from the moment that this is acknowledged."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.harness.client import LOST, Client, Lost, Refused
from tests.harness.process import Person, Server, serving
from tests.harness.running import amount, chance, on_a_loop


class Scene:
    """A private room with two who talk without a break, and a victim with several connections."""

    def __init__(self, server: Server, people: list[Person], random: Random) -> None:
        self.server = server
        self.random = random
        self.owner, self.talker = Client(server, people[0]), Client(server, people[1])
        self.person = people[2]
        self.victims: list[Client] = []
        self.room = 0
        self.phase = "before"
        self._count = 0

    async def begin(self) -> None:
        for client in (self.owner, self.talker):
            await client.connect()
        made = await self.owner.call("room.create", name="den", kind="private")
        self.room = made["room"]["id"]
        await self.owner.call("room.invite", room=self.room, user=self.talker.person.id)

    async def end(self) -> None:
        for client in (self.owner, self.talker):
            await client.settle()
            await client.close()
        await self.leave()

    async def arrive(self) -> None:
        """The victim is a member, with three connections that follow everything."""
        self.phase = "before"
        await self.owner.call("room.invite", room=self.room, user=self.person.id)
        self.victims = [Client(self.server, self.person) for _ in range(3)]
        for victim in self.victims:
            victim.keep_events = True
            await victim.connect()

    async def leave(self) -> None:
        for victim in self.victims:
            await victim.close()

    async def talk(self, seconds: float) -> None:
        """Post for a while, from both; each text says whether it was sent after the acknowledgement."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            posts = []
            for client in (self.owner, self.talker):
                self._count += 1
                posts.append(client.post(self.room, f"{self.phase} {self._count}"))
            await asyncio.gather(*posts)

    async def victim_talks(self) -> list[dict[str, Any]]:
        """Post until refused or cut off; the answers."""
        answers = []
        with suppress(Refused, Lost):
            while True:
                answers.append(await self.victims[0].post(self.room, "from the victim"))
        return answers

    async def around(self, act: Any) -> tuple[Any, list[dict[str, Any]]]:
        """Do it in the middle of all the talk; what it answered, and the victim's own posts."""
        talking = asyncio.create_task(self.talk(0.05 + self.random.random() * 0.1))
        own = asyncio.create_task(self.victim_talks())
        await asyncio.sleep(self.random.random() * 0.05)
        answer = await act()
        self.phase = "after"
        await self.talk(0.02)
        await talking
        return answer, await own

    def heard(self) -> str:
        return json.dumps([victim.events for victim in self.victims])

    def last_left(self) -> int:
        """The number at which the victim left the room, as the owner was told."""
        rows = self.server.rows(
            "SELECT rev FROM memberships WHERE room = ? AND user = ?", self.room, self.person.id
        )
        return int(rows[0][0])


@on_a_loop()
async def test_whoever_is_removed_hears_nothing_more(tmp_path: Path) -> None:
    random = chance()
    async with serving(tmp_path, people=3) as (server, people):
        scene = Scene(server, people, random)
        await scene.begin()
        for _ in range(amount("REMOVALS", 20)):
            await scene.arrive()

            async def remove() -> Any:
                return await scene.owner.call("room.remove", room=scene.room, user=scene.person.id)

            _, own = await scene.around(remove)
            for victim in scene.victims:
                await victim.barrier()
                assert not victim.mirror.complaints, victim.mirror.complaints[:3]
                assert scene.room not in victim.mirror.rooms
            left = scene.last_left()
            seen = [
                message["rev"]
                for victim in scene.victims
                for event in victim.events
                if event["ev"] == "messages" and event["room"] == scene.room
                for message in event["messages"]
            ]
            assert max(seen, default=0) < left
            assert all(answer["seq"] < left for answer in own)
            assert '"after ' not in scene.heard()
            with pytest.raises(Refused, match="not_found"):
                await scene.victims[1].call("room.history", room=scene.room)
            await scene.leave()
        await scene.end()


async def _is_shut_out(scene: Scene, old: Person) -> None:
    """Every connection was closed for good, and the sign-in opens nothing."""
    for victim in scene.victims:
        assert await victim.closed() == 4001
    assert '"after ' not in scene.heard()
    assert (await scene.server.command(old, "room.list")).status == 401
    with pytest.raises(LOST):
        await Client(scene.server, old).open()


@on_a_loop()
async def test_whoever_signs_out_hears_nothing_more(tmp_path: Path) -> None:
    random = chance()
    async with serving(tmp_path, people=3) as (server, people):
        scene = Scene(server, people, random)
        await scene.begin()
        for _ in range(amount("SIGN_OUTS", 8)):
            await scene.arrive()
            old = scene.person

            async def sign_out(old: Person = old) -> Any:
                return await server.command(old, "session.end")

            answer, _ = await scene.around(sign_out)
            assert answer.status == 200
            await _is_shut_out(scene, old)
            scene.person = await server.sign_in(old.name)
        await scene.end()


@on_a_loop()
async def test_whoever_is_disabled_hears_nothing_more(tmp_path: Path) -> None:
    random = chance()
    async with serving(tmp_path, people=3) as (server, people):
        scene = Scene(server, people, random)
        await scene.begin()
        for _ in range(amount("DISABLINGS", 8)):
            await scene.arrive()
            old = scene.person

            async def disable(user: int = old.id) -> Any:
                return await scene.owner.call("user.disable", user=user)

            await scene.around(disable)
            await _is_shut_out(scene, old)
            await scene.owner.call("user.enable", user=old.id)
            scene.person = await server.sign_in(old.name)
        await scene.end()
