from __future__ import annotations

import pytest

from chatbox.live.ages import Ages
from tests.chat.support import DAY, HOUR, SetClock

YEAR = 365 * DAY


def _run(ages: Ages, clock: SetClock, hours: int) -> None:
    for _ in range(hours):
        clock.forward(ms=HOUR)
        ages.look()


def test_a_clock_that_runs_is_believed() -> None:
    clock = SetClock()
    ages = Ages(clock)
    _run(ages, clock, 1000)
    assert ages.now() == ages.latest == clock.now()
    assert not ages.doubtful


@pytest.mark.parametrize("step", [HOUR, DAY, 10 * YEAR])
def test_a_step_forward_counts_once_the_clock_ran_on_for_a_day(step: int) -> None:
    clock = SetClock()
    ages = Ages(clock)
    _run(ages, clock, 5)
    clock.step(step)
    assert ages.now() == clock.now() - step
    _run(ages, clock, 24)
    assert ages.now() == ages.latest == clock.now() - step
    assert ages.doubtful
    _run(ages, clock, 1)
    assert ages.now() == ages.latest == clock.now()
    assert not ages.doubtful


@pytest.mark.parametrize("step", [HOUR, DAY, 10 * YEAR])
def test_a_step_back_counts_at_once_and_forward_again_as_well(step: int) -> None:
    clock = SetClock()
    ages = Ages(clock)
    _run(ages, clock, 5)
    clock.step(-step)
    assert ages.now() == clock.now()
    _run(ages, clock, 5)
    clock.step(step)
    assert ages.now() == clock.now()
    assert not ages.doubtful


def test_another_step_begins_the_day_anew() -> None:
    clock = SetClock()
    ages = Ages(clock)
    clock.step(10 * YEAR)
    _run(ages, clock, 20)
    clock.step(HOUR)
    _run(ages, clock, 24)
    assert ages.doubtful
    clock.step(-10 * YEAR - HOUR)
    assert ages.now() == clock.now()
    _run(ages, clock, 100)
    assert ages.now() == clock.now()


def test_after_a_start_with_a_clock_far_ahead_only_a_day_has_passed() -> None:
    clock = SetClock()
    known = clock.now()
    clock.step(10 * YEAR)
    ages = Ages(clock, known)
    assert ages.now() == known + DAY
    clock.step(-10 * YEAR)
    assert ages.now() == clock.now()


def test_after_a_start_with_a_clock_far_behind_the_known_time_stays() -> None:
    clock = SetClock()
    known = clock.now()
    clock.step(-10 * YEAR)
    ages = Ages(clock, known)
    _run(ages, clock, 100)
    assert ages.now() == clock.now()
    assert ages.latest == known
