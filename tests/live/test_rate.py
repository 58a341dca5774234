from __future__ import annotations

import pytest

from chatbox.errors import RateLimited
from chatbox.live.rate import Rate
from tests.chat.support import SetClock


def test_a_burst_costs_no_waiting() -> None:
    rate = Rate(SetClock(), 5, 20)
    assert [rate.take(1, 1) for _ in range(20)] == [0.0] * 20


def test_over_the_burst_one_waits_up_to_two_seconds_and_is_then_refused() -> None:
    rate = Rate(SetClock(), 5, 20)
    waits = [rate.take(1, 1) for _ in range(30)]
    assert waits[20] == pytest.approx(0.2)
    assert waits[29] == pytest.approx(2.0)
    with pytest.raises(RateLimited) as refused:
        rate.take(1, 1)
    assert refused.value.retry_in == pytest.approx(2.2)


def test_a_refusal_costs_nothing_and_time_pays_back() -> None:
    clock = SetClock()
    rate = Rate(clock, 5, 20)
    for _ in range(30):
        rate.take(1, 1)
    for _ in range(100):
        with pytest.raises(RateLimited):
            rate.take(1, 1)
    clock.forward(seconds=2)
    assert rate.take(1, 1) == pytest.approx(0.2)


def test_people_do_not_pay_for_each_other() -> None:
    rate = Rate(SetClock(), 1, 1)
    rate.take(1, 1)
    assert rate.take(2, 1) == 0.0


@pytest.mark.parametrize(("per_second", "burst"), [(0, 20), (5, 0)])
def test_zero_lifts_the_limit(per_second: int, burst: int) -> None:
    rate = Rate(SetClock(), per_second, burst)
    assert {rate.take(1, 1) for _ in range(1000)} == {0.0}


def test_full_buckets_are_forgotten() -> None:
    clock = SetClock()
    rate = Rate(clock, 5, 20)
    rate.take(1, 1)
    rate.forget_idle()
    assert rate._buckets
    clock.forward(seconds=1)
    rate.forget_idle()
    assert not rate._buckets


def test_what_is_never_refused_waits_two_seconds_at_most() -> None:
    rate = Rate(SetClock(), 5, 20)
    waits = [rate.slow(1, 1) for _ in range(100)]
    assert waits[19:22] == pytest.approx([0.0, 0.2, 0.4])
    assert waits[-1] == 2.0
    with pytest.raises(RateLimited):
        rate.take(1, 1)
