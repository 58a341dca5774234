"""Limits that hold for all nodes of a cluster together. What is counted is in Redis, and may be lost.

While Redis is away each node allows its part: the limit divided by the number of nodes that were last known.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from itertools import islice
from typing import TypeVar

from chatbox.bus.link import Away, Command, Link
from chatbox.bus.seal import Seal
from chatbox.clock import Clock
from chatbox.live.rate import LONGEST_WAIT, Rate
from chatbox.live.throttle import FORGET_AFTER, Count, Growth, Pair, Recent, Throttle

log = logging.getLogger("chatbox.shared")

V = TypeVar("V")

EVERY = 0.25  # seconds between two settlements
_LEAST = 0.5  # messages; what is less waits for more
_AT_ONCE = 500  # people in one command
_FAMILIAR_FOR = 30 * 24 * 3600  # seconds
_NUMBER = re.compile(rb"[0-9]{1,18}")

# Of each key a token bucket [tokens, at], from which its cost is taken; gives what is left in thousandths.
_PAY = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local rate, burst, lowest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local left = {}
for i, key in ipairs(KEYS) do
  local known = redis.call('HMGET', key, 'tokens', 'at')
  local tokens, at = tonumber(known[1]) or burst, math.min(now, tonumber(known[2]) or now)
  tokens = math.min(burst, tokens + (now - at) * rate) - tonumber(ARGV[3 + i])
  tokens = math.max(tokens, lowest)
  redis.call('HSET', key, 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
  redis.call('EXPIRE', key, math.ceil((burst - lowest) / rate) + 5)
  left[i] = math.floor(tokens * 1000)
end
return left
"""

# Of each key how many attempts failed, or accounts were made, and when the last one was.
_FAIL = """
local time = redis.call('TIME')
for _, key in ipairs(KEYS) do
  local known = redis.call('HGET', key, 'failures')
  if known and (#known > 18 or not string.match(known, '^%d+$')) then redis.call('DEL', key) end
  redis.call('HINCRBY', key, 'failures', 1)
  redis.call('HSET', key, 'at', string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000)))
  redis.call('EXPIRE', key, ARGV[1])
end
"""

# Nobody failed any more since now. That is not left out: what is missing was never told, or is lost.
_CLEAR = """
local time = redis.call('TIME')
for _, key in ipairs(KEYS) do
  local at = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('HSET', key, 'failures', 0, 'at', at)
  redis.call('EXPIRE', key, ARGV[1])
end
"""


class SharedRate(Rate):
    """Pays at once from a bucket of this node's own, and settles with those of the other nodes four times a
    second: who writes on several nodes may spend a burst on each until then, and owes it afterwards."""

    def __init__(
        self, clock: Clock, per_second: int, burst: int, link: Link, seal: Seal, nodes: Callable[[], int]
    ) -> None:
        """`nodes` gives their number."""
        super().__init__(clock, per_second, burst)
        self._whole = (per_second, burst)
        self._link = link
        self._line = link.line()
        self._seal = seal
        self._nodes = nodes
        self._spent: dict[int, float] = {}  # since the last settlement

    def change(self, per_second: int, burst: int) -> None:
        self._whole = (per_second, burst)
        self._divide()

    def _divide(self) -> None:
        parts = 1 if self._link.up else self._nodes()
        super().change(*(-(-limit // parts) for limit in self._whole))

    def _pay(self, user: int, cost: float) -> float:
        wait = super()._pay(user, cost)
        if cost and wait <= LONGEST_WAIT and all(self._whole):
            self._spent[user] = self._spent.get(user, 0.0) + cost
        return wait

    async def run(self) -> None:
        """Settle without end. To be a task."""
        try:
            while True:
                await asyncio.sleep(EVERY)
                try:
                    await self.settle()
                except Exception:
                    log.exception("limits could not be settled with the other nodes")
        finally:
            await self._line.close()

    async def settle(self) -> None:
        """Tell what was spent here, and learn what was spent elsewhere."""
        self._divide()
        due = {user: cost for user, cost in self._spent.items() if cost >= _LEAST}
        for user in due:
            del self._spent[user]
        entries = iter(due.items() if all(self._whole) else ())
        while some := list(islice(entries, _AT_ONCE)):
            try:
                (left,) = await self._line.run([self._settlement(some)])
            except Away:
                return
            for (user, _), tokens in zip(some, left, strict=True):
                self._learn(user, tokens / 1000)

    def forget_idle(self) -> None:
        super().forget_idle()
        self._spent = {user: cost for user, cost in self._spent.items() if user in self._buckets}

    def _settlement(self, spent: list[tuple[int, float]]) -> Command:
        rate, burst = self._whole
        lowest = -(burst + LONGEST_WAIT * rate)
        keys = [self._seal.key("rate", str(user)) for user, _ in spent]
        return ("EVAL", _PAY, len(keys), *keys, rate, burst, lowest, *(cost for _, cost in spent))

    def _learn(self, user: int, left: float) -> None:
        now = self._clock.monotonic()
        tokens, at = self._buckets.get(user, (float(self._burst), now))
        own = min(self._burst, tokens + (now - at) * self._per_second)
        self._buckets[user] = (min(own, left - self._spent.get(user, 0.0)), now)


class SharedThrottle(Throttle):
    """Counts failures and new accounts of all nodes together. Attempts are made one at a time on each node,
    and whoever was told to wait may be told so once by every node."""

    def __init__(self, clock: Clock, link: Link, seal: Seal, nodes: Callable[[], int]) -> None:
        """`nodes` gives their number."""
        super().__init__(clock)
        self._link = link
        self._line = link.line()
        self._seal = seal
        self._nodes = nodes

    async def close(self) -> None:
        """Ask Redis no more."""
        await self._line.close()

    async def _learn(self, pair: Pair) -> None:
        *counts, familiar = self._keys(pair)
        commands: list[Command] = [("HMGET", key, "failures", "at") for key in counts]
        known = self._pairs.get(pair), self._addresses.get(pair[1]), self._accounts.get(pair[0])
        try:
            *found, came_in, time = await self._line.run([*commands, ("EXISTS", familiar), ("TIME",)])
        except Away:
            return
        now = _milliseconds(time)
        self._take(self._pairs, pair, known[0], _read(found[0], now))
        self._take(self._addresses, pair[1], known[1], _read(found[1], now))
        self._take(self._accounts, pair[0], known[2], _read(found[2], now))
        if came_in:
            self._familiar.put(pair, True)

    def _take(
        self, counts: Recent[V, Count], key: V, known: Count | None, found: tuple[int, float] | None
    ) -> None:
        """Take over what was found, unless what was `known` at the question is newer by now."""
        if found is not None and counts.get(key) is known:
            failures, ago = found
            counts.put(key, Count(failures, self._clock.monotonic() - ago))

    async def _share(self, pair: Pair, right: bool) -> None:
        of_pair, of_address, of_account, familiar = self._keys(pair)
        failed: Command = ("EVAL", _FAIL, 3, of_pair, of_address, of_account, int(FORGET_AFTER))
        cleared: Command = ("EVAL", _CLEAR, 2, of_pair, of_account, int(FORGET_AFTER))
        came_in: list[Command] = [cleared, ("SET", familiar, 1, "EX", _FAMILIAR_FOR)]
        try:
            await self._line.run(came_in if right else [failed])
        except Away as away:
            log.debug("other nodes do not know of an attempt: %s", away)

    async def _learn_registrations(self, address: str) -> None:
        known = self._registered.get(address)
        key = self._seal.key("registrations", address)
        try:
            found, time = await self._line.run([("HMGET", key, "failures", "at"), ("TIME",)])
        except Away:
            return
        self._take(self._registered, address, known, _read(found, _milliseconds(time)))

    async def _share_registration(self, address: str) -> None:
        key = self._seal.key("registrations", address)
        try:
            await self._line.run([("EVAL", _FAIL, 1, key, int(FORGET_AFTER))])
        except Away as away:
            log.debug("other nodes do not know of a new account: %s", away)

    def _keys(self, pair: Pair) -> tuple[str, str, str, str]:
        """Of the pair, of the address, of the account, and of whether the owner came in from there."""
        account, address = pair
        return (
            self._seal.key("failures", "pair", account, address),
            self._seal.key("failures", "address", address),
            self._seal.key("failures", "account", account),
            self._seal.key("familiar", account, address),
        )

    def _allowed(self, growth: Growth) -> Growth:
        parts = 1 if self._link.up else self._nodes()
        return Growth(max(1, growth.free // parts), growth.longest)


def _milliseconds(time: list[bytes]) -> int:
    """What Redis answers to TIME."""
    return int(time[0]) * 1000 + int(time[1]) // 1000


def _read(found: list[bytes | None], now: int) -> tuple[int, float] | None:
    """The failures, and how many seconds ago the last one was; None where they are no numbers."""
    failures, at = map(_number, found)
    if failures is None or at is None:
        return None
    return failures, max(0, now - at) / 1000


def _number(found: bytes | None) -> int | None:
    return int(found) if found is not None and _NUMBER.fullmatch(found) else None
