"""Slowing down those who try passwords, by delays that grow; nobody is ever locked out.

Three things are counted: failures of one address with one account, of one address with any accounts, and
of one account from any addresses. The last is what somebody else can raise against an account's owner, so
it grows to a few seconds only, does not bind an address from which the owner came in before, and whoever
was told to wait is let in at that time whatever others did meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict
from math import ceil
from typing import Generic, NamedTuple, TypeVar

from chatbox.clock import Clock
from chatbox.errors import RateLimited
from chatbox.rules.addresses import counted_as

V = TypeVar("V")

MOST_REMEMBERED = 10_000
FORGET_AFTER = 15 * 60.0  # seconds without an attempt


class Growth(NamedTuple):
    """How many attempts are free, and the longest delay, in seconds, to which 1, 2, 4 ... grow."""

    free: int
    longest: float

    def delay(self, failures: int) -> float:
        """Seconds from the last of so many failures to the next attempt."""
        over = failures - self.free
        return 0.0 if over < 0 else min(2.0 ** min(over, 10), self.longest)


PAIR = Growth(free=3, longest=30.0)
ADDRESS = Growth(free=20, longest=30.0)
ACCOUNT = Growth(free=10, longest=5.0)


class _Count(NamedTuple):
    failures: int
    last: float


class Throttle:
    """Counts attempts in bounded memory. Accounts are name keys, known or not, so that all answer alike."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pairs: _Recent[tuple[str, str], _Count] = _Recent()
        self._addresses: _Recent[str, _Count] = _Recent()
        self._accounts: _Recent[str, _Count] = _Recent()
        self._turns: _Recent[tuple[str, str], float] = _Recent()
        self._familiar: _Recent[tuple[str, str], bool] = _Recent()

    def attempt(self, account: str, address: str) -> None:
        """Count an attempt as failed before it is known to be, so that attempts at once count as well.

        Raises `RateLimited` with the seconds to wait where it comes too early; it is then not counted."""
        address = counted_as(address)
        now = self._clock.monotonic()
        ready = self._ready(account, address)
        if now < ready:
            wait = ceil((ready - now) * 10) / 10
            raise RateLimited("Too many attempts. Wait a moment, then try again.", retry_in=wait)
        self._turns.pop((account, address))
        self._count(self._pairs, (account, address), now)
        self._count(self._addresses, address, now)
        self._count(self._accounts, account, now)

    def succeeded(self, account: str, address: str) -> None:
        """The attempt was right: forget this account's failures, and that this one was counted."""
        address = counted_as(address)
        self._pairs.pop((account, address))
        self._accounts.pop(account)
        self._familiar.put((account, address), True)
        counted = self._addresses.get(address)
        if counted is not None:
            self._addresses.put(address, _Count(counted.failures - 1, counted.last))

    def _ready(self, account: str, address: str) -> float:
        pair = (account, address)
        ready = self._after(self._pairs.get(pair), PAIR)
        if self._familiar.get(pair):
            return ready
        turn = self._turns.get(pair)
        if turn is None:
            turn = self._after(self._accounts.get(account), ACCOUNT)
            if turn > self._clock.monotonic():
                self._turns.put(pair, turn)
        return max(ready, turn, self._after(self._addresses.get(address), ADDRESS))

    def _after(self, count: _Count | None, growth: Growth) -> float:
        if count is None or self._clock.monotonic() - count.last > FORGET_AFTER:
            return 0.0
        return count.last + growth.delay(count.failures)

    def _count(self, counts: _Recent[V, _Count], key: V, now: float) -> None:
        before = counts.get(key)
        fresh = before is None or now - before.last > FORGET_AFTER
        counts.put(key, _Count(1 if fresh or before is None else before.failures + 1, now))


K = TypeVar("K")


class _Recent(Generic[K, V]):
    """A bounded mapping that forgets what was not written for the longest time."""

    def __init__(self) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        return self._entries.get(key)

    def put(self, key: K, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > MOST_REMEMBERED:
            self._entries.popitem(last=False)

    def pop(self, key: K) -> None:
        self._entries.pop(key, None)
