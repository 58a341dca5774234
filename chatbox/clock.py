"""Time behind one small protocol, so that tests can set it."""

from __future__ import annotations

import sys
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Wall time in milliseconds since 1970, UTC. For display and expiry, never for order."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward. For intervals and limits."""
        ...

    def uptime(self) -> int:
        """Milliseconds since some moment, those in which the machine sleeps as well. Nobody can set it."""
        ...


class SystemClock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def uptime(self) -> int:
        if sys.platform == "linux":
            nanoseconds = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        elif sys.platform == "darwin":  # where Python's own monotonic clock stands still in sleep
            nanoseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        else:
            nanoseconds = time.monotonic_ns()
        return nanoseconds // 1_000_000
