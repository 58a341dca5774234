"""A clock that jumps, and a machine that sleeps."""

from __future__ import annotations

import pytest

from chatbox.lookout import Clocks


@pytest.mark.parametrize(
    ("wall", "monotonic", "jumped"),
    [
        (1.0, 1.0, False),
        (3.5, 3.5, False),  # the machine was busy
        (0.2, 1.0, False),  # NTP corrects a little
        (3600.0, 1.0, True),  # it slept, where the monotonic clock sleeps too, or the clock was set
        (3600.0, 3600.0, True),  # it slept, where that one goes on
        (-3600.0, 1.0, True),  # the clock was set back
        (1.0, 60.0, True),
    ],
)
def test_a_second_that_was_none_is_noticed_once(wall: float, monotonic: float, jumped: bool) -> None:
    times = [(100.0, 5.0), (100.0 + wall, 5.0 + monotonic), (101.0 + wall, 6.0 + monotonic)]
    clocks = Clocks(lambda: times.pop(0))
    assert [clocks.jumped(), clocks.jumped()] == [jumped, False]
