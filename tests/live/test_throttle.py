"""Who tries passwords waits longer and longer; an account's owner never waits long for what others do."""

from __future__ import annotations

import pytest

from chatbox.errors import RateLimited
from chatbox.live.throttle import MOST_REMEMBERED, Throttle
from tests.chat.support import SetClock

OWNER = "192.168.1.20"


def _wait(throttle: Throttle, account: str, address: str) -> float:
    """The seconds to wait; 0 where the attempt was let through, and counted."""
    try:
        throttle.attempt(account, address)
    except RateLimited as error:
        return error.retry_in or 0.0
    return 0.0


def test_delays_double_up_to_thirty_seconds_and_nobody_is_locked_out() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(12):
        waits.append(_wait(throttle, "ada", OWNER))
        if waits[-1]:
            clock.forward(seconds=int(waits[-1]))
            assert _wait(throttle, "ada", OWNER) == 0
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30, 30]


def test_a_refused_attempt_does_not_lengthen_the_wait() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    for _ in range(3):
        throttle.attempt("ada", OWNER)
    assert [_wait(throttle, "ada", OWNER) for _ in range(100)] == [1.0] * 100


def test_success_forgets_the_failures() -> None:
    throttle = Throttle(SetClock())
    for _ in range(20):
        throttle.attempt("ada", OWNER)
        throttle.attempt("ada", OWNER)
        throttle.succeeded("ada", OWNER)


def test_unknown_accounts_are_slowed_down_alike() -> None:
    known, unknown = Throttle(SetClock()), Throttle(SetClock())
    assert [_wait(known, "ada", OWNER) for _ in range(6)] == [
        _wait(unknown, "nobody", OWNER) for _ in range(6)
    ]


def test_many_addresses_make_an_owner_elsewhere_wait_five_seconds_at_most_and_once() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    for number in range(200):
        _wait(throttle, "ada", f"10.0.0.{number}")
    wait = _wait(throttle, "ada", OWNER)
    assert 0 < wait <= 5
    for number in range(5):  # the attack goes on meanwhile
        clock.forward(seconds=1)
        _wait(throttle, "ada", f"10.0.1.{number}")
    assert _wait(throttle, "ada", OWNER) == 0


def test_an_address_from_which_the_owner_came_in_before_does_not_wait_for_others() -> None:
    throttle = Throttle(SetClock())
    throttle.attempt("ada", OWNER)
    throttle.succeeded("ada", OWNER)
    for number in range(200):
        _wait(throttle, "ada", f"10.0.0.{number}")
    assert _wait(throttle, "ada", OWNER) == 0


def test_one_address_that_tries_many_accounts_is_slowed_down() -> None:
    throttle = Throttle(SetClock())
    let_through = sum(_wait(throttle, f"name{number}", OWNER) == 0 for number in range(100))
    assert let_through == 20


def test_own_sign_ins_between_do_not_free_an_address_that_tries_many_accounts() -> None:
    throttle = Throttle(SetClock())
    let_through = 0
    for number in range(100):
        throttle.attempt("mallory", OWNER)
        throttle.succeeded("mallory", OWNER)
        let_through += _wait(throttle, f"name{number}", OWNER) == 0
    assert let_through == 20


@pytest.mark.parametrize(
    ("first", "second"), [("2001:db8::1", "2001:db8::2"), ("192.168.1.9", "::ffff:192.168.1.9")]
)
def test_addresses_that_one_machine_may_use_count_as_one(first: str, second: str) -> None:
    throttle = Throttle(SetClock())
    for _ in range(3):
        throttle.attempt("ada", first)
    assert _wait(throttle, "ada", second) == 1.0


def test_failures_are_forgotten_after_a_quarter_of_an_hour() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    for _ in range(3):
        throttle.attempt("ada", OWNER)
    clock.forward(seconds=901)
    assert [_wait(throttle, "ada", OWNER) for _ in range(4)] == [0, 0, 0, 1]


def test_memory_is_bounded() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    for number in range(MOST_REMEMBERED + 100):
        clock.forward(seconds=31)
        throttle.attempt(f"name{number}", f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    assert len(throttle._pairs._entries) == MOST_REMEMBERED
