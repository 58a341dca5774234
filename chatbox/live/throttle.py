"""Slowing down those who try passwords or make accounts, by delays that grow; nobody is ever locked out.

Three things are counted: failures of one address with one account, of one address with any accounts, and
of one account from any addresses. The last is what somebody else can raise against an account's owner, so
it grows to a few seconds only, does not bind an address from which the owner came in before, and whoever
was told to wait is let in at that time whatever others did meanwhile.

Many at once are slowed down like many in a row: of an address only so many attempts are under way as it has
failures left before it is delayed. The others wait until one of them ends.

Of accounts an address may make as many as a school's year has pupils behind one router, one after the other;
then they are counted like failures. Whoever sits at the server's own computer is not counted.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from math import ceil
from typing import Generic, NamedTuple, TypeVar

from chatbox.clock import Clock
from chatbox.errors import RateLimited
from chatbox.live.turns import Places, Turns
from chatbox.rules.addresses import counted_as
from chatbox.rules.text import escape_controls

log = logging.getLogger(__name__)

V = TypeVar("V")
Pair = tuple[str, str]  # account, address

_NOBODY = "\0"  # no account's name key
MOST_REMEMBERED = 10_000
FORGET_AFTER = 15 * 60.0  # seconds without an attempt


class Growth(NamedTuple):
    """After so many failures attempts are delayed by 1, 2, 4 ... seconds, up to the longest."""

    free: int
    longest: float

    def delay(self, failures: int) -> float:
        """Seconds from the last of so many failures to the next attempt."""
        over = failures - self.free
        return 0.0 if over < 0 else min(2.0 ** min(over, 10), self.longest)


PAIR = Growth(free=3, longest=30.0)
ADDRESS = Growth(free=20, longest=30.0)
ACCOUNT = Growth(free=10, longest=5.0)
REGISTRATION = Growth(free=200, longest=30.0)


class Count(NamedTuple):
    failures: int
    last: float


class Attempt:
    """One attempt under way. It counts as failed unless `right` is set before it ends."""

    __slots__ = ("right",)

    def __init__(self) -> None:
        self.right = False


class Throttle:
    """Counts failures in bounded memory. Accounts are name keys, known or not, so that all answer alike."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: Turns[Pair] = Turns()
        self._places: Places[str] = Places()
        self._pairs: Recent[Pair, Count] = Recent()
        self._addresses: Recent[str, Count] = Recent()
        self._accounts: Recent[str, Count] = Recent()
        self._registered: Recent[str, Count] = Recent()  # by address
        self._turns: Recent[Pair, float] = Recent()
        self._familiar: Recent[Pair, bool] = Recent()

    @asynccontextmanager
    async def attempt(self, account: str, address: str) -> AsyncIterator[Attempt]:
        """Make an attempt, one at a time for an account and an address, and for an address no more than could
        fail without a delay. One that ends with an exception is not counted.

        Raises `RateLimited` with the seconds to wait where it comes too early, and `Busy`."""
        pair = (account, counted_as(address))
        async with self._under_way.take(pair):
            await self._learn(pair)
            async with self._place(pair):
                self._check(pair)
                attempt = Attempt()
                yield attempt
                (self._succeeded if attempt.right else self._failed)(pair)
                await self._share(pair, attempt.right)

    @asynccontextmanager
    async def registration(self, address: str, *, local: bool = False) -> AsyncIterator[None]:
        """Make a new account, one at a time for an address: hashing is dear, and somebody who registers
        without end must not keep the others from signing in. One that ends with an exception is not counted,
        and none that is made at this very computer is.

        Raises `RateLimited` with the seconds to wait where there were many, and `Busy`."""
        counted = counted_as(address)
        async with self._under_way.take((_NOBODY, counted)):
            if local:
                yield
                return
            await self._learn_registrations(counted)
            wait = self._after(self._registered.get(counted), REGISTRATION) - self._clock.monotonic()
            if wait > 0:
                message = "Many accounts were made from your network just now. Wait {}, then try again."
                seconds = "a second" if wait <= 1 else f"{ceil(wait)} seconds"
                raise RateLimited(message.format(seconds), retry_in=ceil(wait * 10) / 10)
            yield
            self._count(self._registered, counted)
            await self._share_registration(counted)

    async def _learn(self, pair: Pair) -> None:
        """Take over what other nodes know. There are none."""

    async def _share(self, pair: Pair, right: bool) -> None:
        """Let other nodes know what came of an attempt. There are none."""

    async def _learn_registrations(self, address: str) -> None:
        """Take over what other nodes know. There are none."""

    async def _share_registration(self, address: str) -> None:
        """Let other nodes know that there was one. There are none."""

    def _place(self, pair: Pair) -> AbstractAsyncContextManager[None]:
        """A place among those of this address that may fail at once. Whoever came in from there before is not
        bound by what the address does, and needs none."""
        address = pair[1]
        if self._familiar.get(pair):
            return nullcontext()
        return self._places.take(address, lambda: self._left(self._addresses.get(address), ADDRESS))

    def _check(self, pair: Pair) -> None:
        wait = self._ready(pair) - self._clock.monotonic()
        if wait > 0:
            message = "Too many attempts. Wait a moment, then try again."
            raise RateLimited(message, retry_in=ceil(wait * 10) / 10)
        self._turns.pop(pair)

    def _failed(self, pair: Pair) -> None:
        account, address = pair
        failures = self._count(self._pairs, pair)
        self._count(self._addresses, address)
        self._count(self._accounts, account)
        if failures >= PAIR.free:
            log.info(
                "%d wrong passwords for %s from %s, which has to wait longer and longer",
                failures,
                escape_controls(account),
                escape_controls(address),
            )

    def _succeeded(self, pair: Pair) -> None:
        self._pairs.pop(pair)
        self._accounts.pop(pair[0])
        self._familiar.put(pair, True)

    def _ready(self, pair: Pair) -> float:
        """When the next attempt may be made, on the monotonic clock."""
        account, address = pair
        ready = self._after(self._pairs.get(pair), PAIR)
        if self._familiar.get(pair):
            return ready
        turn = self._turns.get(pair)
        if turn is None:
            turn = self._after(self._accounts.get(account), ACCOUNT)
            if turn > self._clock.monotonic():
                self._turns.put(pair, turn)
        return max(ready, turn, self._after(self._addresses.get(address), ADDRESS))

    def _after(self, count: Count | None, growth: Growth) -> float:
        """When the next attempt may be made after so many failures."""
        if count is None or self._forgotten(count):
            return 0.0
        return count.last + self._allowed(growth).delay(count.failures)

    def _left(self, count: Count | None, growth: Growth) -> int:
        """How many more may fail before there is a delay."""
        failures = 0 if count is None or self._forgotten(count) else count.failures
        return self._allowed(growth).free - failures

    def _allowed(self, growth: Growth) -> Growth:
        """What of it is this node's. There are no others."""
        return growth

    def _forgotten(self, count: Count) -> bool:
        return self._clock.monotonic() - count.last > FORGET_AFTER

    def _count(self, counts: Recent[V, Count], key: V) -> int:
        now = self._clock.monotonic()
        before = counts.get(key)
        failures = 1 if before is None or self._forgotten(before) else before.failures + 1
        counts.put(key, Count(failures, now))
        return failures


K = TypeVar("K")


class Recent(Generic[K, V]):
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
