"""A node without the database sends its people away if others see it, and only then; second by second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast
from unittest.mock import patch

from chatbox import cluster
from chatbox.live.nodes import Lease, Nodes
from tests.cluster.support import PATIENCE, Node, Town, town_in
from tests.harness.redis import Redis, redis_in
from tests.harness.running import on_a_loop

Lived = dict[Nodes, tuple[Callable[[], Lease], Callable[[], Mapping[int, str]]]]


class Watched:
    """Two nodes, whose seconds pass when the test says so. `seeing` are those that see the database."""

    def __init__(self, town: Town, redis: Redis, lived: Lived) -> None:
        self.town = town
        self.redis = redis
        self.seeing = [town.one, town.two]
        self._lived = lived

    async def seconds(self, number: int) -> list[tuple[bool, bool]]:
        """For each of the next seconds, whether people may as well stay at the one and the other."""
        found = []
        for _ in range(number):
            self.town.clock.forward(seconds=1)
            for node in self.seeing:
                await node.look()
            for node in (self.town.one, self.town.two):
                nodes = _part(node).nodes
                lease, here = self._lived[nodes]
                await nodes.tick(lease, here())
            found.append((_part(self.town.one).as_good_as_others(), _part(self.town.two).as_good_as_others()))
        return found

    async def redis_is(self, up: bool) -> None:
        """Wait until both have noticed."""
        async with asyncio.timeout(PATIENCE):
            for node in (self.town.one, self.town.two):
                while node.ctx.cluster.figures()["chatbox_redis_up"][2] != up:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Watched]:
    """Both know of each other, and see the database."""
    lived: Lived = {}

    async def stand_still(
        nodes: Nodes, lease: Callable[[], Lease], here: Callable[[], Mapping[int, str]]
    ) -> None:
        lived[nodes] = lease, here

    with patch.object(Nodes, "run", stand_still):
        async with redis_in(folder) as redis, town_in(folder, redis.url) as town:
            pair = Watched(town, redis, lived)
            await pair.redis_is(True)
            await pair.seconds(15)
            assert town.one.ctx.cluster.others()
            yield pair


def _part(node: Node) -> cluster.Node:
    return cast(cluster.Node, node.ctx.cluster)


@on_a_loop()
async def test_where_only_one_lost_the_database_its_people_go_after_fifteen_seconds(tmp_path: Path) -> None:
    async with watched(tmp_path) as pair:
        pair.seeing = [pair.town.two]
        assert await pair.seconds(14) == [(True, True)] * 14
        assert await pair.seconds(180) == [(False, True)] * 180
        pair.seeing = [pair.town.one, pair.town.two]
        assert await pair.seconds(1) == [(True, True)]


@on_a_loop()
async def test_where_all_lost_the_database_nobody_goes_whoever_noticed_first(tmp_path: Path) -> None:
    async with watched(tmp_path) as pair:
        for phase in range(5):  # of the leases
            pair.seeing = [pair.town.two]
            await pair.seconds(2)
            pair.seeing = []
            assert await pair.seconds(40) == [(True, True)] * 40
            pair.seeing = [pair.town.one, pair.town.two]
            await pair.seconds(15 + phase)


@on_a_loop()
async def test_where_redis_went_along_nobody_goes_either_and_not_when_it_is_back(tmp_path: Path) -> None:
    async with watched(tmp_path) as pair:
        pair.seeing = []
        await pair.redis.stop()
        await pair.redis_is(False)
        assert await pair.seconds(180) == [(True, True)] * 180
        await pair.redis.start()
        await pair.redis_is(True)
        assert await pair.seconds(40) == [(True, True)] * 40
