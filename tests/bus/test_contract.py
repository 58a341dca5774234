"""What every bus promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from chatbox.bus.base import Bus, Publication
from chatbox.bus.local import LocalBus
from tests.bus.support import Kept, clustered, passed, told

Pair = tuple[Bus, Bus, Kept]  # who publishes, who listens, and what arrives there


@asynccontextmanager
async def _local(folder: Path) -> AsyncIterator[Pair]:
    bus, kept = LocalBus(), Kept()
    await bus.start(kept)
    yield bus, bus, kept
    await bus.close()


@asynccontextmanager
async def _redis(folder: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        cluster = await clustered(folder, stack)
        yield cluster.one.bus, cluster.two.bus, cluster.two.kept


def on_every_bus(test: Callable[[Pair], Coroutine[None, None, None]]) -> Callable[[str, Path], None]:
    async def live(kind: str, folder: Path) -> None:
        async with {"local": _local, "redis": _redis}[kind](folder) as pair:
            await test(pair)

    def run(kind: str, tmp_path: Path) -> None:
        asyncio.run(live(kind, tmp_path))

    run.__name__ = test.__name__
    return pytest.mark.parametrize("kind", ["local", "redis"])(run)


@on_every_bus
async def test_what_one_publishes_arrives_in_order_and_whole(pair: Pair) -> None:
    publisher, listener, kept = pair
    await listener.subscribe(["room:7", "user:3", "all"])
    sent = [
        Publication("user:3", ended=(4, -1)),
        Publication("room:7", b'{"ev":"messages"}', (1, 2), (3,), 12, after=9, description=b'{"ev":"room"}'),
        Publication("all", b'{"ev":"people","name":"\xc3\xa9"}', head=2, after=1),
        *(told(number) for number in range(13, 1500)),
    ]
    publisher.publish(sent)
    await kept.until(lambda found: len(found) >= len(sent))
    assert kept.found == sent


@on_every_bus
async def test_what_is_published_after_the_subscription_arrives(pair: Pair) -> None:
    publisher, listener, kept = pair
    for room in range(200):
        await listener.subscribe([f"room:{room}"])
        publisher.publish([told(1, f"room:{room}")])
    await kept.until(lambda found: len(found) == 200)
    await listener.subscribe(["room:1"])  # a second time, which changes nothing
    publisher.publish([told(2, "room:1")])
    await passed(publisher, kept, "room:1")
    assert [each.head for each in kept.found if each.topic == "room:1"] == [1, 2, 0]


@on_every_bus
async def test_publishing_neither_waits_nor_fails_once_it_is_closed(pair: Pair) -> None:
    publisher, listener, kept = pair
    await listener.subscribe(["room:7"])
    publisher.publish([told(1)])
    await kept.until(lambda found: len(found) == 1)
    await publisher.close()
    publisher.publish([told(2)])
    assert len(kept.found) == 1


@on_every_bus
async def test_closing_sends_what_waits(pair: Pair) -> None:
    publisher, listener, kept = pair
    await listener.subscribe(["room:7"])
    publisher.publish([told(number) for number in range(1, 2001)])
    await publisher.close()
    await kept.until(lambda found: len(found) == 2000)
