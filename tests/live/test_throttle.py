"""Who tries passwords waits longer and longer; an account's owner never waits long for what others do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import pytest

from chatbox.errors import Busy, Conflict, RateLimited
from chatbox.live.throttle import MOST_REMEMBERED, REGISTRATION, Throttle
from chatbox.live.turns import MOST_WAITING
from tests.chat.support import SetClock

OWNER = "192.168.1.20"
P = ParamSpec("P")


def on_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


async def _wait(throttle: Throttle, account: str, address: str, *, right: bool = False) -> float:
    """The seconds to wait; 0 where the attempt was let through."""
    try:
        async with throttle.attempt(account, address) as attempt:
            attempt.right = right
    except RateLimited as error:
        return error.retry_in or 0.0
    return 0.0


@on_loop
async def test_delays_double_up_to_thirty_seconds_and_nobody_is_locked_out() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(12):
        waits.append(await _wait(throttle, "ada", OWNER))
        if waits[-1]:
            clock.forward(seconds=int(waits[-1]))
            assert await _wait(throttle, "ada", OWNER) == 0
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30, 30]


@on_loop
async def test_a_refused_attempt_does_not_lengthen_the_wait() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    for _ in range(3):
        await _wait(throttle, "ada", OWNER)
    assert [await _wait(throttle, "ada", OWNER) for _ in range(100)] == [1.0] * 100


@on_loop
async def test_success_forgets_the_failures() -> None:
    throttle = Throttle(SetClock())
    waits = [await _wait(throttle, "ada", OWNER, right=number % 3 == 2) for number in range(30)]
    assert set(waits) == {0}


@on_loop
async def test_unknown_accounts_are_slowed_down_alike() -> None:
    known, unknown = Throttle(SetClock()), Throttle(SetClock())
    assert [await _wait(known, "ada", OWNER) for _ in range(6)] == [
        await _wait(unknown, "nobody", OWNER) for _ in range(6)
    ]


@on_loop
async def test_many_addresses_make_an_owner_elsewhere_wait_five_seconds_at_most_and_once() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    for number in range(200):
        await _wait(throttle, "ada", f"10.0.0.{number}")
    wait = await _wait(throttle, "ada", OWNER)
    assert 0 < wait <= 5
    for number in range(5):  # the attack goes on meanwhile
        clock.forward(seconds=1)
        await _wait(throttle, "ada", f"10.0.1.{number}")
    assert await _wait(throttle, "ada", OWNER) == 0


@on_loop
async def test_an_address_from_which_the_owner_came_in_before_does_not_wait_for_others() -> None:
    throttle = Throttle(SetClock())
    await _wait(throttle, "ada", OWNER, right=True)
    for number in range(200):
        await _wait(throttle, "ada", f"10.0.0.{number}")
    assert await _wait(throttle, "ada", OWNER) == 0


@on_loop
async def test_one_address_that_tries_many_accounts_is_slowed_down() -> None:
    throttle = Throttle(SetClock())
    waits = [await _wait(throttle, f"name{number}", OWNER) for number in range(100)]
    assert waits.count(0) == 20


@on_loop
async def test_own_sign_ins_between_do_not_free_an_address_that_tries_many_accounts() -> None:
    throttle = Throttle(SetClock())
    let_through = 0
    for number in range(100):
        await _wait(throttle, "mallory", OWNER, right=True)
        let_through += await _wait(throttle, f"name{number}", OWNER) == 0
    assert let_through == 20


@pytest.mark.parametrize(
    ("first", "second"), [("2001:db8::1", "2001:db8::2"), ("192.168.1.9", "::ffff:192.168.1.9")]
)
@on_loop
async def test_addresses_that_one_machine_may_use_count_as_one(first: str, second: str) -> None:
    throttle = Throttle(SetClock())
    for _ in range(3):
        await _wait(throttle, "ada", first)
    assert await _wait(throttle, "ada", second) == 1.0


@on_loop
async def test_failures_are_forgotten_after_a_quarter_of_an_hour() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    for _ in range(3):
        await _wait(throttle, "ada", OWNER)
    clock.forward(seconds=901)
    assert [await _wait(throttle, "ada", OWNER) for _ in range(4)] == [0, 0, 0, 1]


@on_loop
async def test_many_at_once_pass_where_they_are_right_and_wait_where_they_are_not() -> None:
    right, wrong = Throttle(SetClock()), Throttle(SetClock())
    assert set(await asyncio.gather(*(_slowly(right, right=True) for _ in range(20)))) == {0}
    waits = await asyncio.gather(*(_slowly(wrong, right=False) for _ in range(20)))
    assert (waits.count(0), waits.count(1.0)) == (3, 17)
    assert not right._under_way
    assert not wrong._under_way


@on_loop
async def test_fifty_names_at_once_from_one_address_are_slowed_down_like_fifty_in_a_row() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    names = [f"name{number}" for number in range(50)]
    for let_through in (20, 1, 1):
        waits = await asyncio.gather(*(_slowly(throttle, name, right=False) for name in names))
        assert waits.count(0) == let_through
        clock.forward(seconds=int(max(waits)))
    assert not throttle._places


@on_loop
async def test_an_office_behind_one_address_signs_in_at_once() -> None:
    throttle = Throttle(SetClock())
    assert await _wait(throttle, "ada", OWNER) == 0  # who mistypes costs the others nothing
    names = [f"name{number}" for number in range(50)]
    assert set(await asyncio.gather(*(_slowly(throttle, name, right=True) for name in names))) == {0}
    assert await _wait(throttle, "newcomer", OWNER, right=True) == 0


@on_loop
async def test_who_came_in_from_an_address_before_does_not_wait_for_those_who_try_passwords_there() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    await _wait(throttle, "ada", OWNER, right=True)
    for number in range(20):
        await _wait(throttle, f"name{number}", OWNER)
    clock.forward(seconds=1)
    async with throttle.attempt("name20", OWNER):
        assert await _wait(throttle, "ada", OWNER, right=True) == 0


@on_loop
async def test_who_gives_up_waiting_leaves_the_place_to_the_next() -> None:
    throttle = Throttle(SetClock())
    for number in range(19):
        await _wait(throttle, f"name{number}", OWNER)
    async with throttle.attempt("name19", OWNER) as attempt:
        attempt.right = True
        gone = asyncio.create_task(_wait(throttle, "gone", OWNER))
        stays = asyncio.create_task(_wait(throttle, "stays", OWNER, right=True))
        for _ in range(5):
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        assert not stays.done()
    assert await stays == 0
    assert not throttle._places


async def _slowly(throttle: Throttle, name: str = "ada", *, right: bool) -> float:
    try:
        async with throttle.attempt(name, OWNER) as attempt:
            for _ in range(5):
                await asyncio.sleep(0)
            attempt.right = right
    except RateLimited as error:
        return error.retry_in or 0.0
    return 0.0


@on_loop
async def test_memory_is_bounded() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    for number in range(MOST_REMEMBERED + 100):
        clock.forward(seconds=31)
        await _wait(throttle, f"name{number}", f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    assert len(throttle._pairs._entries) == MOST_REMEMBERED


async def _register(throttle: Throttle, address: str = OWNER) -> float:
    """The seconds to wait; 0 where an account was made."""
    try:
        async with throttle.registration(address):
            await asyncio.sleep(0)
    except RateLimited as error:
        return error.retry_in or 0.0
    return 0.0


@on_loop
async def test_many_join_at_once_and_then_each_account_takes_longer_up_to_thirty_seconds() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    for _ in range(REGISTRATION.free // 40):
        assert set(await asyncio.gather(*(_register(throttle) for _ in range(40)))) == {0}
    waits = []
    for _ in range(8):
        crowd = await asyncio.gather(*(_register(throttle) for _ in range(30)))
        waits.append(min(crowd))
        assert waits[-1] == max(crowd)
        clock.forward(seconds=int(waits[-1]))
        assert await _register(throttle) == 0
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert await _register(throttle, "192.168.1.21") == 0


@on_loop
async def test_addresses_that_one_machine_may_use_make_accounts_together() -> None:
    throttle = Throttle(SetClock())
    waits = [await _register(throttle, f"2001:db8::{number:x}") for number in range(300)]
    assert waits.count(0) == REGISTRATION.free


@on_loop
async def test_what_was_no_account_in_the_end_is_not_counted() -> None:
    throttle = Throttle(SetClock())
    for _ in range(100):
        with pytest.raises(Conflict):
            async with throttle.registration(OWNER):
                raise Conflict("That name is taken.")
    assert await _register(throttle) == 0


@on_loop
async def test_many_accounts_of_an_address_keep_nobody_from_signing_in_there() -> None:
    throttle = Throttle(SetClock())
    for _ in range(300):
        await _register(throttle)
    assert await _wait(throttle, "ada", OWNER, right=True) == 0


@on_loop
async def test_accounts_made_at_the_servers_own_computer_are_not_counted() -> None:
    throttle = Throttle(SetClock())
    for _ in range(300):
        async with throttle.registration("127.0.0.1", local=True):
            pass
    assert await _register(throttle, "127.0.0.1") == 0


@on_loop
async def test_accounts_are_forgotten_after_a_quarter_of_an_hour_without_one() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    for _ in range(REGISTRATION.free):
        await _register(throttle)
    assert await _register(throttle) == 1
    clock.forward(seconds=901)
    assert [await _register(throttle) for _ in range(REGISTRATION.free)] == [0] * REGISTRATION.free


@on_loop
async def test_one_address_registers_one_at_a_time_and_others_do_not_wait_for_it() -> None:
    throttle, running, most = Throttle(SetClock()), 0, 0

    async def register() -> None:
        nonlocal running, most
        async with throttle.registration("192.168.1.20"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    done = await asyncio.gather(*(register() for _ in range(MOST_WAITING + 10)), return_exceptions=True)
    assert [type(error) for error in done if error] == [Busy] * 10
    assert most == 1
    async with throttle.registration("192.168.1.20"), throttle.registration("192.168.1.21"):
        await _wait(throttle, "ada", "192.168.1.20")
