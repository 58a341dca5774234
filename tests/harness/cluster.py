"""Several nodes as processes, with a PostgreSQL, a Redis and a load balancer of their own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from chatbox.store.dialect import said
from tests.harness import postgres
from tests.harness.balancer import ADDRESS, Balancer
from tests.harness.postgres import Postgres
from tests.harness.process import Person, Server, enter
from tests.harness.proxy import Proxy
from tests.harness.redis import Redis

KEY = "a key that all nodes share"


class Node(Server):
    """One node. Its ways to PostgreSQL and Redis lead through proxies, so that they can be cut."""

    def __init__(self, folder: Path, settings: dict[str, str], to_database: Proxy, to_redis: Proxy) -> None:
        super().__init__(folder, settings)
        self.to_database = to_database
        self.to_redis = to_redis

    def freeze(self, frozen: bool = True) -> None:
        """It runs no further, or it does again."""
        self.signal(signal.SIGSTOP if frozen else signal.SIGCONT)


class Cluster:
    """The parts of it. A `process.Books`: what is stored is read from PostgreSQL itself."""

    def __init__(
        self, database: Postgres, url: str, redis: Redis, nodes: list[Node], balancer: Balancer
    ) -> None:
        self.database = database
        self.redis = redis
        self.nodes = nodes
        self.balancer = balancer
        self._url = url
        self._reader = ThreadPoolExecutor(1)

    def rows(self, sql: str, *params: Any) -> list[Any]:
        """What the database says, to a statement as it is written for SQLite."""
        return self._reader.submit(asyncio.run, self._rows(sql, params)).result()

    async def _rows(self, sql: str, params: tuple[Any, ...]) -> list[Any]:
        connection = await asyncpg.connect(self._url)
        try:
            statement = said(sql)
            return [tuple(row) for row in await connection.fetch(statement.sql, *statement.params(params))]
        finally:
            await connection.close()

    async def set_up(self, name: str = "ada") -> Person:
        """Complete the setup at the first node; everybody may join. Gives the admin, by the balancer."""
        await self.nodes[0].set_up(name)
        return await self.sign_in(name)

    async def register(self, name: str) -> Person:
        """Somebody new, who comes by the balancer."""
        return await enter(self.balancer.port, name, "user.register")

    async def sign_in(self, name: str) -> Person:
        """Another sign-in by the balancer."""
        return await enter(self.balancer.port, name, "session.create")

    async def online(self, node: Node, person: Person) -> list[int]:
        """Who is here, as this node tells this person; nobody while it cannot tell."""
        answer = await node.command(person._replace(origin=node.url), "hello")
        assert answer.status in (200, 503), answer.body
        return sorted(answer.json["online"]) if answer.status == 200 else []

    async def all_online(self, person: Person, here: list[int]) -> None:
        """Wait until every node tells that exactly these are here."""
        for node in self.nodes:
            while await self.online(node, person) != here:  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.2)


@asynccontextmanager
async def clustered(
    folder: Path,
    random: Random,
    *,
    nodes: int = 3,
    sticky: bool = True,
    settings: dict[str, str] | None = None,
    database: Postgres | None = None,
) -> AsyncIterator[Cluster]:
    """A running cluster, with quiet logs in the end. `database` is a PostgreSQL of the caller's own, where
    it is to be broken; else that of the whole run of tests is used."""
    database = database or postgres.server()
    url = await asyncio.to_thread(database.make)
    redis = Redis(folder)
    async with AsyncExitStack() as stack:
        await redis.start()
        stack.push_async_callback(redis.stop)
        made = []
        for number in range(1, nodes + 1):
            to_database, to_redis = Proxy(database.port, random), Proxy(redis.port, random)
            for proxy in (to_database, to_redis):
                await proxy.start()
                stack.push_async_callback(proxy.close)
            own = {
                "storage.database": url.replace(f":{database.port}/", f":{to_database.port}/"),
                "storage.uploads": str(folder / "uploads"),
                "cluster.redis": redis.url.replace(f":{redis.port}/", f":{to_redis.port}/"),
                "cluster.key": KEY,
                "server.trusted_proxies": ADDRESS,
                **(settings or {}),
            }
            place = folder / f"node{number}"
            place.mkdir()
            made.append(Node(place, own, to_database, to_redis))
        for node in made:  # the first makes the tables
            await node.start()
            stack.push_async_callback(_end, node)
        balancer = Balancer(folder / "balancer", [node.port for node in made], sticky=sticky)
        await balancer.start()
        stack.push_async_callback(balancer.stop)
        await balancer.up(nodes)
        cluster = Cluster(database, url, redis, made, balancer)
        yield cluster
        for node in made:
            if node.running:
                assert await node.stop() == 0, node.log[-4000:]
        for node in made:
            node.assert_quiet()


async def _end(node: Server) -> None:
    for transport in node.transports:
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
    if node.running:
        await node.kill()
