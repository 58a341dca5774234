"""When a backup is due, and which of the old ones stay. All times are those of the machine's time zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

HOUR = 3  # of the night in which nobody is kept waiting
_FUTURE = timedelta(days=1)


def due(now: datetime, made: Iterable[datetime]) -> bool:
    """Whether none was made since last night. One from the future was made while the clock was wrong."""
    latest = max((at for at in made if at <= now + _FUTURE), default=None)
    return latest is None or latest < last_night(now)


def last_night(now: datetime) -> datetime:
    """The latest time at which a backup should have begun."""
    night = now.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return night if night <= now else night - timedelta(days=1)


def kept(made: Iterable[datetime], *, daily: int, weekly: int, monthly: int) -> set[datetime]:
    """The newest of each of the latest days, weeks and months that have one, so many of each.

    They are counted, not measured by age: a clock that is wrong for a while, or a month without the machine,
    takes none away."""
    newest_first = sorted(made, reverse=True)
    days: dict[object, datetime] = {}
    weeks: dict[object, datetime] = {}
    months: dict[object, datetime] = {}
    for at in newest_first:
        days.setdefault(at.date(), at)
        weeks.setdefault(at.isocalendar()[:2], at)
        months.setdefault((at.year, at.month), at)
    return {
        *newest_first[:1],
        *list(days.values())[:daily],
        *list(weeks.values())[:weekly],
        *list(months.values())[:monthly],
    }
