"""A node on a machine of its own, whose cables are pulled: nobody is told that a connection is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tests.harness import postgres
from tests.harness.client import LOST, Client, Lost, Refused
from tests.harness.cluster import KEY
from tests.harness.network import Cable, Desk, Host, hosts, inside
from tests.harness.postgres import Postgres
from tests.harness.process import FREE, Server, running
from tests.harness.proxy import Proxy
from tests.harness.redis import redis_in
from tests.harness.running import chance, on_a_loop

T = TypeVar("T")
GENERAL = 1
SOON = 10.0  # seconds for whatever others have to wait for because of a pulled cable
PRESENCE = 20.0
BACK = 30.0  # until all goes on after it was plugged in again, three tests to two cores
TROUBLE = ("chatbox.store: ", "chatbox.bus: ", "chatbox.cluster: ")


class Far(Desk):
    """A node on another machine, with a cable to the clients and one to PostgreSQL and Redis."""

    def __init__(self, folder: Path, host: Host, settings: dict[str, str], clients: Cable) -> None:
        super().__init__(folder, host, settings)
        self._clients = clients
        self.place = ["--host", "0.0.0.0", "--port", "8642"]

    @property
    def url(self) -> str:
        return f"http://{self._clients.far}:{self.port}"


class Sites(NamedTuple):
    near: Server
    far: Far
    clients: Cable
    stores: Cable
    ada: Client  # at the near node
    ben: Client  # at the far one


@contextmanager
def home_and_node() -> Iterator[tuple[Host, Host, Postgres]]:
    """Two machines, on the first of which this thread is, and a PostgreSQL there. That of the tests keeps its
    network: others would notice, and browsers load nothing for a moment."""
    with hosts("home", "node") as [home, node], inside(home):
        database = postgres.own()
        try:
            yield home, node, database
        finally:
            database.remove()


@asynccontextmanager
async def two_nodes(folder: Path, home: Host, host: Host, database: Postgres) -> AsyncIterator[Sites]:
    """A node here and one there, a client of each."""
    random = chance()
    url = await asyncio.to_thread(database.make)
    clients, stores = Cable(home, host, "eth0", 1), Cable(home, host, "eth1", 2)
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(redis_in(folder))
        to_database, to_redis = Proxy(database.port, random), Proxy(redis.port, random)
        for proxy in (to_database, to_redis):
            await proxy.start(stores.near)
            stack.push_async_callback(proxy.close)
        shared = FREE | {"storage.uploads": str(folder / "uploads"), "cluster.key": KEY}
        for name in ("near", "far"):
            (folder / name).mkdir()
        own = {"storage.database": url, "cluster.redis": redis.url}
        theirs = {
            "storage.database": _at(url, database.port, stores.near, to_database.port),
            "cluster.redis": _at(redis.url, redis.port, stores.near, to_redis.port),
        }
        near = Server(folder / "near", shared | own)
        far = Far(folder / "far", host, shared | theirs, clients)
        far.expected = TROUBLE
        await stack.enter_async_context(running(near))
        ada = await near.set_up()
        ben = await near.register("ben")
        await stack.enter_async_context(running(far))
        here, there = Client(near, ada), Client(far, ben._replace(origin=far.url))
        for client in (here, there):
            await client.connect()
        yield Sites(near, far, clients, stores, here, there)
        for client in (here, there):
            await client.close()


def _at(url: str, port: int, host: str, other: int) -> str:
    return url.replace(f"127.0.0.1:{port}", f"{host}:{other}")


async def _online(client: Client, here: list[int]) -> None:
    """Wait until the person is told that exactly these are here."""
    async with asyncio.timeout(PRESENCE):
        while sorted((await client.hello())["online"]) != here:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.2)


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do it again for as long as it is refused for the moment."""
    async with asyncio.timeout(BACK):
        while True:
            try:
                return await work()
            except Refused as refused:
                if refused.retry_in is None:
                    raise
                await asyncio.sleep(refused.retry_in)


async def _post(client: Client, texts: list[str]) -> None:
    for text in texts:
        async with asyncio.timeout(SOON):
            await client.post(GENERAL, text)


async def _everywhere(sites: Sites, texts: list[str]) -> None:
    """Both have all of it, in one order, and nothing twice."""
    clients = (sites.ada, sites.ben)
    head = max(
        [(await _patiently(partial(client.call, "ping")))["heads"][str(GENERAL)] for client in clients]
    )
    for client in clients:
        async with asyncio.timeout(BACK):  # until Redis is back, the other node's are found by looking
            while client.mirror.rooms[GENERAL].position < head:  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.05)
        await _patiently(client.settle)
    seen = [_texts(client) for client in (sites.ada, sites.ben)]
    assert seen[0] == seen[1]
    assert sorted(seen[0]) == sorted(texts)


def _texts(client: Client) -> list[str]:
    messages = client.mirror.rooms[GENERAL].messages
    return [messages[seq]["text"] for seq in sorted(messages) if "text" in messages[seq]]


def test_a_node_cut_off_from_the_stores_acknowledges_nothing_and_catches_up(tmp_path: Path) -> None:
    @on_a_loop(180)
    async def cut_off(*parts: Any) -> None:
        async with two_nodes(tmp_path, *parts) as sites:
            await _post(sites.ben, ["before"])
            sites.stores.pull()
            lost = asyncio.create_task(_refused(sites.ben, "during"))
            near = [f"near {number}" for number in range(20)]
            await _post(sites.ada, near)
            assert await lost
            assert sites.ben.connected
            sites.stores.plug()
            await _patiently(partial(_resend, sites.ben))
            await _post(sites.ben, ["after"])
            await _everywhere(sites, ["before", *near, "during", "after"])

    with home_and_node() as parts:
        cut_off(*parts)


async def _resend(client: Client) -> None:
    """What is in the outbox. Raises `Refused` where one of them is refused once more."""
    for nonce, fields in list(client.outbox.items()):
        await client.post(nonce=nonce, **fields)


async def _refused(client: Client, text: str) -> bool:
    """Whether a message is refused for the moment, in time, and kept to be sent again."""
    async with asyncio.timeout(SOON):
        with suppress(Refused):
            await client.post(GENERAL, text)
            return False
    return len(client.outbox) == 1


def test_whoever_was_at_a_node_whose_cables_are_pulled_goes_on_at_another(tmp_path: Path) -> None:
    @on_a_loop(180)
    async def pulled(*parts: Any) -> None:
        async with two_nodes(tmp_path, *parts) as sites:
            await _post(sites.ben, ["before"])
            people = sorted([sites.ada.person.id, sites.ben.person.id])
            await _online(sites.ada, people)
            sites.stores.pull()
            sites.clients.pull()
            await _post(sites.ada, ["near"])
            await _online(sites.ada, [sites.ada.person.id])
            moved = Client(sites.near, sites.ben.person._replace(origin=sites.near.url))
            await moved.connect()
            await _post(moved, ["moved"])
            sites.stores.plug()
            sites.clients.plug()
            async with asyncio.timeout(BACK):
                while not sites.ben.online.is_set():  # connected, and greeted as well
                    await sites.ben.drop()
                    with suppress(*LOST, Lost, Refused):
                        await sites.ben.connect()
            await _patiently(partial(sites.ben.post, GENERAL, "again", "a-nonce-to-send-again"))
            await _everywhere(sites, ["before", "near", "moved", "again"])
            await _online(sites.ada, people)
            await moved.close()

    with home_and_node() as parts:
        pulled(*parts)
