"""Giving memory back to the system, and what looking for it costs.

glibc keeps what was freed for the next who need it: a crowd that has left would cost as much as one that is
here, and each thread that once hashed a password 19 MiB for ever.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

LARGE = 2**20  # bytes; the memory of a hash is larger, all that a message needs is smaller
_M_MMAP_THRESHOLD = -3  # of malloc.h
CROWD = 50  # connections whose end is worth looking for what they have left


class Ebb:
    """Watches how many connections there are, and gives memory back when many have ended."""

    def __init__(self) -> None:
        self._give_back = _malloc_trim()
        self._most = 0

    def look(self, connections: int) -> None:
        """Tell how many there are. Called once a second; takes some milliseconds where many have ended."""
        self._most = max(self._most, connections)
        if self._most - connections >= CROWD:
            self._most = connections
            self._give_back(0)


def keep_start() -> None:
    """Spare the collector of garbage what the start has made and what stays to the end: looking through it
    takes tens of milliseconds, in which nobody is served (gc.freeze). May be called at every start."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def keep_large_apart() -> None:
    """Have large pieces mapped by themselves, so that they go back when they are freed. Else glibc raises the
    size from which it does so to the largest piece that ever was: mallopt(3), M_MMAP_THRESHOLD."""
    if sys.platform == "linux":
        import ctypes

        getattr(ctypes.CDLL(None), "mallopt", lambda *_: 0)(_M_MMAP_THRESHOLD, LARGE)


def _malloc_trim() -> Callable[[int], object]:
    """malloc_trim(3), which only glibc has."""
    if sys.platform != "linux":
        return lambda _: None
    import ctypes

    return getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)
