"""How fast one person may send: a token bucket each, whose small debts are paid by waiting."""

from __future__ import annotations

from chatbox.clock import Clock
from chatbox.errors import RateLimited

LONGEST_WAIT = 2.0  # seconds


class Rate:
    """Token buckets by user. A rate or burst of 0 lifts the limit."""

    def __init__(self, clock: Clock, per_second: int, burst: int) -> None:
        self._clock = clock
        self._per_second = per_second
        self._burst = burst
        self._buckets: dict[int, tuple[float, float]] = {}

    def change(self, per_second: int, burst: int) -> None:
        """Other limits from now on."""
        self._per_second, self._burst = per_second, burst

    def take(self, user: int, cost: float) -> float:
        """Pay for a command. Returns the seconds to wait before it is carried out, mostly 0.

        Raises `RateLimited` where the wait would be longer than two seconds; then nothing was paid."""
        wait = self._pay(user, cost)
        if wait > LONGEST_WAIT:
            raise RateLimited("That was too fast. Wait a moment, then try again.", retry_in=wait)
        return wait

    def slow(self, user: int, cost: float) -> float:
        """Pay for what is answered however fast it comes, as `take` does, but never refuse."""
        return min(self._pay(user, cost), LONGEST_WAIT)

    def _pay(self, user: int, cost: float) -> float:
        """The wait that the cost leads to; it is paid unless that is too long."""
        if not cost or not self._per_second or not self._burst:
            return 0.0
        now = self._clock.monotonic()
        tokens, at = self._buckets.get(user, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - at) * self._per_second) - cost
        wait = max(0.0, -tokens / self._per_second)
        if wait <= LONGEST_WAIT:
            self._buckets[user] = (tokens, now)
        return wait

    def forget_idle(self) -> None:
        """Drop the buckets that are full again. Called now and then."""
        now = self._clock.monotonic()
        for user, (tokens, at) in list(self._buckets.items()):
            if tokens + (now - at) * self._per_second >= self._burst:
                del self._buckets[user]
