"""Time behind one small protocol, so that tests can set it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Wall time in milliseconds since 1970, UTC. For display and expiry, never for order."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward. For intervals and limits."""
        ...


class SystemClock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()
