"""When backups are due, and which stay."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from chatbox.rules.backups import due, kept

MORNING = datetime(2026, 3, 10, 9)


@pytest.mark.parametrize(
    ("now", "made", "expected"),
    [
        (MORNING, [], True),
        (MORNING, [datetime(2026, 3, 10, 3)], False),
        (MORNING, [datetime(2026, 3, 10, 2, 59)], True),
        (MORNING, [datetime(2026, 3, 9, 8)], True),  # missed while the machine was off
        (datetime(2026, 3, 10, 2), [datetime(2026, 3, 9, 8)], False),
        (datetime(2026, 3, 10, 3), [datetime(2026, 3, 9, 8)], True),
        (MORNING, [datetime(2026, 3, 10, 9, 30)], False),  # the clock was set back a little
        (MORNING, [datetime(2031, 1, 1)], True),  # it was wrong by years
        (MORNING, [datetime(2031, 1, 1), datetime(2026, 3, 10, 4)], False),
    ],
)
def test_one_is_due_when_none_was_made_since_last_night(
    now: datetime, made: list[datetime], expected: bool
) -> None:
    assert due(now, made) is expected


def test_after_three_years_seven_days_four_weeks_and_twelve_months_are_there() -> None:
    there: set[datetime] = set()
    for day in range(3 * 365):
        there.add(datetime(2026, 1, 1, 3) + timedelta(days=day))
        there = kept(there, daily=7, weekly=4, monthly=12)
    last = datetime(2026, 1, 1, 3) + timedelta(days=3 * 365 - 1)
    assert {last - timedelta(days=days) for days in range(7)} <= there
    assert len({at.isocalendar()[:2] for at in there}) >= 4
    assert len({(at.year, at.month) for at in there}) == 12
    assert 12 + 6 + 2 <= len(there) <= 7 + 4 + 12


def test_the_newest_of_a_day_stays_and_the_newest_of_all_in_any_case() -> None:
    at = [datetime(2026, 3, 10, hour) for hour in (3, 12, 18)]
    assert kept(at, daily=7, weekly=4, monthly=12) == {at[2]}
    assert kept(at, daily=0, weekly=0, monthly=0) == {at[2]}
    assert kept([], daily=7, weekly=4, monthly=12) == set()


def test_a_year_without_the_machine_takes_none_away() -> None:
    old = {datetime(2025, 1, day, 3) for day in range(1, 8)}
    assert kept(old | {datetime(2026, 3, 10, 3)}, daily=8, weekly=0, monthly=0) == old | {
        datetime(2026, 3, 10, 3)
    }
