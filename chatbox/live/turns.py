"""One at a time, or a few: what is dear to do, and is done for different people at once only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from chatbox.errors import Busy

K = TypeVar("K", bound=Hashable)

MOST_WAITING = 50


class _Queue:
    """Those of one key: the one whose turn it is, and those who wait."""

    __slots__ = ("lock", "size")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.size = 0


class Turns(Generic[K]):
    """A queue for each key in use."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._queues: dict[K, _Queue] = {}

    def __len__(self) -> int:
        return len(self._queues)

    @asynccontextmanager
    async def take(self, key: K) -> AsyncIterator[None]:
        """Wait for one's turn, and have it until the end of the block. Raises `Busy` where too many wait."""
        queue = self._queues.setdefault(key, _Queue())
        if queue.size >= self._most:
            raise Busy
        queue.size += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.size -= 1
            if not queue.size:
                del self._queues[key]


class Places(Generic[K]):
    """As many at once of each key as there is room for, at least one; the others wait in their order."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._next: Turns[K] = Turns(most)
        self._taken: dict[K, int] = {}
        self._left: dict[K, asyncio.Event] = {}  # of the one who is next

    def __len__(self) -> int:
        return len(self._taken) + len(self._next)

    @asynccontextmanager
    async def take(self, key: K, room: Callable[[], int]) -> AsyncIterator[None]:
        """Wait for a place, and have it until the end of the block. How much room there is is asked anew when
        somebody leaves. Raises `Busy` where too many wait."""
        async with self._next.take(key):
            while key in self._taken and self._taken[key] >= room():
                left = self._left[key] = asyncio.Event()
                try:
                    await left.wait()
                finally:
                    del self._left[key]
            self._taken[key] = self._taken.get(key, 0) + 1
        try:
            yield
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
            if key in self._left:
                self._left[key].set()
