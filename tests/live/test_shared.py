"""Limits that hold for two nodes together, over a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from chatbox.errors import RateLimited
from chatbox.live.shared import SharedRate, SharedThrottle
from chatbox.live.throttle import ACCOUNT, ADDRESS, PAIR, REGISTRATION, Count
from tests.bus.support import Node
from tests.chat.support import SetClock
from tests.harness.redis import Redis, redis_in

HOME = "192.168.1.20"
BURST = 1000  # so many that what is paid back meanwhile counts for little


class Member:
    """The limits of one node."""

    def __init__(self, name: str, redis: Redis, clock: SetClock) -> None:
        self.base = Node(name, redis)
        link, seal = self.base.link, self.base.seal
        self.nodes = 2
        self.rate = SharedRate(clock, 1, BURST, link, seal, lambda: self.nodes)
        self.throttle = SharedThrottle(clock, link, seal, lambda: self.nodes)

    async def end(self) -> None:
        await self.throttle.close()
        await self.rate._line.close()
        await self.base.bus.close()

    async def fail(self, address: str = HOME, account: str = "ada") -> None:
        async with self.throttle.attempt(account, address):
            await asyncio.sleep(0)  # its password is checked

    async def succeed(self, address: str = HOME, account: str = "ada") -> None:
        async with self.throttle.attempt(account, address) as attempt:
            attempt.right = True

    def spend(self, most: int = 2000) -> int:
        """How many messages go through without waiting."""
        for number in range(most):
            try:
                if self.rate.take(1, 1):
                    return number
            except RateLimited:
                return number
        return most


Trio = tuple[Member, Member, Redis]


def on_two(test: Callable[[Trio, SetClock], Coroutine[None, None, None]]) -> Callable[[Path], None]:
    async def live(folder: Path) -> None:
        async with AsyncExitStack() as stack:
            redis = await stack.enter_async_context(redis_in(folder))
            clock = SetClock()
            one, two = Member("one", redis, clock), Member("two", redis, clock)
            for member in (one, two):
                await member.base.start()
                stack.push_async_callback(member.end)
            await test((one, two, redis), clock)

    def run(tmp_path: Path) -> None:
        asyncio.run(live(tmp_path))

    run.__name__ = test.__name__
    return run


@on_two
async def test_what_was_spent_on_one_node_is_spent_on_all(trio: Trio, clock: SetClock) -> None:
    one, two, _ = trio
    assert one.spend(800) == 800
    await one.rate.settle()
    assert two.spend(1) == 1
    await two.rate.settle()
    assert 190 < two.spend() < 400
    await two.rate.settle()
    assert one.spend(1) == 1
    await one.rate.settle()
    assert one.spend() < 300


@on_two
async def test_small_costs_are_not_settled_before_they_matter(trio: Trio, clock: SetClock) -> None:
    one, _, redis = trio
    key = one.base.seal.key("rate", "1")
    for _ in range(20):
        one.rate.slow(1, 0.02)
    await one.rate.settle()
    assert await redis.say("EXISTS", key) == b":0"
    for _ in range(20):
        one.rate.slow(1, 0.02)
    await one.rate.settle()
    assert await redis.say("EXISTS", key) == b":1"


@on_two
async def test_without_redis_each_node_allows_its_part(trio: Trio, clock: SetClock) -> None:
    one, two, redis = trio
    await redis.stop()
    for member in (one, two):
        await member.base.is_up(False)
        await member.rate.settle()
        assert member.spend() == BURST // 2
    await redis.start()
    for member in (one, two):
        await member.base.is_up()
        await member.rate.settle()
    clock.forward(seconds=2 * BURST)
    assert one.spend() == BURST


@on_two
async def test_a_limit_that_an_admin_changes_or_lifts_holds(trio: Trio, clock: SetClock) -> None:
    one, _, _ = trio
    one.rate.change(0, 0)
    assert one.spend() == 2000
    await one.rate.settle()
    one.rate.change(1, 3)
    assert one.spend() == 3


@on_two
async def test_wrong_passwords_on_one_node_slow_down_on_the_other(trio: Trio, clock: SetClock) -> None:
    one, two, redis = trio
    for _ in range(PAIR.free):
        await one.fail()
    key = one.throttle._keys(("ada", HOME))[0]
    await redis.say("HSET", key, "at", str(2**50))  # just now, however slow this machine is
    with pytest.raises(RateLimited):
        await two.fail()
    await redis.say("HSET", key, "at", "1")  # long ago
    await two.succeed()
    await one.fail()
    assert await one.throttle._line.run([("HGET", key, "failures")]) == [b"1"]  # it was forgotten


@on_two
async def test_what_was_failed_here_is_not_forgotten_where_redis_has_lost_it(
    trio: Trio, clock: SetClock
) -> None:
    one, _, redis = trio
    for _ in range(PAIR.free):
        await one.fail()
    await redis.say("FLUSHALL")
    with pytest.raises(RateLimited):
        await one.fail()


@on_two
async def test_what_was_failed_here_while_redis_was_away_still_counts_when_it_is_back(
    trio: Trio, clock: SetClock
) -> None:
    one, _, redis = trio
    one.nodes = 1
    await redis.stop()
    await one.base.is_up(False)
    for _ in range(PAIR.free):
        await one.fail()
    await redis.start()
    await one.base.is_up()
    with pytest.raises(RateLimited):
        await one.fail()


@on_two
async def test_a_failure_between_the_question_and_its_answer_is_not_undone(
    trio: Trio, clock: SetClock
) -> None:
    one, _, _ = trio
    pair = ("ada", HOME)
    await one.fail()
    clock.forward(seconds=1)
    question = asyncio.create_task(one.throttle._learn(pair))
    await asyncio.sleep(0)  # it is on its way
    one.throttle._failed(pair)
    await question
    assert one.throttle._pairs.get(pair) == Count(2, clock.monotonic())


@pytest.mark.parametrize("value", ["nonsense", "", "-1", "1e9", "nan", "9" * 400, "-" + "9" * 400])
def test_what_is_no_number_counts_like_nothing(tmp_path: Path, value: str) -> None:
    @on_two
    async def check(trio: Trio, clock: SetClock) -> None:
        one, two, redis = trio
        for field in ("failures", "at"):
            for key in one.throttle._keys(("ada", HOME))[:3]:
                await redis.say("HSET", key, "failures", "1000", "at", str(2**50))
                await redis.say("HSET", key, field, value)
            await two.succeed()
        key = one.throttle._keys(("ada", HOME))[0]
        await redis.say("HSET", key, "failures", value)
        await one.fail()
        assert await one.throttle._line.run([("HGET", key, "failures")]) == [b"1"]

    check(tmp_path)


@on_two
async def test_a_failure_in_the_future_was_just_now(trio: Trio, clock: SetClock) -> None:
    one, _, redis = trio
    for key in one.throttle._keys(("ada", HOME)):
        await redis.say("HSET", key, "failures", "3", "at", str(2**50))
    with pytest.raises(RateLimited) as refused:
        await one.fail()
    assert refused.value.retry_in == 1


@pytest.mark.parametrize("value", ["9" * 30, "nan", "inf", "nonsense"])
def test_a_payment_in_the_future_was_just_now(tmp_path: Path, value: str) -> None:
    @on_two
    async def check(trio: Trio, clock: SetClock) -> None:
        one, _, redis = trio
        await redis.say("HSET", one.base.seal.key("rate", "1"), "tokens", str(BURST), "at", value)
        assert one.spend(1) == 1
        await one.rate.settle()
        assert one.spend() == BURST - 1

    check(tmp_path)


@on_two
async def test_where_the_owner_came_in_on_one_node_nobody_else_slows_them_down_on_another(
    trio: Trio, clock: SetClock
) -> None:
    one, two, redis = trio
    await one.succeed()
    for number in range(ACCOUNT.free):
        await one.fail(f"203.0.113.{number}")
    await redis.say("HSET", one.throttle._keys(("ada", HOME))[2], "at", str(2**50))
    with pytest.raises(RateLimited):
        await two.fail("198.51.100.7")
    await two.succeed()


@on_two
async def test_fifty_names_at_once_from_one_address_do_not_all_pass_before_one_has_failed(
    trio: Trio, clock: SetClock
) -> None:
    one, two, _ = trio
    for member, most in ((one, ADDRESS.free), (two, 1)):
        work = (member.fail(account=f"name{number}") for number in range(50))
        refused = [error for error in await asyncio.gather(*work, return_exceptions=True) if error]
        assert {type(error) for error in refused} == {RateLimited}
        assert 50 - len(refused) <= most


@on_two
async def test_thirty_people_behind_one_address_sign_in_at_once(trio: Trio, clock: SetClock) -> None:
    one, _, _ = trio
    await asyncio.gather(*(one.succeed(account=f"name{number}") for number in range(30)))


@on_two
async def test_accounts_that_are_made_on_one_node_are_counted_on_the_other(
    trio: Trio, clock: SetClock
) -> None:
    one, two, redis = trio
    for _ in range(REGISTRATION.free):
        async with one.throttle.registration(HOME):
            pass
    key = one.base.seal.key("registrations", HOME)
    assert await one.throttle._line.run([("HGET", key, "failures")]) == [b"%d" % REGISTRATION.free]
    await redis.say("HSET", key, "at", str(2**50))  # just now, however slow this machine is
    for member in (two, one):
        with pytest.raises(RateLimited):
            async with member.throttle.registration(HOME):
                pass


@on_two
async def test_without_redis_sign_ins_go_on_and_each_node_slows_down_sooner(
    trio: Trio, clock: SetClock
) -> None:
    one, _, redis = trio
    await redis.stop()
    await one.base.is_up(False)
    one.nodes = 3
    await one.fail()
    with pytest.raises(RateLimited):
        await one.fail()
    clock.forward(seconds=40)
    await one.succeed()


@on_two
async def test_redis_is_not_told_whose_password_was_tried(trio: Trio, clock: SetClock) -> None:
    one, _, redis = trio
    await one.fail()
    await one.succeed("192.168.1.21", "ben")
    for name in ("ada", "ben", HOME, "192.168.1.21"):
        assert await redis.say("KEYS", f"*{name}*") == b"*0"
