"""Sign-ins on their way, in a node's memory and in Redis alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from unittest.mock import patch

import pytest

from chatbox.errors import Busy
from chatbox.live.moves import Arrival, Moves
from chatbox.live.shared_moves import SharedMoves
from tests.bus.support import Node
from tests.chat.support import SetClock
from tests.harness.redis import redis_in

PHONE, THIEF = (
    Arrival(b"claim", "Chrome on Android", "192.168.1.34"),
    Arrival(b"other", "curl", "192.168.1.66"),
)
SECRET = b"digest of a secret"

Test = Callable[[Moves, Moves], Coroutine[None, None, None]]


async def _shared(test: Test, folder: Path) -> None:
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(redis_in(folder))
        found = []
        for name in ("one", "two"):
            node = Node(name, redis)
            await node.start()
            stack.push_async_callback(node.bus.close)
            moves = SharedMoves(SetClock(), node.link, node.seal)
            stack.push_async_callback(moves.close)
            found.append(moves)
        await test(*found)


async def _local(test: Test, folder: Path) -> None:
    moves = Moves(SetClock())
    await test(moves, moves)


def on_both(test: Test) -> Callable[[str, Path], None]:
    """`one` and `two` are the same moves as two nodes have them."""

    def run(kind: str, tmp_path: Path) -> None:
        asyncio.run({"local": _local, "shared": _shared}[kind](test, tmp_path))

    run.__name__ = test.__name__
    return pytest.mark.parametrize("kind", ["local", "shared"])(run)


@on_both
async def test_a_move_is_found_anywhere_and_taken_once(one: Moves, two: Moves) -> None:
    await one.add(SECRET, 3, 7, "what the page has kept")
    found = await two.find(SECRET)
    assert found is not None
    assert (found.user, found.session, found.state, found.stays) == (3, 7, "what the page has kept", False)
    taken = await two.take(SECRET)
    assert taken is not None
    assert taken.state == "what the page has kept"
    assert await one.take(SECRET) is None
    assert await one.find(SECRET) is None
    arrived = await one.of(7)
    assert arrived is not None
    assert (arrived.arrived, arrived.state) == (True, "")


@on_both
async def test_of_many_who_take_it_at_once_one_has_it(one: Moves, two: Moves) -> None:
    await one.add(SECRET, 3, 7, "")
    taken = await asyncio.gather(*(moves.take(SECRET) for moves in (one, two) * 10))
    assert len([move for move in taken if move is not None]) == 1


@on_both
async def test_it_is_for_the_device_that_came_first_once_the_screen_agrees(one: Moves, two: Moves) -> None:
    await one.add(SECRET, 3, 7, "", stays=True)
    assert await two.claim(SECRET, PHONE) == PHONE
    assert await one.claim(SECRET, THIEF) == PHONE
    asked = await one.of(7)
    assert asked is not None
    assert (asked.arrival, asked.allowed, asked.stays) == (PHONE, False, True)
    await one.allow(7)
    allowed = await two.find(SECRET)
    assert allowed is not None
    assert allowed.allowed


@on_both
async def test_a_session_has_one_move_until_it_is_dropped(one: Moves, two: Moves) -> None:
    await one.add(SECRET, 3, 7, "", stays=True)
    await two.claim(SECRET, PHONE)
    await two.add(b"another secret", 3, 7, "", stays=True)
    assert await one.find(SECRET) is None
    again = await one.of(7)
    assert again is not None
    assert again.arrival is None
    await one.drop(7)
    assert await two.find(b"another secret") is None
    assert await two.of(7) is None
    await two.allow(7)  # nothing to allow
    assert await two.claim(SECRET, PHONE) is None


@on_both
async def test_what_is_on_its_way_has_a_limit_and_room_again_once_it_is_over(one: Moves, two: Moves) -> None:
    with (
        patch("chatbox.live.moves.MOST_BYTES", 10_000),
        patch("chatbox.live.shared_moves.MOST_BYTES", 10_000),
    ):
        await one.add(b"first", 3, 7, "x" * 7_000)
        with pytest.raises(Busy):
            await two.add(b"second", 4, 8, "x" * 7_000)
        assert await one.find(b"second") is None
        assert await one.of(8) is None
        await two.add(b"again", 3, 7, "x" * 7_000)  # in place of the first
        assert await two.take(b"again") is not None
        await one.add(b"second", 4, 8, "x" * 7_000)
        await two.drop(8)
        await one.add(b"third", 5, 9, "x" * 7_000)


def test_nothing_of_a_move_stays_in_redis(tmp_path: Path) -> None:
    async def live() -> None:
        async with redis_in(tmp_path) as redis:
            node = Node("one", redis)
            await node.start()
            moves = SharedMoves(SetClock(), node.link, node.seal)
            await moves.add(SECRET, 3, 7, "state", stays=True)
            await moves.claim(SECRET, PHONE)
            await moves.allow(7)
            await moves.take(SECRET)
            line = node.link.line()
            (names,) = await line.run([("KEYS", "*")])
            assert len(names) == 6
            ends = await line.run([("PTTL", name) for name in names])
            assert all(0 < left <= 120_000 for left in ends), dict(zip(names, ends, strict=True))
            await line.close()
            await moves.close()
            await node.bus.close()

    asyncio.run(live())


def test_what_no_node_wrote_moves_nobody(tmp_path: Path) -> None:
    async def live() -> None:
        async with redis_in(tmp_path) as redis:
            node = Node("one", redis)
            await node.start()
            moves = SharedMoves(SetClock(), node.link, node.seal)
            await moves.add(SECRET, 3, 7, "", stays=True)
            await moves.claim(SECRET, PHONE)
            prefix, name = node.seal.prefix, SECRET.hex()
            await redis.say("SET", f"{prefix}move-allowed:{name}", b"x" * 32)
            found = await moves.find(SECRET)
            assert found is not None
            assert not found.allowed
            await redis.say("RENAME", f"{prefix}move-arrival:{name}", f"{prefix}move-allowed:{name}")
            found = await moves.find(SECRET)
            assert found is not None
            assert not found.allowed
            left = int((await redis.say("PTTL", f"{prefix}move:{name}"))[1:])
            assert 0 < left <= 120_000
            await redis.stop()
            await node.is_up(False)
            with pytest.raises(Busy):
                await moves.find(SECRET)
            await moves.close()
            await node.bus.close()

    asyncio.run(live())
