"""Leases of nodes, and who is on them, over a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from msgspec import msgpack

from chatbox.bus.base import Publication
from chatbox.bus.link import Command
from chatbox.bus.redis import RedisBus
from chatbox.live.nodes import LEASE, Lease, Nodes, _News
from tests.bus.support import Node
from tests.chat.support import SetClock
from tests.harness.redis import Redis, redis_in

PATIENCE = 30.0  # seconds


class Member:
    """A node with people on it, and no more."""

    def __init__(self, name: str, redis: Redis, clock: SetClock) -> None:
        self.base = Node(name, redis)
        self.bus: RedisBus = self.base.bus
        self.here: dict[int, str] = {}
        self.database = True
        self.clock = clock
        self.name = name
        self.nodes = Nodes(self.base.link, self.base.seal, self.bus, clock, name)

    async def start(self) -> None:
        await self.bus.start(self.nodes.receive)
        await self.bus.subscribe([Nodes.TOPIC])

    async def tick(self) -> None:
        lease = Lease("", "box", "1.0", "http://box", 5, 7, 3, sees=self.database)
        await self.nodes.tick(lambda: lease, self.here)

    async def sees(self, states: dict[int, str]) -> None:
        """Wait until it has heard so much of the others."""
        async with asyncio.timeout(PATIENCE):
            while dict(self.nodes.elsewhere()) != states:  # noqa: ASYNC110 - of another node
                await asyncio.sleep(0.002)


class Pair:
    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.clock = SetClock()
        self.one, self.two = Member("one", redis, self.clock), Member("two", redis, self.clock)

    async def tick(self, seconds: float = 0.0) -> None:
        self.clock.forward(ms=int(seconds * 1000))
        for member in (self.one, self.two):
            await member.tick()

    async def meet(self) -> None:
        """Both have seen each other's lease."""
        await self.tick()
        await self.tick(5)

    async def know(self) -> None:
        """Redis has been there long enough to go by what stands in it."""
        await self.meet()
        await self.tick(5)
        assert self.two.nodes.others_see()

    async def is_up(self, up: bool) -> None:
        for member in (self.one, self.two):
            await member.base.is_up(up)


def in_pair(test: Callable[[Pair], Coroutine[None, None, None]]) -> Callable[[Path], None]:
    async def live(folder: Path) -> None:
        async with AsyncExitStack() as stack:
            pair = Pair(await stack.enter_async_context(redis_in(folder)))
            for member in (pair.one, pair.two):
                await member.start()
                stack.push_async_callback(member.bus.close)
                stack.push_async_callback(member.nodes.leave)
            await test(pair)

    def run(tmp_path: Path) -> None:
        asyncio.run(live(tmp_path))

    run.__name__ = test.__name__
    return run


@in_pair
async def test_nodes_find_each_other_and_who_is_there(pair: Pair) -> None:
    pair.one.here = {1: "online", 2: "away"}
    await pair.meet()
    assert dict(pair.two.nodes.elsewhere()) == {1: "online", 2: "away"}
    own, other = pair.two.nodes.leases
    assert (own.node, other) == ("two", Lease("one", "box", "1.0", "http://box", 5, 7, 3, 1))
    assert pair.one.nodes.count == pair.two.nodes.count == 2


@in_pair
async def test_what_changes_is_told_once_a_second(pair: Pair) -> None:
    await pair.meet()
    pair.one.here = {1: "online"}
    await pair.one.tick()
    await pair.two.sees({1: "online"})
    pair.one.here = {1: "away", 2: "online"}
    await pair.one.tick()
    await pair.two.sees({1: "away", 2: "online"})
    pair.one.here = {2: "online"}
    await pair.one.tick()
    await pair.two.sees({2: "online"})


@in_pair
async def test_what_was_not_heard_is_read_with_the_next_lease(pair: Pair) -> None:
    await pair.meet()
    pair.one.nodes._number += 1
    pair.one.here = {2: "online", 3: "online"}
    await pair.one.tick()
    assert dict(pair.two.nodes.elsewhere()) == {}
    await pair.tick(5)
    await pair.two.sees({2: "online", 3: "online"})


@in_pair
async def test_a_node_whose_news_do_not_fit_is_asked(pair: Pair) -> None:
    await pair.meet()
    pair.one.nodes._number += 1  # as if something that it told was lost
    pair.one.here = {1: "online", 2: "away"}
    await pair.one.tick()
    async with asyncio.timeout(PATIENCE):
        while not pair.two.nodes._unclear:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    await pair.two.tick()
    async with asyncio.timeout(PATIENCE):
        while pair.one.nodes._refresh_at:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    await pair.one.tick()
    pair.clock.forward(seconds=2)
    await pair.two.tick()
    assert dict(pair.two.nodes.elsewhere()) == {1: "online", 2: "away"}


@in_pair
async def test_a_node_that_leaves_is_gone_at_once(pair: Pair) -> None:
    pair.one.here = {1: "online"}
    await pair.meet()
    await pair.one.nodes.leave()
    await pair.two.sees({})
    assert await pair.redis.say("EXISTS", f"{pair.one.base.seal.prefix}node:one") == b":0"
    await pair.two.tick()
    pair.clock.forward(seconds=5)
    await pair.two.tick()
    assert (len(pair.two.nodes.leases), pair.two.nodes.count) == (1, 1)


@in_pair
async def test_a_node_may_leave_while_the_list_of_who_is_on_it_is_read(pair: Pair) -> None:
    await pair.meet()
    pair.one.nodes._number += 1  # the list is newer than what was told
    pair.one.here = {1: "online"}
    pair.clock.forward(seconds=5)
    await pair.one.tick()
    line, left = pair.two.nodes._line, msgpack.encode(_News("one", left=True))
    run = line.run

    async def interrupted(commands: Sequence[Command]) -> list[Any]:
        answers = await run(commands)
        if any("people:one" in str(word) for command in commands for word in command):
            pair.two.nodes.receive(Publication(Nodes.TOPIC, left))
        return answers

    with patch.object(line, "run", interrupted):
        await pair.two.tick()
    assert (dict(pair.two.nodes.elsewhere()), len(pair.two.nodes.leases)) == ({}, 1)


@in_pair
async def test_a_node_that_died_is_gone_when_its_lease_ends(pair: Pair) -> None:
    pair.one.here = {1: "online"}
    await pair.meet()
    key = f"{pair.one.base.seal.prefix}node:one"
    left = int((await pair.redis.say("PTTL", key))[1:])
    assert 0 < left <= LEASE * 1000
    pair.clock.forward(seconds=5)
    await pair.two.tick()
    assert dict(pair.two.nodes.elsewhere()) == {1: "online"}
    await pair.redis.say("DEL", key)  # as when it has run out
    pair.clock.forward(seconds=5)
    await pair.two.tick()
    assert (dict(pair.two.nodes.elsewhere()), pair.two.nodes.count) == ({}, 1)


@in_pair
async def test_while_redis_is_away_the_others_stay_for_two_minutes(pair: Pair) -> None:
    pair.one.here = {1: "online"}
    await pair.meet()
    await pair.redis.stop()
    await pair.is_up(False)
    await pair.tick(1)
    await pair.tick(118)
    assert dict(pair.two.nodes.elsewhere()) == {1: "online"}
    await pair.tick(2)
    assert (dict(pair.two.nodes.elsewhere()), pair.two.nodes.count) == ({}, 2)


@in_pair
async def test_a_redis_that_comes_back_empty_makes_nobody_seem_gone(pair: Pair) -> None:
    pair.one.here = {1: "online"}
    await pair.meet()
    await pair.redis.stop()
    await pair.is_up(False)
    await pair.tick(1)
    await pair.redis.start()
    await pair.is_up(True)
    await pair.two.tick()  # before the other one has written its lease anew
    assert dict(pair.two.nodes.elsewhere()) == {1: "online"}
    await pair.one.tick()
    await pair.tick(12)
    await pair.tick(12)
    assert dict(pair.two.nodes.elsewhere()) == {1: "online"}
    assert await pair.redis.say("EXISTS", f"{pair.one.base.seal.prefix}people:one") == b":1"


@in_pair
async def test_a_lease_that_no_node_wrote_counts_for_nothing(pair: Pair) -> None:
    await pair.meet()
    prefix = pair.one.base.seal.prefix
    await pair.redis.say("SADD", f"{prefix}nodes", "three")
    await pair.redis.say("SET", f"{prefix}node:three", b"x" * 80)
    await pair.tick(5)
    assert [lease.node for lease in pair.two.nodes.leases] == ["two", "one"]
    assert await pair.redis.say("SISMEMBER", f"{prefix}nodes", "three") == b":0"


@in_pair
async def test_who_is_at_the_screen_on_any_node_is_not_away(pair: Pair) -> None:
    three = Member("three", pair.redis, pair.clock)
    await three.start()
    pair.one.here, three.here = {1: "away", 2: "away", 3: "online"}, {1: "online", 2: "away"}
    await three.tick()
    await pair.meet()
    await pair.tick(5)
    assert dict(pair.two.nodes.elsewhere()) == {1: "online", 2: "away", 3: "online"}
    await three.nodes.leave()
    await three.bus.close()


@in_pair
async def test_of_nodes_that_all_died_nothing_stays_in_redis(pair: Pair) -> None:
    pair.one.here[1] = "online"
    await pair.meet()
    line = pair.one.base.link.line()
    (names,) = await line.run([("KEYS", "*")])
    assert len(names) == 5
    ends = await line.run([("TTL", name) for name in names])
    assert all(0 < left <= LEASE for left in ends), dict(zip(names, ends, strict=True))
    await line.close()


@in_pair
async def test_who_loses_the_database_or_finds_it_says_so_before_the_lease_is_due(pair: Pair) -> None:
    await pair.know()
    pair.one.database = False
    await pair.tick(3)
    assert not pair.two.nodes.others_see()
    pair.one.database = True
    await pair.tick(3)
    assert pair.two.nodes.others_see()


@in_pair
async def test_what_others_see_is_not_known_while_redis_is_away_nor_right_after(pair: Pair) -> None:
    await pair.know()
    await pair.redis.stop()
    await pair.is_up(False)
    assert not pair.two.nodes.others_see()
    await pair.tick(1)
    await pair.redis.start()
    await pair.is_up(True)
    assert not pair.two.nodes.others_see()
    await pair.tick()
    await pair.tick(9)
    assert not pair.two.nodes.others_see()
    await pair.tick(1)
    assert pair.two.nodes.others_see()


@in_pair
async def test_a_lease_that_is_not_written_anew_does_not_tell_what_its_node_sees(pair: Pair) -> None:
    await pair.know()
    key = f"{pair.one.base.seal.prefix}node:one"
    await pair.redis.say("PEXPIRE", key, "2000")  # as when it was written thirteen seconds ago
    pair.clock.forward(seconds=3)
    await pair.two.tick()
    assert not pair.two.nodes.others_see()
    await pair.tick(3)
    assert pair.two.nodes.others_see()
    pair.clock.forward(seconds=LEASE)  # nothing was read since then
    assert not pair.two.nodes.others_see()
