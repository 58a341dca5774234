"""Whoever loses a room, a sign-in or an account on one node hears nothing more on any other."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from random import Random

import pytest

from chatbox.chat.context import Caller
from tests.chat.support import PASSWORD
from tests.chat.talk import do, make_room, post
from tests.cluster.support import Guest, Town, in_town, town_in
from tests.harness import postgres
from tests.harness.redis import redis_in

INTERLEAVINGS = int(os.environ.get("CHATBOX_INTERLEAVINGS", "20"))
REAL_INTERLEAVINGS = int(os.environ.get("CHATBOX_REAL_INTERLEAVINGS", "10"))
_AT_ONCE = 10


async def _confirm(town: Town, who: Caller) -> None:
    for node in (town.one, town.two):
        await do(node, who, "session.confirm", password=PASSWORD)


@in_town
async def test_who_was_removed_elsewhere_hears_nothing_that_comes_later(town: Town) -> None:
    room = await make_room(town.one, town.ada, "ops", town.ben, town.eve)
    ben, eve = await town.two.come(town.ben), await town.two.come(town.eve)
    town.ether.lost = True
    await do(town.one, town.ada, "room.remove", room=room, user=ben.user)
    town.ether.lost = False
    await post(town.one, town.ada, room, "secret")
    await eve.until(lambda eve: eve.texts(room))
    await town.settled()
    assert (eve.texts(room), ben.texts(room)) == (["secret"], [])
    assert ben.caller.connection is not None
    assert room not in ben.caller.connection.rooms


@in_town
async def test_typing_does_not_overtake_a_removal(town: Town) -> None:
    room = await make_room(town.one, town.ada, "ops", town.ben)
    ben = await town.two.come(town.ben)
    town.ether.held = True
    await do(town.one, town.ada, "room.remove", room=room, user=ben.user)
    await do(town.one, town.ada, "room.typing", room=room)
    town.ether.letters.reverse()
    town.ether.deliver_all()
    await town.settled()
    assert ben.events("typing") == []


@in_town
async def test_a_session_that_ends_on_one_node_closes_on_the_other(town: Town) -> None:
    ben = await town.two.come(await town.one.sign_in("ben"))
    other = await town.two.come(town.ben)
    await do(town.one, ben.caller, "session.end")
    assert ben.sink.closed == [(4001, "signed out")]
    assert other.sink.closed == []


@in_town
async def test_a_session_that_ended_unheard_is_closed_by_looking(town: Town) -> None:
    ben = await town.two.come(await town.one.sign_in("ben"))
    other = await town.two.come(town.ben)
    town.ether.lost = True
    await do(town.one, ben.caller, "session.end")
    assert ben.sink.closed == []
    await town.two.look()
    assert ben.sink.closed == [(4001, "signed out")]
    assert other.sink.closed == []


@in_town
async def test_an_account_that_was_disabled_unheard_is_closed_by_looking(town: Town) -> None:
    ben, eve = await town.two.come(town.ben), await town.two.come(town.eve)
    town.ether.lost = True
    await _confirm(town, town.ada)
    await do(town.one, town.ada, "user.disable", user=ben.user)
    await town.two.look()
    assert ben.sink.closed == [(4001, "signed out")]
    assert eve.sink.closed == []
    await post(town.one, town.ada)
    await town.two.look()
    await town.settled()
    assert ben.events("messages") == []


def test_over_redis_a_sign_out_reaches_every_node_at_once(tmp_path: Path) -> None:
    async def live() -> None:
        async with redis_in(tmp_path) as redis, town_in(tmp_path, redis.url) as town:
            ben, eve = await town.two.come(town.ben), await town.two.come(town.eve)
            await do(town.one, town.ben, "session.end")
            async with asyncio.timeout(30):
                while not ben.sink.closed:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            await post(town.one, town.ada)
            await eve.until(lambda eve: eve.events("messages"))
            assert ben.sink.closed == [(4001, "signed out")]
            assert ben.events("messages") == []
            await redis.stop()
            await do(town.one, town.eve, "session.end")
            await town.two.look()
            assert eve.sink.closed == [(4001, "signed out")]

    asyncio.run(live())


class _Story:
    """Things that happen on two nodes in any order; letters come late, in the wrong order, or never."""

    def __init__(self, town: Town, random: Random, room: int, guests: list[Guest]) -> None:
        self._town = town
        self._random = random
        self._room = room
        self._guests = guests
        self._number = 0
        self._members = {guest.user for guest in guests}
        self.not_for: dict[int, set[str]] = {
            guest.user: set() for guest in guests
        }  # posted while not a member

    async def step(self) -> None:
        """One of them."""
        random, town = self._random, self._town
        node = random.choice((town.one, town.two))
        guest = random.choice(self._guests)
        match random.choice(
            ("post", "post", "remove", "invite", "type", "letter", "letter", "lose", "look", "turn")
        ):
            case "post":
                self._number += 1
                await post(node, town.ada, self._room, str(self._number))
                for user in self.not_for.keys() - self._members:
                    self.not_for[user].add(str(self._number))
            case "remove" if guest.user in self._members:
                await do(node, town.ada, "room.remove", room=self._room, user=guest.user)
                self._members.discard(guest.user)
            case "invite" if guest.user not in self._members:
                self.check()
                await do(node, town.ada, "room.invite", room=self._room, user=guest.user)
                self._members.add(guest.user)
                self.not_for[guest.user].clear()
            case "type":
                await do(node, town.ada, "room.typing", room=self._room)
            case "letter" if town.ether.letters:
                town.ether.deliver(random.randrange(len(town.ether.letters)))
            case "lose" if town.ether.letters:
                town.ether.letters.pop(random.randrange(len(town.ether.letters)))
            case "look":
                await node.look()
            case "turn":
                await asyncio.sleep(random.choice((0, 0, 0.001)))

    def check(self) -> None:
        """Nobody has what was posted since they were removed."""
        for guest in self._guests:
            assert not self.not_for[guest.user] & set(guest.texts(self._room))

    async def end(self) -> None:
        """All letters arrive or are lost for good, and the nodes look."""
        self._town.ether.letters.clear()
        for node in (self._town.one, self._town.two):
            await node.look()
        await self._town.settled()
        self.check()


async def _memberships(town: Town, room: int) -> set[int]:
    sql = "SELECT user FROM memberships WHERE room = ? AND left_at IS NULL"
    return {user for (user,) in await town.one.rows(sql, room)}


async def _play(town: Town, random: Random, number: int) -> None:
    room = await make_room(town.one, town.ada, f"room{number}", town.ben, town.eve, kind="private")
    places = [(town.one, town.ben), (town.two, town.ben), (town.two, town.eve)]
    guests = [await node.come(caller) for node, caller in places]
    town.ether.held = True
    story = _Story(town, random, room, guests)
    for _ in range(random.randint(5, 30)):
        await story.step()
    await story.end()
    before = {guest: len(guest.sink.payloads) for guest in guests}
    members = await _memberships(town, room)
    last = await post(random.choice((town.one, town.two)), town.ada, room, "last")
    await story.end()
    for guest in guests:
        connection = guest.caller.connection
        assert connection is not None
        later = [each for each in guest.sink.payloads[before[guest] :] if each.get("room") == room]
        assert (room in connection.rooms) == (guest.user in members)
        if guest.user in members:
            assert [each["head"] for each in later if each["ev"] == "messages"][-1] == last
        else:
            assert later == []
        numbers = [head for _, head in guest.numbers(room)]
        assert numbers == sorted(numbers)
        texts = guest.texts(room)
        assert len(texts) == len(set(texts))
        guest.node.ctx.hub.detach(connection)
    town.ether.held = False


def _seed() -> str:
    seed = os.environ.get("CHATBOX_SEED", os.urandom(4).hex())
    print(f"CHATBOX_SEED={seed}")
    return seed


def _parts(amount: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("part", range(-(-amount // _AT_ONCE)))


@_parts(INTERLEAVINGS)
def test_in_any_order_who_was_removed_hears_nothing_later(part: int, tmp_path: Path) -> None:
    seed = _seed()

    async def live() -> None:
        async with town_in(tmp_path) as town:
            for number in range(_AT_ONCE):
                await _play(town, Random(f"{seed} {part} {number}"), number)

    asyncio.run(live())


@pytest.mark.parametrize("away", [False, True], ids=["over Redis", "without Redis"])
@_parts(REAL_INTERLEAVINGS)
def test_on_postgresql_who_was_removed_hears_nothing_later(part: int, away: bool, tmp_path: Path) -> None:
    """The same, in the order in which a real Redis and a real PostgreSQL happen to do it."""
    seed, database = _seed(), postgres.server().wiped()

    async def live() -> None:
        async with redis_in(tmp_path) as redis, town_in(tmp_path, redis.url, database) as town:
            if away:
                await redis.stop()
                await without_redis(town)
            for number in range(_AT_ONCE):
                await _play(town, Random(f"{seed} {part} {number}"), number)

    asyncio.run(live())


async def without_redis(town: Town) -> None:
    """Until both nodes have noticed that it is away."""
    async with asyncio.timeout(30):
        for node in (town.one, town.two):
            while node.ctx.cluster.figures()["chatbox_redis_up"][2]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
