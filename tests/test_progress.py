"""How far long work is, and how it leaves the machine to people."""

from __future__ import annotations

import pytest

from chatbox import progress
from chatbox.errors import Restarting
from chatbox.progress import Step, beside_people, go_on, told_to


class Time:
    """Time that passes where it is said to, or slept away."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(progress, "time", made)
    return made


def test_work_rests_as_long_as_it_took_while_people_are_here(time: Time) -> None:
    here = True
    with beside_people(lambda: False, lambda: here):
        for took in (0.004, 0.02, 3.0):
            time.now += took
            go_on()
        here = False
        time.now += 1
        go_on()
    go_on()
    assert time.slept == [0.004, 0.02, 0.05]


def test_work_ends_when_it_is_over() -> None:
    over = False
    with beside_people(lambda: over, lambda: False):
        step = Step("Working", 10)
        step.advance(1)
        over = True
        with pytest.raises(Restarting):
            step.advance(1)


def test_a_step_tells_once_a_second(time: Time) -> None:
    told: list[str] = []
    with told_to(told.append):
        step = Step("Working", 200)
        for _ in range(5):
            time.now += 0.5
            step.advance(40)
        time.now += 2
        step.advance(9999)
    assert told == ["Working …", "Working: 40 %", "Working: 80 %", "Working: 100 %"]
