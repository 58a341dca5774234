"""What Redis may do to a bus, and who else may use it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chatbox.bus.base import Publication
from chatbox.bus.redis import LARGEST, MOST_WAITING
from tests.bus.support import Cluster, Node, clustered, passed, told

FOREIGN = "A message on Redis that no node of this cluster sent was dropped"


def in_cluster(
    test: Callable[[Cluster, pytest.LogCaptureFixture], Coroutine[None, None, None]],
) -> Callable[[Path, pytest.LogCaptureFixture], None]:
    async def live(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        async with AsyncExitStack() as stack:
            cluster = await clustered(folder, stack)
            await cluster.two.bus.subscribe(["room:7"])
            await test(cluster, caplog)

    def run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        asyncio.run(live(tmp_path, caplog))

    run.__name__ = test.__name__
    return run


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@in_cluster
async def test_only_what_is_subscribed_arrives(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    one, two = cluster.one, cluster.two
    await two.bus.subscribe(["room:8"])
    two.bus.unsubscribe(["room:8"])
    one.bus.publish([told(1, "room:8"), told(1, "room:9"), told(1)])
    await passed(one.bus, two.kept, "room:7")
    assert {each.topic for each in two.kept.found} == {"room:7"}


@in_cluster
async def test_what_a_node_published_does_not_come_back(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    await cluster.one.bus.subscribe(["room:7"])
    cluster.one.bus.publish([told(1)])
    await passed(cluster.two.bus, cluster.one.kept, "room:7")
    assert [each.event for each in cluster.one.kept.found] == [b"last"]


@in_cluster
async def test_what_no_node_sealed_is_dropped_and_told_once(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = cluster.one, cluster.two
    stranger = Node("stranger", cluster.redis, "another key of another cluster")
    _, channel, genuine = one.bus._command(told(1))
    assert isinstance(channel, str)
    assert isinstance(genuine, bytes)
    spoiled = genuine[:-1] + bytes([genuine[-1] ^ 1])
    foreign = stranger.bus._command(told(1))[2]
    assert isinstance(foreign, bytes)
    for data in (b"", b"hello", spoiled, genuine[32:], foreign):
        await cluster.redis.say("PUBLISH", channel, data)
    await passed(one.bus, two.kept, "room:7")
    assert [each.event for each in two.kept.found] == [b"last"]
    assert warnings(caplog) == [FOREIGN]


@in_cluster
async def test_what_was_sent_to_one_topic_counts_for_no_other(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = cluster.one, cluster.two
    _, channel, genuine = one.bus._command(told(1, "room:8"))
    assert isinstance(channel, str)
    assert isinstance(genuine, bytes)
    await cluster.redis.say("PUBLISH", channel.replace("room:8", "room:7"), genuine)
    await passed(one.bus, two.kept, "room:7")
    assert [each.event for each in two.kept.found] == [b"last"]
    assert warnings(caplog) == [FOREIGN]


@in_cluster
async def test_what_was_sent_already_cannot_be_sent_again(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = cluster.one, cluster.two
    _, channel, genuine = one.bus._command(Publication("room:7", b"once"))
    assert isinstance(channel, str)
    assert isinstance(genuine, bytes)
    await cluster.redis.say("PUBLISH", channel, genuine)
    await two.kept.until(lambda found: len(found) == 1)
    await cluster.redis.say("PUBLISH", channel, genuine)
    await passed(one.bus, two.kept, "room:7")
    assert [each.event for each in two.kept.found] == [b"once", b"last"]


@in_cluster
async def test_of_what_is_numbered_and_large_only_the_numbers_travel(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    large = b"x" * (LARGEST + 1)
    numbered = Publication("room:7", large, (1,), (2,), 9, after=4, description=b"d")
    cluster.one.bus.publish([numbered, Publication("room:7", large)])
    await cluster.two.kept.until(lambda found: len(found) == 2)
    assert cluster.two.kept.found == [Publication("room:7", head=9, after=4), Publication("room:7", large)]


@in_cluster
async def test_a_queue_that_is_full_drops_what_is_new(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = cluster.one, cluster.two
    one.bus.publish([told(number) for number in range(1, MOST_WAITING + 101)])
    assert one.bus.dropped == 100
    await two.kept.until(lambda found: len(found) == MOST_WAITING)
    assert [each.head for each in two.kept.found] == list(range(1, MOST_WAITING + 1))


@in_cluster
async def test_redis_killed_and_back_empty_is_subscribed_again_and_told(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = cluster.one, cluster.two
    rooms = [f"room:{number}" for number in range(2000)]
    await two.bus.subscribe(rooms)
    two.came.clear()
    await cluster.redis.stop()
    await one.is_up(False)
    await two.is_up(False)
    await two.bus.subscribe(["room:later"])  # at once
    one.bus.publish([told(1)])
    assert one.bus.dropped == 1
    await cluster.redis.start()
    async with asyncio.timeout(30):
        await two.came.wait()
    await one.is_up()
    one.bus.publish([told(2, topic) for topic in ("room:later", *rooms)])
    await two.kept.until(lambda found: len(found) == 2001)
    assert len(warnings(caplog)) == 2
    assert all("Redis is away" in warning for warning in warnings(caplog))


@in_cluster
async def test_a_redis_that_is_paused_is_noticed_and_holds_nobody_up(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = cluster.one, cluster.two
    two.came.clear()
    cluster.redis.pause()
    try:
        one.bus.publish([told(1)])
        async with asyncio.timeout(20):
            await two.bus.subscribe(["room:8"])  # done when it is found to be away
        assert not two.link.up
        await one.is_up(False)
    finally:
        cluster.redis.go_on()
    async with asyncio.timeout(30):
        await two.came.wait()
    await one.is_up()
    await passed(one.bus, two.kept, "room:8")


def test_a_redis_that_is_not_there_holds_up_no_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def live() -> None:
        async with AsyncExitStack() as stack:
            cluster = await clustered(tmp_path, stack)
            await cluster.redis.stop()
            late = Node("late", cluster.redis)
            await late.start()
            stack.push_async_callback(late.bus.close)
            assert not late.link.up
            await late.bus.subscribe(["room:7"])
            await cluster.redis.start()
            await late.is_up()
            await cluster.one.is_up()
            async with asyncio.timeout(30):
                await late.came.wait()
            await passed(cluster.one.bus, late.kept, "room:7")

    asyncio.run(live())
