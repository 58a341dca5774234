"""Which devices have asked anything of this server since it started."""

from __future__ import annotations

from collections.abc import Container

from chatbox.clock import Clock
from chatbox.rules.hosts import is_loopback

MOST = 4096  # addresses that are remembered; beyond that it is clear that others get through
SOON = 180.0  # seconds after the start in which somebody should have come


class Devices:
    """The addresses of peers, but for this computer's to itself."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: set[str] = set()
        self._started = clock.monotonic()
        self.started_at = clock.now()

    def note(self, address: str) -> None:
        """A peer with this address, in canonical form, asked something."""
        if address not in self._seen and len(self._seen) < MOST and not is_loopback(address):
            self._seen.add(address)

    def others(self, own: Container[str]) -> int:
        """How many there were, besides this computer under one of its own addresses."""
        return sum(address not in own for address in self._seen)

    @property
    def seconds(self) -> int:
        """How long the server has been running."""
        return int(self._clock.monotonic() - self._started)
