"""Buses to try: what one publishes, the other receives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from chatbox.bus.base import Bus, Publication
from chatbox.bus.link import Link
from chatbox.bus.redis import RedisBus
from chatbox.bus.seal import Seal
from tests.harness.redis import Redis, redis_in

KEY = "sixteen letters or more"
PATIENCE = 30.0  # seconds


class Kept:
    """A receiver that keeps what it is handed."""

    def __init__(self) -> None:
        self.found: list[Publication] = []
        self._more = asyncio.Event()

    def __call__(self, publication: Publication) -> None:
        self.found.append(publication)
        self._more.set()

    async def until(self, holds: Callable[[list[Publication]], bool]) -> None:
        """Wait until this holds of all that came."""
        async with asyncio.timeout(PATIENCE):
            while not holds(self.found):
                self._more.clear()
                await self._more.wait()


class Node:
    """A bus of a cluster, as one node has it."""

    def __init__(self, name: str, redis: Redis, key: str = KEY) -> None:
        self.link = Link(redis.url)
        self.kept = Kept()
        self.seal = Seal(key)
        self.came = asyncio.Event()
        self.bus = RedisBus(self.link, self.seal, name, self.came.set)

    async def start(self) -> None:
        await self.bus.start(self.kept)

    async def is_up(self, up: bool = True) -> None:
        """Wait until it has noticed."""
        async with asyncio.timeout(PATIENCE):
            while self.link.up != up:  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.01)


class Cluster:
    """Two nodes over a Redis of their own."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.one = Node("one", redis)
        self.two = Node("two", redis)

    async def start(self, stack: AsyncExitStack) -> None:
        for node in (self.one, self.two):
            await node.start()
            stack.push_async_callback(node.bus.close)


async def clustered(folder: Path, stack: AsyncExitStack) -> Cluster:
    """A cluster that runs until the stack is left."""
    cluster = Cluster(await stack.enter_async_context(redis_in(folder)))
    await cluster.start(stack)
    return cluster


def told(number: int, topic: str = "room:7", **more: object) -> Publication:
    """A publication that can be told from others."""
    return Publication(topic, b'{"n":%d}' % number, head=number, after=number - 1, **more)  # type: ignore[arg-type]


async def passed(publisher: Bus, receiver: Kept, topic: str) -> None:
    """Wait until all that was published has arrived: this comes after it."""
    publisher.publish([Publication(topic, b"last")])
    await receiver.until(lambda found: any(each.event == b"last" for each in found))
