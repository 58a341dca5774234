"""Nodes in one process: each a whole instance, over one store, and a bus between them that a test holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast
from unittest.mock import patch

from msgspec import structs

from chatbox import cluster, instance
from chatbox.bus.base import Publication, Receiver
from chatbox.bus.redis import RedisBus
from chatbox.chat.chosen import Chosen
from chatbox.chat.context import Caller
from chatbox.chat.machine import NoMachine
from chatbox.errors import Unavailable
from chatbox.live import follower, sweep
from chatbox.live.follower import Follower
from chatbox.settings import Settings
from chatbox.store.base import Steps, Store
from chatbox.store.postgres_opening import open_postgres
from chatbox.store.sqlite import open_store
from tests.chat.support import CHEAP, SetClock, World
from tests.chat.talk import connect, do, greet
from tests.live.support import KeptSink, flushed
from tests.store.passing import Passing

T = TypeVar("T")
KEY = "sixteen letters or more"
PATIENCE = 30.0  # seconds


class Ether:
    """What the nodes publish, on its way. While it is `held` it waits for the test."""

    def __init__(self) -> None:
        self.buses: list[LooseBus] = []
        self.held = False
        self.lost = False  # as if Redis were away
        self.letters: list[tuple[LooseBus, Publication]] = []

    def publish(self, sender: LooseBus, publications: list[Publication]) -> None:
        for publication in publications:
            for bus in self.buses:
                if bus is sender or publication.topic not in bus.topics or self.lost:
                    continue
                if self.held:
                    self.letters.append((bus, publication))
                else:
                    bus.receiver(publication)

    def deliver(self, number: int = 0) -> None:
        """Let one of those on their way arrive."""
        bus, publication = self.letters.pop(number)
        bus.receiver(publication)

    def deliver_all(self) -> None:
        while self.letters:
            self.deliver()


class LooseBus:
    """`bus.base.Bus` of one node."""

    ether: Ether  # of the test that runs

    def __init__(self, *_: object) -> None:
        self.topics: set[str] = set()
        self.receiver: Receiver = lambda _: None
        self.ether.buses.append(self)

    async def start(self, receiver: Receiver) -> None:
        self.receiver = receiver

    def publish(self, publications: list[Publication]) -> None:
        self.ether.publish(self, publications)

    async def subscribe(self, topics: list[str]) -> None:
        await asyncio.sleep(0)
        self.topics |= set(topics)

    def unsubscribe(self, topics: list[str]) -> None:
        self.topics -= set(topics)

    async def close(self) -> None:
        self.ether.buses.remove(self)


class Lent(Passing):
    """A store that several nodes have: none of them closes it. While it is `broken` nothing can be read."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.broken = False

    def read(self, steps: Steps[T], *, slow: bool = False) -> Awaitable[T]:
        return _refused() if self.broken else self._store.read(steps, slow=slow)

    async def close(self) -> None:
        """Another one does that."""


async def _refused() -> Any:
    raise Unavailable("The server could not read its data just now. Try again.")


class Node(World):
    """An instance among others. `settings` name its Redis."""

    def __init__(self, folder: Path, clock: SetClock, store: Store, settings: Settings) -> None:
        super().__init__(folder, clock)
        folder.mkdir()
        self.store = Lent(store)
        self._settings = settings

    async def start(self) -> None:
        chosen = Chosen(self._settings, {}, {})
        self.ctx = await instance._assemble(
            chosen,
            self.folder,
            self.clock,
            CHEAP,
            "",
            self.codes.append,
            self.store,
            NoMachine(),
            instance.open_blobs(self._settings, self.folder),
        )
        self.ctx.server.addresses = lambda: ["http://192.168.1.5:8642"]

    @property
    def follower(self) -> Follower:
        return cast(cluster.Node, self.ctx.cluster).follower

    @property
    def sweep(self) -> sweep.Sweep:
        found = cast(cluster.Node, self.ctx.cluster)._sweep
        assert found is not None
        return found

    async def look(self) -> None:
        """The sweep, once."""
        await self.sweep.look()

    async def come(self, caller: Caller) -> Guest:
        """Somebody connects, and says hello."""
        guest = Guest(self, *connect(self, caller))
        guest.hello = await greet(self, guest.caller)
        return guest

    async def settled(self) -> None:
        """Until nothing is being read, and all is written."""
        async with asyncio.timeout(PATIENCE):
            while self.follower._tasks or any(  # noqa: ASYNC110 - what it waits for ends in many places
                place.timer or place.busy for place in self.follower._places.values()
            ):
                await asyncio.sleep(0.002)
        await flushed(self.ctx.hub)


class Guest:
    """Somebody who is connected to a node."""

    def __init__(self, node: Node, caller: Caller, sink: KeptSink) -> None:
        self.node = node
        self.caller = caller
        self.sink = sink
        self.hello: dict[str, Any] = {}

    @property
    def user(self) -> int:
        return self.caller.user

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [payload for payload in self.sink.payloads if payload.get("ev") == kind]

    def numbers(self, room: int) -> list[tuple[int, int]]:
        """From which number to which each event of a room told."""
        return [(each["after"], each["head"]) for each in self.events("messages") if each["room"] == room]

    def texts(self, room: int) -> list[str]:
        """What was posted in a room since hello, as it came."""
        found = [each for each in self.events("messages") if each["room"] == room]
        return [message["text"] for each in found for message in each["messages"]]

    async def until(self, holds: Callable[[Guest], object]) -> None:
        """Wait until this holds of what has come."""
        async with asyncio.timeout(PATIENCE):
            while not holds(self):
                await flushed(self.node.ctx.hub)
                await asyncio.sleep(0.002)

    async def do(self, name: str, /, **fields: Any) -> Any:
        return await do(self.node, self.caller, name, **fields)


class Town:
    """Two nodes, and who is registered there. `ether` is what is between them, unless they have a Redis.
    `stores` are what each has, or what both have."""

    def __init__(self, folder: Path, stores: Sequence[Store], redis: str = "redis://nowhere") -> None:
        self.ether = Ether()
        self.clock = SetClock()
        self.store = stores[0]
        settings = Settings()
        in_cluster = structs.replace(settings.cluster, redis=redis, key=KEY)
        storage = structs.replace(settings.storage, database="postgresql://nowhere/chat")
        settings = structs.replace(settings, cluster=in_cluster, storage=storage)
        self.one = Node(folder / "one", self.clock, stores[0], settings)
        self.two = Node(folder / "two", self.clock, stores[-1], settings)
        self.ada: Caller
        self.ben: Caller
        self.eve: Caller

    async def start(self) -> None:
        LooseBus.ether = self.ether
        await self.one.start()
        self.ada = await self.one.set_up()
        await self.two.start()
        self.ben, self.eve = await self.one.register("ben"), await self.one.register("eve")
        await self.settled()

    async def settled(self) -> None:
        for node in (self.one, self.two):
            await node.settled()


@asynccontextmanager
async def town_in(folder: Path, redis: str = "", database: str = "") -> AsyncIterator[Town]:
    """Two nodes that run, on a bus that the test holds, or a Redis; on one file of SQLite, or a database
    of PostgreSQL. Each looks only when it is told to."""
    stores: list[Store] = []
    if database:
        stores += [await open_postgres(database, SetClock()) for _ in range(2)]
    else:
        stores.append(await open_store(folder / "chatbox.sqlite3", SetClock()))
    kind = RedisBus if redis else LooseBus
    with (
        patch.object(cluster, "RedisBus", kind),
        patch.object(sweep, "EVERY", 10_000.0),
        patch.object(follower, "_AGAIN", 0.05),
    ):
        town = Town(folder, stores, redis or "redis://nowhere")
        await town.start()
        try:
            yield town
        finally:
            for node in (town.one, town.two):
                await instance.close_instance(node.ctx)
            for store in stores:
                await store.close()


def in_town(test: Callable[[Town], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    """Make a pytest test of a coroutine that is given a town."""

    async def live(folder: Path) -> None:
        async with town_in(folder) as town:
            await test(town)

    def run(tmp_path: Path) -> None:
        asyncio.run(live(tmp_path))

    run.__name__, run.__doc__, run.__module__ = test.__name__, test.__doc__, test.__module__
    return run
