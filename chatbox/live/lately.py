"""What came up within the last hour, so that it is told once and not with each time."""

from __future__ import annotations

from chatbox.clock import Clock
from chatbox.live.throttle import Recent

FOR = 3600.0  # seconds


class Lately:
    """Remembers in bounded memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._came_up: Recent[str, float] = Recent()

    def is_new(self, what: str) -> bool:
        """Whether this did not come up within the last hour. From now on it did."""
        now = self._clock.monotonic()
        before = self._came_up.get(what)
        if before is not None and now - before < FOR:
            return False
        self._came_up.put(what, now)
        return True
