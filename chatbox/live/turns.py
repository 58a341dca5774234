"""One at a time: what is dear to do, and is done for different people at once only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
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
