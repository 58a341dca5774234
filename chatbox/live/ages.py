"""By which time sessions, links and files grow old, on a machine whose clock may be set.

A clock may be wrong for a while, at a start as well, and what is ended meanwhile would be gone for good. So a
step forward makes nothing older until the clock has run on for a day without another one. A step back makes
everything younger, at once.
"""

from __future__ import annotations

from chatbox.clock import Clock

_DAY = 24 * 3600 * 1000
_STEP = 60 * 1000  # milliseconds that no clock gains or loses by itself within an hour


class Ages:
    """Compares the clock with one that nobody can set. All times are milliseconds since 1970."""

    def __init__(self, clock: Clock, known: int = 0) -> None:
        """`known` is the latest time that was believed before this start, 0 for none. More than a day since
        then has to prove true first."""
        self._clock = clock
        self._since = clock.uptime()
        self._seen = clock.now() - self._since
        self._believed = min(self._seen, known + _DAY - self._since) if known else self._seen
        self.latest = max(known, self.now())

    def now(self) -> int:
        """The time by which things are old."""
        return min(self._clock.now(), self._believed + self._clock.uptime())

    @property
    def doubtful(self) -> bool:
        """Whether the clock is ahead of what is believed."""
        return self._clock.now() > self.now() + _STEP

    def look(self) -> None:
        """Notice whether the clock was set. Called every hour; `latest` is then to be kept."""
        uptime = self._clock.uptime()
        ahead = self._clock.now() - uptime
        if abs(ahead - self._seen) > _STEP:
            self._since = uptime
        elif uptime - self._since >= _DAY:
            self._believed = ahead
        self._seen = ahead
        self.latest = max(self.latest, self.now())
